// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_SwappedBehindATagBeforePicturesAlone: the first two files of a clock are exchanged, and the one that is named first has
// sound alone. The pictures go on so that the clock seems to go on from there, too.
func TestBuild_SwappedBehindATagBeforePicturesAlone(t *testing.T) {
	first := layout{running: true}.record(pictures(0, 4*second, second/10, 20), tones(0, 4*second))
	video := slices.Concat(pictures(0, second, second/8, 100), pictures(14*second, 18*second, second/8, 100))
	next := layout{running: true}.record(video, tones(0, 4*second+second*7/10), 4*second+second*34/100, 14*second)
	next = reset(next, 0, 19*second, true)
	wantExchangeFound(t, first, next)
}

// TestBuild_SwappedBehindATagInWholeSeconds: the two files of the last clock are exchanged. Nothing follows them, and the pictures
// stand still between them; the one that is named first does not begin with a key frame.
func TestBuild_SwappedBehindATagInWholeSeconds(t *testing.T) {
	recorder := layout{precision: second}
	first := recorder.record(pictures(0, 8*second, pal, 50), tones(0, 8*second), each(0, 2*second, 4)...)
	video := slices.Concat(pictures(0, second, pal, 500), pictures(10*second-second*3/10, 13*second, pal, 500))
	video[25].Key = false
	next := reset(recorder.record(video, nil, 9*second), 0, 300*second, true)
	wantExchangeFound(t, first, next)
}

// wantExchangeFound fails unless the result is the same when the first two files of the second clock are exchanged, and that is said.
func wantExchangeFound(t *testing.T, first, next []Segment) {
	t.Helper()
	straight := Build(Recording{Segments: clone(slices.Concat(first, next))})
	next[0].File, next[1].File = next[1].File, next[0].File
	made := Build(Recording{Segments: slices.Concat(first, next)})
	wantState(t, made, Damaged, OutOfOrder)
	if !slices.Equal(times(made, media.Video), times(straight, media.Video)) {
		t.Errorf("pictures are not where they belong:\n%s", list(made))
	}
}
