// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
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

// TestBuild_CopyBehindATagInWholeSeconds: the first file of a clock is a copy of the one before the tag. Durations in whole
// seconds of both together do not say that the second one goes on with the clock before.
func TestBuild_CopyBehindATagInWholeSeconds(t *testing.T) {
	first := layout{}.record(pictures(second, 4*second+second/2, pal, 50), tones(second, 4*second+second/2))
	next := layout{}.record(pictures(7*second, 18*second, pal, 50), tones(7*second, 18*second), 15*second)
	whole := slices.Concat(first, next)
	for i := range whole {
		whole[i].Precision = second
	}
	whole[0].Duration, whole[1].Duration, whole[2].Duration = 4*second, 8*second, 3*second
	whole[1].Discontinuity, whole[1].File = true, whole[0].File
	made := Build(Recording{Segments: whole})
	wantState(t, made, Damaged, SegmentDuplicated)
	if at, want := times(made, media.Video)[88], 3*second+second/2+8*second; distance(at, want) > second {
		t.Errorf("the clock behind the tag goes on at %s, want %s", position(at), position(want))
	}
}

// TestBuild_CopyBeginsAClock: the first file of a clock is a copy of another one, which leaves nothing of the clock's beginning
// to count from.
func TestBuild_CopyBeginsAClock(t *testing.T) {
	segments := reset(plain(6), 3, 300*second, true)
	segments[3].File = segments[0].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if made.Length > 13*second {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_CopyAtATag: the first file behind a tag is a copy of another one, and what follows it has another clock.
func TestBuild_CopyAtATag(t *testing.T) {
	segments := reset(plain(7), 3, 20_000*second, true)
	segments[3].File = segments[0].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if distance(made.Length, 14*second) > second/10 {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_OnlyFileOfAClockIsACopy: the playlist says that it is shorter, and its twin is where it belongs.
func TestBuild_OnlyFileOfAClockIsACopy(t *testing.T) {
	segments := reset(plain(6), 1, 300*second, true)
	segments[0].Duration = 5 * second
	segments[0].File = segments[3].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if found := firstOf(made, SegmentDuplicated); found.Segment != 0 {
		t.Errorf("segment %d is said to be the copy", found.Segment)
	}
}

// TestBuild_OneOfTwoCopiesStays: the copy was left out; its twin stays, although the playlist says less than it holds.
func TestBuild_OneOfTwoCopiesStays(t *testing.T) {
	segments := layout{running: true}.record(pictures(0, 13*second, pal, 25), tones(0, 13*second), 2*second, 4*second, 6*second, 11*second)
	segments[3].Duration = 4 * second
	segments[1].File = segments[3].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	for _, found := range made.Findings {
		if found.Type == SegmentDuplicated && found.Segment != 1 {
			t.Errorf("segment %d is said to be a copy:\n%s", found.Segment, list(made))
		}
	}
}

// TestBuild_CopyAtAReset: the file of the segment with the tag is a copy of the one before, and the new clock begins behind
// it.
func TestBuild_CopyAtAReset(t *testing.T) {
	segments := reset(plain(6), 3, 5000*second, true)
	segments[3].File = segments[2].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if at := times(made, media.Video)[150]; distance(at, 8*second) > aac {
		t.Errorf("the first picture behind the copy is at %s", position(at))
	}
}

// TestBuild_CopyOfAnEarlierSegmentBeforeAStill: what follows does not begin where the playlist says, and yet goes on with the
// clock from before the copy.
func TestBuild_CopyOfAnEarlierSegmentBeforeAStill(t *testing.T) {
	video := without(pictures(0, 20*second, pal, 50), 10*second, 12*second)
	segments := layout{own: true}.record(video, nil, each(0, 2*second, 10)...)
	segments = slices.Delete(segments, 5, 6)
	segments[4].File = segments[0].File
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentDuplicated)
}

// TestBuild_CopyOfASegmentThatBeginsWithPicturesAlone: they come before its sound and slower towards the end, and are no pictures from
// before a pause.
func TestBuild_CopyOfASegmentThatBeginsWithPicturesAlone(t *testing.T) {
	segments := reset(reset(plain(4), 1, 500*second, true), 2, 900*second, true)
	video := append(pictures(0, second, pal, 25), pictures(second, 5*second, second/2, 1)...)
	last := layout{}.record(video, tones(second, 4*second))
	last[0].Discontinuity, last[0].Name = true, "seg4.ts"
	segments = append(segments[:3], last[0])
	segments[1].File, segments[1].Duration = last[0].File, 4*second
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if found := firstOf(made, SegmentDuplicated); found.Segment != 1 {
		t.Errorf("segment %d is said to be the copy\n%s", found.Segment, list(made))
	}
}

// TestBuild_CopyWithPicturesFromBeforeAPause: the file holds a picture that is shown before a pause, so that the least of its
// times says nothing of where it belongs.
func TestBuild_CopyWithPicturesFromBeforeAPause(t *testing.T) {
	video := append(pictures(0, second/3, second/3, 1), pictures(8*second, 14*second, second/3, 3)...)
	segments := layout{}.record(video, tones(0, 14*second), 2*second, 4*second, 6*second, 9*second, 11*second)
	change(&segments[3], media.Video, func(packets []media.Packet) []media.Packet {
		packets[0].DTS, packets[1].DTS = second/3, second/3+pal
		early := media.Packet{DTS: second/3 + 2*pal, PTS: second / 3, Size: 1000}
		return []media.Packet{packets[0], packets[1], early, packets[2]}
	})
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	segments[1].File = segments[3].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if found := firstOf(made, SegmentDuplicated); found.Segment != 1 || distance(made.Length, 14*second) > second/3 {
		t.Errorf("segment %d is said to be the copy, a length of %s\n%s", found.Segment, position(made.Length), list(made))
	}
}
