// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_SoundAwayFromJointFragments: a movie fragment that holds picture and sound loses none of them alone, so that one without
// sound was written so.
func TestBuild_SoundAwayFromJointFragments(t *testing.T) {
	for joint, want := range map[bool]State{true: Intact, false: Unknown} {
		segments := layout{container: media.FragmentMP4, names: "seg%d.m4s"}.record(
			pictures(0, 8*second, pal, 50), without(tones(0, 8*second), 2*second, 4*second), each(0, 2*second, 4)...)
		for i := range segments {
			segments[i].File.Joint = joint && i != 1
		}
		wantState(t, Build(Recording{Segments: segments}), want)
	}
}

// TestBuild_PicturesAwayBehindSoundThatIsAhead: the sound of each segment begins half a second before its pictures, so that the pictures
// that are away for a segment leave a stretch that is no segment of the sound.
func TestBuild_PicturesAwayBehindSoundThatIsAhead(t *testing.T) {
	for away, want := range map[bool]State{true: Unknown, false: Intact} {
		video := pictures(second/2, 8*second+second/2, pal, 50)
		segments := layout{}.record(later(video, 0, -second/2), tones(0, 8*second), each(0, 2*second, 4)...)
		for i := range segments {
			change(&segments[i], media.Video, func(packets []media.Packet) []media.Packet { return later(packets, 0, second/2) })
		}
		if away {
			segments[2].File.Streams[0] = emptyStream(media.Video)
		}
		wantState(t, Build(Recording{Segments: segments}), want)
	}
}

// TestBuild_StreamIsAwayWhereAClockBegins: a segment names the stream and has no packet of it, at the beginning or end of a clock that is
// not the recording's first.
func TestBuild_StreamIsAwayWhereAClockBegins(t *testing.T) {
	for _, kind := range kinds {
		for _, at := range []int{3, 4} {
			segments := twoClocks(false)
			*stream(&segments[at], kind) = emptyStream(kind)
			wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownStreamAway)
			segments = twoClocks(false)
			segments[at].File.Streams = slices.DeleteFunc(segments[at].File.Streams, func(s media.Stream) bool { return s.Kind == kind })
			wantState(t, Build(Recording{Segments: segments}), Intact, LayoutChange)
		}
	}
}

// TestBuild_SoundAwayBeforeAnotherClock: its counters go on over the clock, as those of the pictures do, so that none is lost.
func TestBuild_SoundAwayBeforeAnotherClock(t *testing.T) {
	video, sound := pictures(0, 16*second, pal, 50), without(tones(0, 16*second), 6*second, 8*second)
	segments := layout{running: true}.record(video, sound, each(0, 2*second, 8)...)
	wantState(t, Build(Recording{Segments: reset(segments, 4, 700*second, true)}), Intact)
}

// TestBuild_StreamIsAwayFromAClockOfOneSegment: the clocks beside it have the stream up to it, unless it was silent there, too.
func TestBuild_StreamIsAwayFromAClockOfOneSegment(t *testing.T) {
	alone := func(at int) []Segment {
		return reset(reset(twoClocks(false), at, 900*second, true), min(at+1, 7), 1800*second, true)
	}
	for _, kind := range kinds {
		for _, at := range []int{2, 6, 7} {
			wantState(t, Build(Recording{Segments: alone(at)}), Intact)
			segments := alone(at)
			*stream(&segments[at], kind) = emptyStream(kind)
			wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownStreamAway)
		}
		segments := alone(6)
		for _, silent := range []int{5, 6} {
			*stream(&segments[silent], kind) = emptyStream(kind)
		}
		built := Build(Recording{Segments: segments})
		for _, found := range built.Findings {
			if found.Type == UnknownStreamAway && found.Segment == 6 {
				t.Errorf("the stream was not there before: %s", found.Message)
			}
		}
	}
}
