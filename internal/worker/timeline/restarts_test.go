// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"fmt"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_CountersDoNotBeginAgain: the recorder begins its counters again in each segment. Where the sound of one begins with another
// number, and the playlist says nothing, its first packets are lost.
func TestBuild_CountersDoNotBeginAgain(t *testing.T) {
	record := func() []Segment {
		return layout{}.record(pictures(0, 6*second, pal, 50), tones(0, 6*second), each(0, 2*second, 3)...)
	}
	for i := range record() {
		segments := record()
		keep(&segments[i], media.Audio, 5, stream(&segments[i], media.Audio).Packets.Count)
		made := Build(Recording{Segments: segments})
		wantState(t, made, Damaged, SegmentTruncated)
		if made.Findings[0].Segment != i {
			t.Errorf("segment %d: the finding names segment %d", i, made.Findings[0].Segment)
		}
	}
}

// TestBuild_CountersRunOnFromOneNumber: running counters of segments with a multiple of sixteen packets begin with one number behind
// the first segment.
func TestBuild_CountersRunOnFromOneNumber(t *testing.T) {
	segments := layout{running: true}.record(pictures(0, 8*second, pal, 50), tones(0, 8*second), each(0, 2*second, 4)...)
	for i := range segments {
		for _, kind := range kinds {
			counters := &stream(&segments[i], kind).Counters
			counters.First, counters.Last = 9, 8
			if i == 0 {
				counters.First = 0
			}
		}
	}
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_CountersOfTwoSegmentsAreChance: two of three segments begin with one number by chance.
func TestBuild_CountersOfTwoSegmentsAreChance(t *testing.T) {
	segments := layout{}.record(nil, tones(0, 6*second), each(0, 2*second, 3)...)
	for i, first := range []uint8{3, 8, 8} {
		stream(&segments[i], media.Audio).Counters.First = first
	}
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_CountersTellAWholeBeginning: picture and sound stop before a segment that begins without a key frame, as other segments do
// not. Whether its beginning is lost, or the recorder began it so, the numbers of its counters tell.
func TestBuild_CountersTellAWholeBeginning(t *testing.T) {
	record := func() []Segment {
		segments := layout{precision: second}.record(pictures(0, 10*second, pal, 50), tones(0, 10*second), each(0, 2*second, 5)...)
		keep(&segments[2], media.Video, 12, 50)
		keep(&segments[2], media.Audio, 22, stream(&segments[2], media.Audio).Packets.Count)
		return segments
	}
	wantState(t, Build(Recording{Segments: record()}), Damaged, SegmentTruncated)
	segments := record()
	for _, kind := range kinds {
		stream(&segments[2], kind).Counters.First = 0
	}
	if state := Build(Recording{Segments: segments}).State(); state == Damaged {
		t.Errorf("a segment whose counters begin as those of the others is %s", state)
	}
}

// TestBuild_RecorderBeginsAgainWithItsClock: behind a pause the counters begin as they did in the first segment, and the names go on.
// Where they begin with other numbers, segments are lost.
func TestBuild_RecorderBeginsAgainWithItsClock(t *testing.T) {
	video := later(pictures(0, 16*second, pal, 50), 8*second, 30*second)
	sound := later(tones(0, 16*second), 8*second, 30*second)
	record := func() []Segment {
		borders := append(each(0, 2*second, 4), 38*second, 40*second, 42*second, 44*second)
		segments := layout{running: true}.record(video, sound, borders...)
		segments[3].Duration = 2 * second // which does not know of the pause
		return segments
	}
	segments := record()
	again := layout{running: true}.record(video[200:], sound[375:], 40*second, 42*second, 44*second)
	for i := range again {
		for _, kind := range kinds {
			stream(&segments[4+i], kind).Counters = stream(&again[i], kind).Counters
		}
	}
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	for i := range again {
		for _, kind := range kinds {
			counters := &stream(&segments[4+i], kind).Counters
			counters.First, counters.Last = (counters.First+3)&15, (counters.Last+3)&15
		}
	}
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentMissing)
}

// TestBuild_TakesWithOtherCounters: the counters of the first take begin again in each segment, and those of the second run on.
func TestBuild_TakesWithOtherCounters(t *testing.T) {
	first := layout{}.record(pictures(0, 10*second, pal, 50), tones(0, 10*second), each(0, 2*second, 5)...)
	next := plain(8)
	whole := slices.Concat(first, reset(next, 0, 700*second, true))
	for i := range whole {
		whole[i].Name = fmt.Sprintf("seg%d.ts", i)
	}
	wantState(t, Build(Recording{Segments: clone(whole)}), Intact)
	keep(&whole[8], media.Audio, 0, 90)
	wantState(t, Build(Recording{Segments: whole}), Damaged, PacketsLost)
}

// TestBuild_CountersRunOnOverATag: the sound of each segment takes a multiple of sixteen packets, and the pictures of the first one do.
// The counters of the pictures go on where another clock begins, and those of the tables do everywhere.
func TestBuild_CountersRunOnOverATag(t *testing.T) {
	segments := reset(layout{running: true}.record(pictures(0, 6*second, pal, 50), tones(0, 6*second), each(0, 2*second, 3)...), 2, 500*second, true)
	for i, first := range []uint8{0, 0, 3} {
		stream(&segments[i], media.Video).Counters.First = first
		stream(&segments[i], media.Video).Counters.Last = []uint8{15, 2, 9}[i]
		stream(&segments[i], media.Audio).Counters.First, stream(&segments[i], media.Audio).Counters.Last = 0, 15
	}
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	for i := range segments { // the tables tell without the pictures as well
		segments[i].File.TableCounters.First = uint8(3 * i)
	}
	stream(&segments[1], media.Video).Counters.Last = 7
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_PicturesOfSixteenPacketsInATake: in the second take the counters of the pictures begin with one number in each segment, since
// all hold a multiple of sixteen packets. Those of the sound and of the tables run on.
func TestBuild_PicturesOfSixteenPacketsInATake(t *testing.T) {
	whole := slices.Concat(plain(5), reset(plain(5), 0, 700*second, true))
	for i := range whole {
		whole[i].Name = fmt.Sprintf("seg%d.ts", i)
		if i >= 5 {
			counters := &stream(&whole[i], media.Video).Counters
			counters.First, counters.Last = 0, 15
		}
	}
	wantState(t, Build(Recording{Segments: clone(whole)}), Intact)
	keep(&whole[7], media.Video, 0, 41)
	wantState(t, Build(Recording{Segments: whole}), Damaged, PacketsLost)
}
