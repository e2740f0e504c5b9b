// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"
	"time"
)

// TestBuild_CopiesAcrossClocks: the file of one segment has the bytes of one of another clock. That one stays, and the time of the
// other one passes.
func TestBuild_CopiesAcrossClocks(t *testing.T) {
	tests := map[string]struct {
		segments []Segment
		copied   int
		length   int64
	}{
		"the twin begins where the playlist says, behind a pause": {func() []Segment {
			paused := append(pictures(0, 2*second, pal, 25), pictures(10*second, 12*second, pal, 25)...)
			segments := slices.Concat(layout{}.record(pictures(0, 4*second, pal, 25), nil, 2*second),
				reset(layout{}.record(paused, nil, 10*second), 0, 20_000*second, true))
			segments[1].File = segments[3].File
			return segments
		}(), 1, 16 * second},
		"the twin begins the recording, and the playlist says that the copy is shorter": {func() []Segment {
			rounded := layout{precision: second}
			segments := slices.Concat(rounded.record(pictures(0, 112*pal, pal, 50), nil),
				reset(rounded.record(pictures(0, 9*second, pal, 50), nil, 6*second), 0, 1000*second, true),
				reset(rounded.record(pictures(0, 4*second, pal, 50), nil), 0, 5000*second, true))
			segments[2].File = segments[0].File
			return segments
		}(), 2, 13*second + 112*pal},
		"the twin begins the recording, and dates say that the copy is shorter": {func() []Segment {
			rounded := layout{precision: second}
			segments := slices.Concat(rounded.record(pictures(0, 155*pal, pal, 50), nil),
				reset(rounded.record(pictures(0, 4*second, pal, 50), nil), 0, 1000*second, true),
				reset(rounded.record(pictures(0, 125*pal, pal, 50), nil), 0, 3000*second, true),
				reset(rounded.record(pictures(0, 4*second, pal, 50), nil), 0, 5000*second, true))
			for i, at := range []int{0, 6200, 10_200, 15_200} {
				segments[i].Began = time.Date(2026, 1, 1, 0, 0, 0, at*1_000_000, time.UTC)
			}
			segments[2].File = segments[0].File
			return segments
		}(), 2, 19*second + 5*pal},
		"the twin begins the recording, and what follows it is where the playlist says": {func() []Segment {
			paused := append(pictures(0, 40*pal, pal, 40), pictures(4*second, 6*second, pal, 25)...)
			segments := slices.Concat(layout{}.record(paused, nil, 4*second),
				reset(layout{}.record(pictures(0, 6*second, pal, 25), nil, 2*second, 2*second+40*pal), 0, 700*second, true))
			segments[3].File = segments[0].File
			return segments
		}(), 3, 12 * second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			made := Build(Recording{Segments: test.segments})
			wantState(t, made, Damaged, SegmentDuplicated)
			for _, found := range made.Findings {
				if found.Type == SegmentDuplicated && found.Segment != test.copied {
					t.Errorf("segment %d is said to be the copy", found.Segment)
				}
			}
			if distance(made.Length, test.length) > second/5 {
				t.Errorf("a length of %s, want %s\n%s", position(made.Length), position(test.length), list(made))
			}
		})
	}
}

// TestBuild_CopyBeginsWhereTheClockBeforeEnds: the copy begins a clock by chance just where the one before ended. What follows does
// not go on with it, as it does behind its twin.
func TestBuild_CopyBeginsWhereTheClockBeforeEnds(t *testing.T) {
	take := func(at int64) []Segment {
		made := layout{}.record(pictures(at, at+5*second, pal, 25), tones(at, at+5*second), at+4*second)
		made[0].Discontinuity = at > 0
		return made
	}
	segments := slices.Concat(take(0), take(20*second), take(5*second))
	straight := Build(Recording{Segments: clone(segments)})
	segments[2].File = segments[4].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if found := firstOf(made, SegmentDuplicated); found.Segment != 2 || distance(made.Length, straight.Length) > second/20 {
		t.Errorf("a length of %s, want %s\n%s", position(made.Length), position(straight.Length), list(made))
	}
}

// TestBuild_CountersTellTheCopy: both begin a clock, and the durations in the playlist fit both. The continuity counters go on from
// and to one of them.
func TestBuild_CountersTellTheCopy(t *testing.T) {
	segments := reset(reset(reset(plain(8), 2, 500*second, true), 3, -90*second, true), 5, 300*second, true)
	straight := Build(Recording{Segments: clone(segments)})
	segments[2].File = segments[5].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if found := firstOf(made, SegmentDuplicated); found.Segment != 2 || distance(made.Length, straight.Length) > second/20 {
		t.Errorf("a length of %s, want %s\n%s", position(made.Length), position(straight.Length), list(made))
	}
	for i := range segments {
		for k := range segments[i].File.Streams {
			segments[i].File.Streams[k].Counters.First = 0
		}
	}
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
}

// TestBuild_TakeThatRepeatsIsNoCopy: the same take comes twice, and the second time a segment of it is lost. What is left of it is no
// copy of the first one's.
func TestBuild_TakeThatRepeatsIsNoCopy(t *testing.T) {
	for lost := range 3 {
		segments := slices.Concat(plain(3), clone(plain(3)))
		segments[3].Discontinuity = true
		segments[3+lost].File = nil
		made := Build(Recording{Segments: segments})
		wantState(t, made, Damaged, SegmentMissing)
		if found := firstOf(made, SegmentDuplicated); found.Type != "" {
			t.Errorf("segment %d is said to be a copy:\n%s", found.Segment, list(made))
		}
	}
}
