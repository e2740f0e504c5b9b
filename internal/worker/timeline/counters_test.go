// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_CountersGoOnOverSoundAlone: the pictures stand still for two segments of sound alone. That their counters go on behind
// these says that counters run on in this recording, so that the end of a later segment is known to be lost.
func TestBuild_CountersGoOnOverSoundAlone(t *testing.T) {
	video := slices.Concat(pictures(0, 2*second, pal, 25), later(pictures(0, 4*second, pal, 25), 0, 14*second))
	segments := layout{running: true}.record(video, tones(3*second, 7*second), 3*second, 5*second, 14*second, 16*second)
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	keep(&segments[3], media.Video, 0, 15)
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)
}

// TestBuild_CountersOfTheTablesGoOn: the sound of the second of three segments is gone. One border at which the counters of the
// pictures go on is not enough; those of the tables say as well that counters run on in this recording.
func TestBuild_CountersOfTheTablesGoOn(t *testing.T) {
	video := pictures(0, 4*second, second/3, 6)
	segments := layout{running: true}.record(video, tones(second, 7*second), 2*second, 4*second)
	segments[1].File.Streams[1] = emptyStream(media.Audio)
	made := Build(Recording{Segments: clone(segments)})
	wantState(t, made, Damaged, PacketsLost)
	for i := range segments {
		segments[i].File.TableCounters = media.Counters{Known: true}
	}
	if state := Build(Recording{Segments: segments}).State(); state == Damaged {
		t.Error("counters that begin again in each segment are taken to run on")
	}
}

// TestBuild_NumbersOfFragmentsGoOn: picture and sound stop in a segment and come back with the next one. The numbers of the fragments
// tell a pause from a loss.
func TestBuild_NumbersOfFragmentsGoOn(t *testing.T) {
	for _, running := range []bool{true, false} {
		record := func() []Segment {
			return layout{running: running, container: media.FragmentMP4, names: "seg%d.m4s"}.record(
				without(pictures(0, 12*second, pal, 50), 5*second, 6*second), without(tones(0, 12*second), 5*second, 6*second), each(0, 2*second, 6)...)
		}
		want := Unknown
		if running {
			want = Intact
		}
		wantState(t, Build(Recording{Segments: record()}), want)
		segments := record()
		segments[2].File.Fragments.Last-- // its last fragment is lost
		want = Unknown
		if running {
			want = Damaged
		}
		wantState(t, Build(Recording{Segments: segments}), want)
	}
}

// TestBuild_NumbersOfFragmentsWithoutAHole: a recorder that counts the fragments of others as well has lost nothing.
func TestBuild_NumbersOfFragmentsWithoutAHole(t *testing.T) {
	segments := layout{running: true, container: media.FragmentMP4}.record(pictures(0, 12*second, pal, 50), tones(0, 12*second), each(0, 2*second, 6)...)
	segments[2].File.Fragments.Last--
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_NumbersOfFragmentsBeforeAnotherClock: they go on where clocks begin. Where they do not, the line of a clock's last segment
// is missing.
func TestBuild_NumbersOfFragmentsBeforeAnotherClock(t *testing.T) {
	for _, running := range []bool{true, false} {
		segments := layout{running: running, container: media.FragmentMP4, names: "seg%d.m4s"}.record(
			pictures(0, 24*second, pal, 50), tones(0, 24*second), each(0, 2*second, 12)...)
		for _, at := range []int{3, 6, 9} {
			segments = reset(segments, at, int64(at)*700*second, true)
		}
		wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
		made := Build(Recording{Segments: drop(segments, 5)})
		if state := made.State(); (state == Damaged) != running {
			t.Errorf("numbers go on %v: %s\n%s", running, state, list(made))
		}
	}
}

// TestBuild_CountersOverAnEmptySegment: nothing is left of it but its tables. Counters that do not go on over it tell that from a
// segment in which nothing was recorded.
func TestBuild_CountersOverAnEmptySegment(t *testing.T) {
	for _, want := range []State{Damaged, Unknown} {
		segments := layout{running: true}.record(pictures(0, 12*second, pal, 50), tones(0, 12*second), each(0, 2*second, 6)...)
		for i := range segments[2].File.Streams {
			segments[2].File.Streams[i] = emptyStream(kinds[i])
		}
		for _, kind := range kinds {
			if want == Unknown { // the counters have gone round
				stream(&segments[3], kind).Counters.First = (stream(&segments[1], kind).Counters.Last + 1) & 15
			}
		}
		wantState(t, Build(Recording{Segments: segments}), want)
	}
}

// TestBuild_TablesTellChance: picture and sound stop before the end of a segment, and their counters go on, as they do behind a pause,
// or where a multiple of sixteen packets of each is lost. Those of the tables tell.
func TestBuild_TablesTellChance(t *testing.T) {
	for want, last := range map[State]uint8{Intact: 2, Damaged: 7} {
		segments := layout{running: true}.record(pictures(0, 12*second, pal, 50), tones(0, 12*second), each(0, 2*second, 6)...)
		keep(&segments[2], media.Video, 0, 25)
		keep(&segments[2], media.Audio, 0, 47)
		for _, kind := range kinds {
			stream(&segments[2], kind).Counters.Last = (stream(&segments[3], kind).Counters.First - 1) & 15
		}
		segments[2].File.TableCounters.Last = last
		wantState(t, Build(Recording{Segments: segments}), want)
	}
}

// TestBuild_CountersThatNeverMoveTellNothing: each segment takes a multiple of sixteen packets, or the counters begin again in each. What
// is lost at a segment's end takes as many.
func TestBuild_CountersThatNeverMoveTellNothing(t *testing.T) {
	segments := layout{}.record(pictures(0, 8*second, pal, 50), tones(0, 8*second), each(0, 2*second, 4)...)
	for i := range segments {
		for _, kind := range kinds {
			if i == 1 {
				keep(&segments[i], kind, 0, stream(&segments[i], kind).Packets.Count*2/3)
			}
			counters := &stream(&segments[i], kind).Counters
			counters.First, counters.Last = 0, 15
		}
	}
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
}
