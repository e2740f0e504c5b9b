// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// durations is a cursor of samples that last so long.
type durations struct {
	left []int64
	dts  int64
}

func (d *durations) rest() int64 { return int64(len(d.left)) }

func (d *durations) next(s *Sample) (bool, error) {
	if len(d.left) == 0 {
		return false, nil
	}
	*s = Sample{DTS: d.dts, PTS: d.dts + 7, Duration: d.left[0]}
	d.dts, d.left = d.dts+d.left[0], d.left[1:]
	return true, nil
}

// samplesOf are the samples that a cursor gives. It says each time how many are left.
func samplesOf(t *testing.T, cursor cursor) (all []Sample) {
	t.Helper()
	for left := cursor.rest(); ; left-- {
		if cursor.rest() != left {
			t.Fatalf("%d samples are left, want %d", cursor.rest(), left)
		}
		var s Sample
		ok, err := cursor.next(&s)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			if left != 0 {
				t.Fatalf("the last one is not given: %d are left", left)
			}
			return all
		}
		all = append(all, s)
	}
}

// TestSpreadCursor_FramesOfOnePacketFollowOneAnother: muxers write all frames of a PES packet at its time.
func TestSpreadCursor_FramesOfOnePacketFollowOneAnother(t *testing.T) {
	tests := map[string]struct {
		durations []int64
		samples   int // of a frame
		want      []int64
	}{
		"each has its own":                      {[]int64{1024, 1024, 1024}, 1024, []int64{0, 1024, 2048}},
		"three at one time":                     {[]int64{0, 0, 3072, 0, 0, 3072}, 1024, []int64{0, 1024, 2048, 3072, 4096, 5120}},
		"three at one time, before a mute":      {[]int64{0, 0, 9000, 1024}, 1024, []int64{0, 3000, 6000, 9000}},
		"the last ones of a file say nothing":   {[]int64{1024, 0, 0, 1}, 1024, []int64{0, 1024, 2048, 3072}},
		"nor do they have any duration":         {[]int64{1024, 0, 0}, 1024, []int64{0, 1024, 2048}},
		"a first one without duration":          {[]int64{0, 1024, 1024}, 1024, []int64{0, 0, 1024}},
		"nobody knows how long a frame is":      {[]int64{0, 0, 3072, 1024}, 0, []int64{0, 0, 0, 3072}},
		"one without duration, and the end":     {[]int64{1024, 0}, 1024, []int64{0, 1024}},
		"more than are held, and no duration":   {make([]int64, maxBunch), 1, upTo(maxBunch)},
		"nothing":                               {nil, 1024, nil},
		"frames that are a little short for it": {[]int64{0, 1900, 1024}, 1024, []int64{0, 950, 1900}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			track := &Track{Kind: media.Audio, Timescale: 48_000, Params: []media.Params{{SampleRate: 48_000, FrameSamples: test.samples}}}
			cursor := track.spread(&durations{left: test.durations})
			var got []int64
			end := int64(0)
			for _, s := range samplesOf(t, cursor) {
				if s.PTS != s.DTS+7 || s.DTS < end {
					t.Errorf("a sample at %d is shown at %d, behind one that ends at %d", s.DTS, s.PTS, end)
				}
				end = s.DTS + s.Duration
				got = append(got, s.DTS)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestSpreadCursor_PicturesKeepTheirTimes: what has no duration is not shown.
func TestSpreadCursor_PicturesKeepTheirTimes(t *testing.T) {
	inner := &durations{}
	if cursor := (&Track{Kind: media.Video}).spread(inner); cursor != inner {
		t.Error("pictures are spread")
	}
}

func upTo(count int) []int64 {
	all := make([]int64, count)
	for i := range all {
		all[i] = int64(i)
	}
	return all
}
