// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_LastPictureOfAClockAlone: it lasts as long as the playlist says, at the rate of those before a tag that changed nothing.
func TestBuild_LastPictureOfAClockAlone(t *testing.T) {
	const slow = second * 4 / 10
	video, sound := pictures(0, 4*second+slow, slow, 5), tones(0, 4*second+slow*2/3)
	first := layout{running: true}.record(video, sound, 2*second, 4*second)
	first[2].Discontinuity, first[2].Duration = true, slow
	made := Build(Recording{Segments: slices.Concat(first, reset(plain(2), 0, 700*second, true))})
	if at := times(made, media.Video)[len(video)]; distance(at, 4*second+slow) > exactly {
		t.Errorf("the next clock begins at %s, want 4.4 s\n%s", position(at), list(made))
	}
}
