// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestFrameLength_HolesAreNoFrames: the packet before a mute is said to last until the sound comes back, and the last one
// may be cut.
func TestFrameLength_HolesAreNoFrames(t *testing.T) {
	tests := map[string]struct {
		durations []int64
		want      int
	}{
		"even":                {[]int64{960, 960, 960}, 960},
		"one":                 {[]int64{960}, 960},
		"last one is cut":     {[]int64{960, 960, 960, 500}, 960},
		"a mute":              {[]int64{960, 960, 960, 960, 960, 960, 960, 960, 960, 235_200, 960, 960}, 960},
		"lengths that differ": {[]int64{960, 1920, 960, 1920, 960}, 0},
		"none":                {nil, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var f frameLength
			for _, duration := range test.durations {
				f.add(duration)
			}
			params := []media.Params{{Codec: media.Opus}, {Codec: media.AAC}}
			f.fill(params, 48_000)
			if params[0].FrameSamples != test.want || params[1].FrameSamples != 0 {
				t.Errorf("%d and %d samples in a frame, want %d and 0", params[0].FrameSamples, params[1].FrameSamples, test.want)
			}
		})
	}
}
