// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_CutBeforeAnotherClock: the last packet of a clock is not whole, so that its last segment was as long as the playlist
// says, also where that says whole seconds.
func TestBuild_CutBeforeAnotherClock(t *testing.T) {
	segments := layout{precision: second}.record(pictures(0, 29*second/10, pal, 50), tones(0, 29*second/10), 2*second)
	keep(&segments[1], media.Video, 0, 5)
	keep(&segments[1], media.Audio, 0, 10)
	stream(&segments[1], media.Audio).Tail = media.TailUnfinished
	next := reset(layout{}.record(pictures(0, 2*second, second/3, 6), tones(0, 2*second)), 0, 700*second, true)
	made := Build(Recording{Segments: slices.Concat(segments, next)})
	wantState(t, made, Damaged, SegmentTruncated)
	if at := times(made, media.Video)[55]; distance(at, 3*second) > second/10 {
		t.Errorf("the second clock begins at %s, want 3 s\n%s", position(at), list(made))
	}
}

// TestBuild_LineMissingBesidePicturesOfAPause: the pictures go on across the border, but are shown before the pause that the lost
// segment lies in; the sound has a hole, and the names jump.
func TestBuild_LineMissingBesidePicturesOfAPause(t *testing.T) {
	video := append(pictures(0, 2*second, pal, 50),
		media.Packet{DTS: 2 * second, PTS: 16*second + 2*pal, Size: 1000},
		media.Packet{DTS: 2*second + pal, PTS: 2 * second, Size: 100},
		media.Packet{DTS: 16*second + pal, PTS: 2*second + pal, Size: 100})
	video = append(video, pictures(16*second+3*pal, 20*second, pal, 50)...)
	border := 16*second + 3*pal
	segments := layout{}.record(video, tones(0, 9*second), 3*second, 6*second, border, 18*second)
	var early []media.Packet
	change(&segments[0], media.Video, func(packets []media.Packet) []media.Packet {
		early = packets[50:]
		return packets[:50]
	})
	change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet { return append(early, packets...) })
	segments[2].Duration = border - 6*second
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	wantState(t, Build(Recording{Segments: drop(segments, 1)}), Damaged, SegmentMissing)
}

// TestBuild_SoundEndsWithinASlowPicture: both streams end there, and the pictures have a hole at the border that may be a loss.
func TestBuild_SoundEndsWithinASlowPicture(t *testing.T) {
	sound := append(tones(0, second/2), tones(45*second/10, 6*second)...)
	segments := layout{}.record(pictures(0, 6*second, second/3, 5), sound, 5*second/3, 10*second/3)
	keep(&segments[0], media.Video, 0, 2)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
}

// TestBuild_TagBehindAPause: the playlist announces another clock, and the one before goes on just where the playlist says. The
// last segment may be cut as well, so that nobody knows.
func TestBuild_TagBehindAPause(t *testing.T) {
	video := append(pictures(0, 7*second, pal, 25), pictures(9*second, 11*second, pal, 25)...)
	segments := layout{running: true}.record(video, tones(0, 7*second), 5*second, 9*second)
	segments[2].Discontinuity = true
	made := Build(Recording{Segments: segments})
	wantState(t, made, Unknown, UnknownHole)
	if distance(made.Length, 11*second) > second/10 {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_TagWithinAPauseOfReorderedPictures: the playlist announces another clock before a segment that begins with pictures
// of the time before a pause, and all streams go on in it where they stopped.
func TestBuild_TagWithinAPauseOfReorderedPictures(t *testing.T) {
	video := append(pictures(0, 2*second, pal, 50),
		media.Packet{DTS: 2 * second, PTS: 9*second + 2*pal, Size: 1000},
		media.Packet{DTS: 2*second + pal, PTS: 2 * second, Size: 100},
		media.Packet{DTS: 9*second + pal, PTS: 2*second + pal, Size: 100})
	video = append(video, pictures(9*second+3*pal, 13*second, pal, 50)...)
	segments := layout{running: true}.record(video, tones(0, 6*second), 2*second, 4*second, 59*second/10, 11*second)
	var early []media.Packet
	change(&segments[1], media.Video, func(packets []media.Packet) []media.Packet {
		early = packets
		return nil
	})
	change(&segments[3], media.Video, func(packets []media.Packet) []media.Packet { return append(early, packets...) })
	segments[3].Discontinuity = true
	made := Build(Recording{Segments: segments})
	wantTimes(t, made, media.Video, video, 0)
	if distance(made.Length, 13*second) > second/10 {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_LostBeginningBeforeSoundAlone: the last picture of a clock's first segment is shown beyond it, and the segment behind
// says how long that was.
func TestBuild_LostBeginningBeforeSoundAlone(t *testing.T) {
	next := layout{}.record(pictures(0, 3*second, second/3, 90), tones(0, 4*second), 3*second)
	next[1].File.Streams[0] = emptyStream(media.Video)
	keep(&next[0], media.Video, 2, 9)
	keep(&next[0], media.Audio, 26, 141)
	change(&next[0], media.Video, func(packets []media.Packet) []media.Packet {
		for i := range packets {
			packets[i].PTS, packets[i].DTS = packets[i].PTS+second/4, packets[i].DTS+second/4 // the last one is shown for longer
		}
		return packets
	})
	segments := slices.Concat(plain(2), reset(next, 0, 700*second, true))
	made := Build(Recording{Segments: segments})
	if at := times(made, media.Audio)[len(times(made, media.Audio))-1]; distance(at, 8*second) > second/10 {
		t.Errorf("the last sound is at %s, want 8 s\n%s", position(at), list(made))
	}
}

// TestBuild_DatesBesideALostBeginning: the dates count from where the last segment of a clock began, and its beginning is lost.
// Whole seconds do not say how much that is.
func TestBuild_DatesBesideALostBeginning(t *testing.T) {
	segments := layout{precision: second}.record(pictures(0, 51*second/10, pal, 100), tones(0, 51*second/10), 4*second)
	keep(&segments[1], media.Video, 16, 27)
	keep(&segments[1], media.Audio, 31, 52)
	change(&segments[1], media.Video, func(packets []media.Packet) []media.Packet {
		for i := range packets {
			packets[i].Key = false
		}
		return packets
	})
	next := reset(layout{precision: second}.record(pictures(0, 6*second, pal, 50), tones(0, 6*second), 3*second), 0, 700*second, true)
	segments = append(segments, next...)
	for i, at := range []time.Duration{0, 4 * time.Second, 5100 * time.Millisecond, 8100 * time.Millisecond} {
		segments[i].Began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(at)
	}
	made := Build(Recording{Segments: segments})
	if at := times(made, media.Video)[111]; distance(at, 51*second/10) > second/10 {
		t.Errorf("the second clock begins at %s, want 5.1 s\n%s", position(at), list(made))
	}
}

// TestBuild_DatesWherePicturesAreShownBeforeTheFirstSegment: the dates say where the first segment of a clock begins. Pictures of
// the next one are shown before that, where a segment is lost.
func TestBuild_DatesWherePicturesAreShownBeforeTheFirstSegment(t *testing.T) {
	first := layout{}.record(pictures(0, 4*second, pal, 50), tones(0, 4*second), 2*second)
	next := layout{}.record(nil, tones(0, 8*second), 2*second, 4*second)
	var shown []media.Packet
	for i, packet := range pictures(5*second, 8*second, pal, 100) {
		if i == 1 || i == 2 { // decoded behind the first one, and shown long before it
			packet.PTS = second + int64(i)*pal
		}
		shown = append(shown, packet)
	}
	for i := range next {
		next[i].File.Streams = append([]media.Stream{emptyStream(media.Video)}, next[i].File.Streams...)
	}
	change(&next[2], media.Video, func([]media.Packet) []media.Packet { return shown })
	next[0].File.Streams, next[0].Discontinuity = []media.Stream{emptyStream(media.Video), emptyStream(media.Audio)}, true
	segments := slices.Concat(first, next)
	for i := range segments {
		segments[i].Began = time.Date(2026, 1, 1, 0, 0, 2*i, 0, time.UTC)
	}
	made := Build(Recording{Segments: segments})
	if at := times(made, media.Audio)[len(tones(0, 4*second))]; distance(at, 6*second) > 2*aac {
		t.Errorf("the sound goes on at %s, want 6 s\n%s", position(at), list(made))
	}
}

// TestBuild_LostStreamIsSomewhereBetween: the finding covers all of the stretch in which the packets may be.
func TestBuild_LostStreamIsSomewhereBetween(t *testing.T) {
	segments := layout{running: true}.record(pictures(0, 14*second, pal, 50), without(tones(0, 14*second), 5*second, 6*second), each(0, 2*second, 7)...)
	segments[3].File.Streams[1].Packets, segments[3].File.Streams[1].Counters = media.Packets{}, media.Counters{}
	found := firstOf(Build(Recording{Segments: segments}), PacketsLost)
	if distance(found.At, 5*second) > 2*aac || distance(found.At+found.Length, 8*second) > 2*aac {
		t.Errorf("from %s for %s", position(found.At), position(found.Length))
	}
}

// TestBuild_CutBetweenPackets: the playlist counts from where the recorder cut, which is a little before the first picture of the
// segment; the next one goes on within a group just where the playlist says.
func TestBuild_CutBetweenPackets(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 50), 3*second, 9*second)
	segments := layout{}.record(video, tones(0, 2*second-2*pal), 2*second-pal+pal/8, 3*second)
	segments[0].Duration, segments[1].Duration = 2*second-pal+pal/8, 10*second+pal-pal/8
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_SilenceEndsAShortSegment: the sound of a segment that is shorter than all others stops, and comes back where the playlist has
// the next one begin. A recorder that waits for sound makes a longer segment.
func TestBuild_SilenceEndsAShortSegment(t *testing.T) {
	for length, want := range map[int64]State{second: Unknown, 4 * second: Intact} {
		sound := without(tones(0, 6*second+length), 3*second+length-second/2, 3*second+length)
		sound = without(sound, second, 3*second/2) // another silence
		borders := []int64{3 * second, 3*second + length, 5*second + length + second/2}
		wantState(t, Build(Recording{Segments: layout{}.record(nil, sound, borders...)}), want)
	}
}
