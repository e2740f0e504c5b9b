// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// orders is a cursor of pictures that are shown at these times, each decoded ten ticks after the one before. A fragment ends where -1 is.
type orders struct {
	left []int64
	dts  int64
	over bool // at the end of a fragment; the next one begins when this is cleared
}

func (o *orders) rest() int64 {
	if o.over {
		return 0
	}
	if end := slices.Index(o.left, -1); end >= 0 {
		return int64(end)
	}
	return int64(len(o.left))
}

func (o *orders) next(s *Sample) (bool, error) {
	if o.over || len(o.left) == 0 {
		return false, nil
	}
	shown := o.left[0]
	o.left, o.over = o.left[1:], shown < 0
	if o.over {
		return false, nil
	}
	*s = Sample{DTS: o.dts, PTS: shown, Duration: 10}
	o.dts += 10
	return true, nil
}

// TestLeadingCursor_FirstPictureIsShownBehindItsLeadingPictures: the ffmpeg program's muxer for HLS shows it at the time of the first one.
func TestLeadingCursor_FirstPictureIsShownBehindItsLeadingPictures(t *testing.T) {
	tests := map[string]struct{ shown, want []int64 }{
		"as it was encoded":               {[]int64{30, 10, 20, 60, 40, 50}, []int64{30, 10, 20, 60, 40, 50}},
		"at the time of the first":        {[]int64{10, 10, 20, 60, 40, 50}, []int64{30, 10, 20, 60, 40, 50}},
		"rounded":                         {[]int64{11, 10, 20, 60, 40, 50}, []int64{30, 10, 20, 60, 40, 50}},
		"leading pictures in a pyramid":   {[]int64{10, 30, 10, 20, 60, 50}, []int64{40, 30, 10, 20, 60, 50}},
		"leading pictures alone":          {[]int64{10, 20, 10}, []int64{30, 20, 10}},
		"no leading pictures":             {[]int64{10, 40, 20, 30}, []int64{10, 40, 20, 30}},
		"shown soon behind the first one": {[]int64{10, 12, 20, 60, 40, 50}, []int64{10, 12, 20, 60, 40, 50}},
		"at no rate":                      {[]int64{10, 10, 25, 60, 45, 50}, []int64{10, 10, 25, 60, 45, 50}},
		"a pause behind them":             {[]int64{10, 10, 20, 90, 70, 80}, []int64{10, 10, 20, 90, 70, 80}},
		"others are decoded between":      {[]int64{10, 10, 60, 20, 40, 50}, []int64{10, 10, 60, 20, 40, 50}},
		"the second fragment":             {[]int64{10, 40, 20, 30, -1, 50, 60, 50, 80}, []int64{10, 40, 20, 30, 70, 60, 50, 80}},
		"more than can be":                {append([]int64{10}, upTo(maxLeading+1)...), append([]int64{10}, upTo(maxLeading+1)...)},
		"a single one":                    {[]int64{10}, []int64{10}},
		"nothing":                         {nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := shownBy(t, media.Video, &orders{left: slices.Clone(test.shown)}); !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestLeadingCursor_SoundKeepsItsTimes: it has no leading frames.
func TestLeadingCursor_SoundKeepsItsTimes(t *testing.T) {
	shown := []int64{10, 10, 20, 60, 40, 50}
	if got := shownBy(t, media.Audio, &orders{left: slices.Clone(shown)}); !slices.Equal(got, shown) {
		t.Errorf("%v, want %v", got, shown)
	}
}

// shownBy are the times at which a track with these samples shows them.
func shownBy(t *testing.T, kind media.Kind, samples *orders) (shown []int64) {
	t.Helper()
	cursor := (&Track{Kind: kind}).showLeading(samples)
	for more := true; more; more = len(samples.left) > 0 {
		samples.over = false
		for _, s := range samplesOf(t, cursor) {
			shown = append(shown, s.PTS)
		}
	}
	return shown
}
