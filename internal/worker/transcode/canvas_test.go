// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transcode

import (
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

func TestCanvas(t *testing.T) {
	quarter := [9]int32{0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30}
	tests := map[string]struct {
		sizes         [][2]int
		matrix        [9]int32
		maxHeight     int
		width, height int
	}{
		"one":                   {[][2]int{{640, 360}}, [9]int32{}, 0, 640, 360},
		"odd":                   {[][2]int{{641, 361}}, [9]int32{}, 0, 642, 362},
		"the largest of all":    {[][2]int{{160, 90}, {640, 360}, {360, 640}}, [9]int32{}, 0, 640, 640},
		"bounded":               {[][2]int{{1920, 1080}}, [9]int32{}, 720, 1280, 720},
		"bounded by an odd one": {[][2]int{{1920, 1080}}, [9]int32{}, 721, 1282, 720},
		"lower than the bound":  {[][2]int{{640, 360}}, [9]int32{}, 720, 640, 360},
		"turned":                {[][2]int{{640, 360}}, quarter, 0, 360, 640},
		"turned and bounded":    {[][2]int{{640, 360}}, quarter, 320, 180, 320},
		"very wide":             {[][2]int{{4000, 2}}, [9]int32{}, 1, 2000, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			track := &timeline.Track{Kind: media.Video, Matrix: test.matrix}
			for _, size := range test.sizes {
				track.Params = append(track.Params, media.Params{Width: size[0], Height: size[1]})
			}
			width, height := canvas(track, test.maxHeight)
			if width != test.width || height != test.height {
				t.Errorf("%dx%d, want %dx%d", width, height, test.width, test.height)
			}
		})
	}
}

// TestFills_OnlyWherePaddingIsNeverNeeded: a picture that is smaller than the canvas, or turned, is padded.
func TestFills_OnlyWherePaddingIsNeverNeeded(t *testing.T) {
	size := func(width, height int) media.Params { return media.Params{Width: width, Height: height} }
	tests := map[string]struct {
		track timeline.Track
		want  bool
	}{
		"one size":     {timeline.Track{Params: []media.Params{size(640, 360), size(640, 360)}}, true},
		"a lower one":  {timeline.Track{Params: []media.Params{size(640, 360), size(640, 358)}}, false},
		"a narrow one": {timeline.Track{Params: []media.Params{size(360, 360), size(640, 360)}}, false},
		"unknown":      {timeline.Track{Params: []media.Params{size(0, 0)}}, false},
		"turned":       {timeline.Track{Params: []media.Params{size(640, 360)}, Matrix: [9]int32{-1 << 16, 0, 0, 0, -1 << 16}}, false},
	}
	for name, test := range tests {
		if got := fills(&test.track, 640, 360); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
