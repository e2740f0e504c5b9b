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

// TestBuild_SwappedBehindATagWhereTheOldClockEnds: the second file of a clock is named first, and begins just where the clock
// before the tag has come to.
func TestBuild_SwappedBehindATagWhereTheOldClockEnds(t *testing.T) {
	for _, late := range []int64{0, second / 10, second * 4 / 10} {
		first := layout{}.record(pictures(0, 4*second, pal, 50), tones(0, 4*second), 2*second)
		next := layout{}.record(pictures(0, 12*second, pal, 50), tones(0, 12*second), 4*second+late, 8*second)
		next[0].Discontinuity = true
		straight := Build(Recording{Segments: clone(slices.Concat(first, next))})
		wantState(t, straight, Intact)
		next[0].File, next[1].File = next[1].File, next[0].File
		made := Build(Recording{Segments: slices.Concat(first, next)})
		wantState(t, made, Damaged, OutOfOrder)
		if found := firstOf(made, OutOfOrder); found.Segment != 3 {
			t.Errorf("segment %d is said to be out of order:\n%s", found.Segment, list(made))
		}
		if !slices.Equal(times(made, media.Video), times(straight, media.Video)) {
			t.Errorf("pictures are not where they belong:\n%s", list(made))
		}
	}
}

// TestBuild_SwappedWhereAPictureIsShownEarly: the second file, named first, has a picture that is shown before a pause; the
// sound with which it opens is where the first one ends by the playlist.
func TestBuild_SwappedWhereAPictureIsShownEarly(t *testing.T) {
	video := append(pictures(0, 2*second, pal, 25), pictures(10*second, 14*second, pal, 25)...)
	sound := append(tones(0, 3*second+second/3), tones(4*second+second*3/4, 5*second+second/2)...)
	segments := layout{}.record(video, sound, 4*second+second*3/4, 10*second+second/2)
	var early []media.Packet
	change(&segments[0], media.Video, func(packets []media.Packet) []media.Packet {
		early = packets[len(packets)-1:]
		return packets[:len(packets)-1]
	})
	change(&segments[1], media.Video, func(packets []media.Packet) []media.Packet {
		packets[0].DTS = early[0].DTS - pal/2
		return slices.Concat(packets[:1], early, packets[1:])
	})
	segments[0].File, segments[1].File = segments[1].File, segments[0].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, OutOfOrder)
}

// TestBuild_ClockBehindSwappedSegments: by the durations of the places that the segments are in, it would begin just where the one
// before ends and the recorder paused.
func TestBuild_ClockBehindSwappedSegments(t *testing.T) {
	const end = 14 * second
	segments := layout{precision: second}.record(pictures(0, end, pal, 25), tones(0, end), 2*second, 4*second, 4*second+83*pal, 9*second, 11*second)
	segments = reset(reset(segments, 4, 3632*media.Clock/1000, true), 2, 50*second, true)
	segments[2].File, segments[3].File = segments[3].File, segments[2].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, OutOfOrder)
	if distance(made.Length, end) > second/2 {
		t.Errorf("it lasts for %s, want %s\n%s", position(made.Length), position(end), list(made))
	}
}

// TestBuild_SwappedWithPausedPictures: pictures of a group that is cut by a pause overlap the sound of the next segment.
func TestBuild_SwappedWithPausedPictures(t *testing.T) {
	var shown []int64
	for i := range 200 {
		at := int64(i) * pal
		if i >= 99 {
			at += 10 * second
		}
		shown = append(shown, at)
	}
	segments := layout{}.record(reordered(shown), without(tones(0, 6*second), 5*second, 6*second), 2*second, 4*second, 14*second)
	straight := Build(Recording{Segments: clone(segments)})
	segments[1].File, segments[2].File = segments[2].File, segments[1].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, OutOfOrder)
	if distance(made.Length, straight.Length) > second/10 {
		t.Errorf("a length of %s, want %s\n%s", position(made.Length), position(straight.Length), list(made))
	}
}

// TestBuild_SwappedWhereOneKindStops: the sound of the first file goes on for longer than its pictures, since the next
// ones are decoded late, behind a pause.
func TestBuild_SwappedWhereOneKindStops(t *testing.T) {
	video := append(pictures(0, 2*second, pal, 25), pictures(12*second, 16*second, pal, 25)...)
	segments := layout{}.record(video, append(tones(0, 4*second), tones(13*second, 16*second)...), 4*second, 14*second)
	var late []media.Packet
	change(&segments[0], media.Video, func(packets []media.Packet) []media.Packet {
		late = packets[len(packets)-5:]
		return packets[:len(packets)-5]
	})
	change(&segments[1], media.Video, func(packets []media.Packet) []media.Packet { return append(late, packets...) })
	change(&segments[1], media.Audio, func(packets []media.Packet) []media.Packet { return append(tones(4*second, 4*second+1), packets...) })
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	segments[0].File, segments[1].File = segments[1].File, segments[0].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, OutOfOrder)
	if distance(made.Length, 16*second) > second/10 {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_SwappedInWholeSeconds: nothing follows two files that were exchanged, and their durations are too coarse; but the
// continuity counters lead from the second to the first.
func TestBuild_SwappedInWholeSeconds(t *testing.T) {
	video := later(pictures(0, 4*second, pal, 25), second, 10*second+second*4/10)
	segments := layout{running: true, precision: second, up: true}.record(video, tones(0, 3*second), second*11)
	next := reset(layout{running: true}.record(pictures(0, 6*second, pal, 25), tones(0, 6*second), each(0, 2*second, 3)...), 0, 700*second, true)
	for i := range next {
		for s := range next[i].File.Streams {
			from := segments[1].File.Streams[s].Counters
			if !from.Known {
				from = segments[0].File.Streams[s].Counters
			}
			counters := &next[i].File.Streams[s].Counters
			counters.First, counters.Last = (counters.First+from.Last+1)&15, (counters.Last+from.Last+1)&15
		}
	}
	segments[0].File, segments[1].File = segments[1].File, segments[0].File
	made := Build(Recording{Segments: append(segments, next...)})
	wantState(t, made, Damaged, OutOfOrder)
}

// TestBuild_SwappedBesideAPauseOfReorderedPictures: the file that comes too early holds a picture that is shown before the pause, so
// that the clock seems to leave no hole.
func TestBuild_SwappedBesideAPauseOfReorderedPictures(t *testing.T) {
	video := append(pictures(0, 3*second, pal, 25), pictures(16*second, 20*second, pal, 25)...)
	segments := layout{running: true}.record(video, without(tones(0, 20*second), 8*second+second/2, 16*second), 3*second, 6*second, 8*second, 17*second)
	change(&segments[3], media.Video, func(packets []media.Packet) []media.Packet {
		early := media.Packet{DTS: 3*second + pal, PTS: 3 * second, Size: 1000}
		for i := range packets[:3] {
			packets[i].DTS = 3*second + int64(i)*pal
		}
		packets[1].DTS, packets[2].DTS = 3*second+2*pal, 3*second+3*pal
		return append([]media.Packet{packets[0], early}, packets[1:]...)
	})
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	segments[2].File, segments[3].File = segments[3].File, segments[2].File
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, OutOfOrder)
	if distance(made.Length, 20*second) > pal {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_RestOfASegmentIsAnothers: its second half is that of the segment before, and the next one begins as if it were not.
func TestBuild_RestOfASegmentIsAnothers(t *testing.T) {
	segments := layout{}.record(pictures(0, 10*second, pal, 50), tones(0, 10*second), each(0, 2*second, 5)...)
	for _, kind := range kinds {
		change(&segments[2], kind, func(packets []media.Packet) []media.Packet { return later(packets, 5*second, -2*second) })
	}
	wantState(t, Build(Recording{Segments: clone(segments)}), Damaged, SegmentForeign)
	for i := 3; i < 5; i++ { // a clock that goes back, and on from there, is one that the recorder set
		for _, kind := range kinds {
			change(&segments[i], kind, func(packets []media.Packet) []media.Packet { return later(packets, 0, -2*second) })
		}
	}
	if state := Build(Recording{Segments: segments}).State(); state != Intact {
		t.Errorf("a clock that was set: %s", state)
	}
}

// TestBuild_MoreOfAnotherSegment: behind its own packets a segment has the end of a later one, so that its clock leaps. The next one begins
// where the playlist says.
func TestBuild_MoreOfAnotherSegment(t *testing.T) {
	record := func(clock int64) []Segment {
		video, sound := pictures(0, 10*second, pal, 50), tones(0, 10*second)
		segments := layout{}.record(video, sound, each(0, 2*second, 5)...)
		change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet { return append(packets, video[9*25:]...) })
		change(&segments[2], media.Audio, func(packets []media.Packet) []media.Packet { return append(packets, sound[len(sound)-40:]...) })
		return reset(segments, 3, clock, false)
	}
	wantState(t, Build(Recording{Segments: record(0)}), Damaged, SegmentForeign)
	if state := Build(Recording{Segments: record(-5 * second)}).State(); state != Intact {
		t.Errorf("another clock behind a pause: %s", state)
	}
}
