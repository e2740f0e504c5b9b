// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_LastPictureOfAClockAlone: it lasts as long as the playlist says, at the rate of those before a tag that changed nothing.
func TestBuild_LastPictureOfAClockAlone(t *testing.T) {
	const slow = second * 4 / 10
	video, sound := pictures(0, 4*second+slow, slow, 5), tones(0, 4*second+slow*2/3)
	first := layout{running: true}.record(video, sound, 2*second, 4*second)
	first[2].Discontinuity, first[2].Duration = true, slow
	made := Build(Recording{Segments: slices.Concat(first, reset(plain(2), 0, 700*second, true))})
	if at := times(made, media.Video)[len(video)]; distance(at, 4*second+slow) > exactly {
		t.Errorf("the next clock begins at %s, want 4.4 s\n%s", position(at), list(made))
	}
}

// TestBuild_LastPictureMayBeCut: it does not say how long it is, and its last transport packet is full. Only decoding tells, unless
// the recording goes on.
func TestBuild_LastPictureMayBeCut(t *testing.T) {
	segments := plain(3)
	stream(&segments[1], media.Video).Tail = media.TailUnstuffed
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	stream(&segments[2], media.Audio).Tail = media.TailUnstuffed
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	stream(&segments[2], media.Video).Tail = media.TailUnstuffed
	made := Build(Recording{Segments: segments})
	wantState(t, made, Unknown, UnknownTail)
	if found := firstOf(made, UnknownTail); found.Decoding != media.H264 || found.Segment != 2 {
		t.Errorf("%+v", found)
	}
}

// TestBuild_StillBehindATagThatChangesNothing: the last segment of a clock has two pictures, one long behind the other. The last one is
// shown as long as those before the tag.
func TestBuild_StillBehindATagThatChangesNothing(t *testing.T) {
	const slow = second / 3
	video := append(pictures(0, 4*second+slow, slow, 6), pictures(4*second+4*slow, 4*second+5*slow, slow, 6)...)
	first := layout{running: true, precision: second}.record(video, nil, 2*second, 4*second)
	first[2].Discontinuity = true
	made := Build(Recording{Segments: slices.Concat(first, reset(plain(2), 0, 700*second, true))})
	if at := times(made, media.Video)[len(video)]; distance(at, 4*second+5*slow) > exactly {
		t.Errorf("the next clock begins at %s, want 5.667 s\n%s", position(at), list(made))
	}
}

// TestBuild_SegmentOfOneFragmentIsNotCut: where each segment is one, a last one that holds less than the playlist says is whole.
func TestBuild_SegmentOfOneFragmentIsNotCut(t *testing.T) {
	for want, several := range map[State]bool{Intact: false, Damaged: true} {
		segments := layout{container: media.FragmentMP4, running: several}.record(pictures(0, 12*second, pal, 50), tones(0, 12*second), each(0, 2*second, 6)...)
		keep(&segments[5], media.Video, 0, 36)
		keep(&segments[5], media.Audio, 0, 67)
		wantState(t, Build(Recording{Segments: segments}), want)
	}
}

// TestBuild_HeadLostBehindAPauseInWholeSeconds: the second segment of a clock lost less of its beginning than whole seconds show. What the
// first one lacks is a pause at its end, and not lost in front of it.
func TestBuild_HeadLostBehindAPauseInWholeSeconds(t *testing.T) {
	first := layout{precision: second}.record(pictures(0, 4*second, pal, 50), tones(0, 4*second), 2*second)
	video := slices.Concat(pictures(0, 3*second, pal, 25), pictures(15*second, 17*second, pal, 25))
	next := reset(layout{precision: second}.record(video, tones(0, 4*second), 15*second), 0, 700*second, true)
	keep(&next[1], media.Video, 11, 50)
	next[1].File.Damage = []media.Damage{{Kind: media.TablesMissing, Stream: -1, Count: 1}}
	made := Build(Recording{Segments: slices.Concat(first, next)})
	if at := times(made, media.Video)[100]; distance(at, 4*second) > pal {
		t.Errorf("the second clock begins at %s, want 4 s\n%s", position(at), list(made))
	}
}

// TestBuild_CutBehindASlowPicture: what is left of a segment that was cut begins with a picture that follows the last one at the
// recording's own slow rate, and is no other recording's.
func TestBuild_CutBehindASlowPicture(t *testing.T) {
	video := pictures(0, 20*second, second*99/100, 1)
	segments := layout{container: media.FragmentMP4}.record(video, tones(0, 20*second), each(second*14/10, second*7/10, 26)...)
	change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet {
		return append(packets, media.Packet{DTS: packets[0].PTS + pal, PTS: packets[0].PTS - second*6/10, Size: 1000})
	})
	segments[2].File.Streams[1] = emptyStream(media.Audio)
	made := Build(Recording{Segments: segments})
	if found := firstOf(made, SegmentForeign); found.Segment >= 0 {
		t.Error(list(made))
	}
}

// TestBuild_LastPictureBehindATag: the playlist announces another clock, and the same one goes on. The last picture is shown as long
// as those before the tag and behind it.
func TestBuild_LastPictureBehindATag(t *testing.T) {
	slow := second / 3
	first := layout{}.record(pictures(0, 7*slow, slow, 1), tones(0, 7*slow-second/8), 3*slow, 6*slow)
	first[1].Discontinuity, first[2].Duration = true, slow
	next := layout{}.record(pictures(0, 4*second, pal, 25), tones(0, 4*second), 2*second)
	made := Build(Recording{Segments: slices.Concat(first, reset(next, 0, 700*second, true))})
	wantState(t, made, Intact)
	if at := times(made, media.Video)[7]; distance(at, 7*slow) > pal/4 {
		t.Errorf("the second clock begins at %s, want %s", position(at), position(7*slow))
	}
}

// TestBuild_LastPictureOfUnevenOnes: the sound of a clock ends a little behind where the last picture would at the usual interval. That
// one is shown for longer, as an exact playlist says.
func TestBuild_LastPictureOfUnevenOnes(t *testing.T) {
	var video []media.Packet
	for _, at := range []int64{0, 31, 58, 88, 122, 150, 180} { // hundredths of a second
		video = append(video, media.Packet{DTS: at * second / 100, PTS: at * second / 100, Size: 1000, Key: true})
	}
	first := layout{}.record(video, tones(0, 2*second+second*11/100), 175*second/100)
	first[1].Duration = 47 * second / 100
	next := layout{}.record(pictures(0, 4*second, pal, 25), tones(0, 4*second), 2*second)
	made := Build(Recording{Segments: slices.Concat(first, reset(next, 0, 700*second, true))})
	wantState(t, made, Intact)
	want := stream(&first[1], media.Audio).Packets.Begin + 47*second/100
	if at := times(made, media.Video)[7]; distance(at, want) > pal/4 {
		t.Errorf("the second clock begins at %s, want %s", position(at), position(want))
	}
}

// TestBuild_ClockEndsWithItsSound: the last segment of a clock has no picture, and its sound ends where the playlist says, counted from
// the picture with which the segment before it begins. Its own sound begins a little later than that segment ends.
func TestBuild_ClockEndsWithItsSound(t *testing.T) {
	slow := second / 3
	sound := tones(second*16/1000, 4*slow+second/10)
	first := layout{}.record(pictures(0, 3*slow+1, slow, 1), sound, 3*slow+second*2/1000)
	end := sound[len(sound)-1].DTS + aac
	first[0].Duration, first[1].Duration = 3*slow+second*2/1000, end-3*slow-second*2/1000
	first[1].File.Streams[0] = emptyStream(media.Video)
	next := layout{}.record(pictures(0, 4*second, pal, 25), tones(0, 4*second), 2*second)
	made := Build(Recording{Segments: slices.Concat(first, reset(next, 0, 700*second, true))})
	wantState(t, made, Intact)
	if at := times(made, media.Video)[4]; distance(at, end) > second/200 {
		t.Errorf("the second clock begins at %s, want %s", position(at), position(end))
	}
}

// TestBuild_BriefEndWithoutPicture: at ten pictures a second, the last segment may have none.
func TestBuild_BriefEndWithoutPicture(t *testing.T) {
	segments := layout{}.record(pictures(0, 4*second, second/10, 10), tones(0, 4*second+second/8), second, 2*second, 3*second, 4*second)
	segments[4].File.Streams[0] = emptyStream(media.Video)
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_RunEndsWithSoundAlone: an exact playlist says how long the last picture is shown, also where segments of sound
// follow it.
func TestBuild_RunEndsWithSoundAlone(t *testing.T) {
	video := append(pictures(0, 2*second, second/2, 4), pictures(2*second, 2*second+1, second/2, 1)...)
	segments := layout{}.record(video, tones(0, 2*second+second/5), 2*second+second/25)
	segments[0].Duration = 2*second + second/25
	segments[1].Duration = second/5 - second/25
	segments[1].File.Streams[0] = emptyStream(media.Video)
	next := layout{}.record(pictures(0, 2*second, pal, 50), tones(0, 2*second))
	next[0].Discontinuity = true
	made := Build(Recording{Segments: append(segments, next...)})
	if want := 4*second + second/5; distance(made.Length, int64(want)) > 2*aac {
		t.Errorf("a length of %s, want %s\n%s", position(made.Length), position(int64(want)), list(made))
	}
}

// TestBuild_FastEndBehindSlowPictures: that the last segment is cut is judged by its own rate.
func TestBuild_FastEndBehindSlowPictures(t *testing.T) {
	video := append(pictures(0, 6*second, second, 2), pictures(6*second, 8*second, pal, 25)...)
	segments := layout{}.record(video, nil, 2*second, 4*second, 6*second)
	keep(&segments[3], media.Video, 0, 30)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownTail)
}

// TestBuild_SinglePictureInEachSegment: the rate is what lies between segments, and a packet that fills its transport packet
// by chance is whole.
func TestBuild_SinglePictureInEachSegment(t *testing.T) {
	segments := layout{}.record(pictures(0, 8*second, second*8/10, 100), nil, each(0, second*8/10, 10)...)
	segments[5].File.Streams[0].Tail = media.TailUnstuffed
	made := Build(Recording{Segments: segments})
	wantState(t, made, Intact)
	if distance(made.Length, 8*second) > second/20 {
		t.Errorf("a length of %s", position(made.Length))
	}
}

// TestBuild_ClockEndsWhereThePlaylistSays, though the last segment but one begins with a picture that is shown before its sound.
func TestBuild_ClockEndsWhereThePlaylistSays(t *testing.T) {
	video := pictures(0, 6*second, second/3, 6)
	segments := layout{}.record(video, tones(0, 5*second), 2*second, 4*second)
	segments[2].Duration = 2 * second
	change(&segments[1], media.Video, func(packets []media.Packet) []media.Packet {
		packets[0].PTS -= second / 7
		packets[0].DTS -= second / 7
		return packets
	})
	segments = append(segments, reset(plain(2), 0, 700*second, true)...)
	made := Build(Recording{Segments: segments})
	shown := times(made, media.Video)
	if at := shown[len(shown)-100]; distance(at, 6*second) > pal {
		t.Errorf("the second clock begins at %s, want 6 s\n%s", position(at), list(made))
	}
}

// TestBuild_DatesAndALostEndCountOnce: both say how long the end of a segment before a reset was.
func TestBuild_DatesAndALostEndCountOnce(t *testing.T) {
	segments := reset(plain(6), 3, -7*second, true)
	for i := range segments {
		segments[i].Began = time.Date(2026, 1, 1, 0, 0, 2*i, 0, time.UTC)
	}
	keep(&segments[2], media.Video, 0, 25)
	keep(&segments[2], media.Audio, 0, 47)
	segments[2].File.Damage = []media.Damage{{Kind: media.SyncLost, Stream: -1}}
	made := Build(Recording{Segments: segments})
	if at := times(made, media.Video)[125]; distance(at, 6*second) > aac {
		t.Errorf("the first picture behind the reset is at %s", position(at))
	}
}

// TestBuild_HeaderSaysMore: the header of a fragmented file that is the whole recording says how long it was.
func TestBuild_HeaderSaysMore(t *testing.T) {
	for claimed, want := range map[int64]State{0: Intact, 4 * second: Intact, 4*second + second/4: Intact, 10 * second: Unknown} {
		segments := layout{container: media.FragmentMP4}.record(pictures(0, 4*second, pal, 50), tones(0, 4*second))
		segments[0].Duration, segments[0].Name = 0, "call.mp4"
		segments[0].File.Duration = claimed
		wantState(t, Build(Recording{Segments: segments}), want)
	}
}

// TestBuild_LastPictureGone: the last segment holds a picture less than an exact playlist says, and ends cleanly. The playlist tells
// nothing where its durations are not exact, pictures are uneven, or counters go on over another clock.
func TestBuild_LastPictureGone(t *testing.T) {
	cut := func(l layout) []Segment {
		segments := l.record(pictures(0, 8*second, pal, 50), tones(0, 8*second), each(0, 2*second, 4)...)
		keep(&segments[3], media.Video, 0, 48)
		keep(&segments[3], media.Audio, 0, stream(&segments[3], media.Audio).Packets.Count-4)
		return segments
	}
	made := Build(Recording{Segments: cut(layout{})})
	wantState(t, made, Unknown, UnknownTail)
	if found := firstOf(made, UnknownTail); found.Segment != 3 || distance(found.Length, 2*pal) > aac {
		t.Errorf("%+v", found)
	}
	rounded := cut(layout{})
	for i := range rounded[:3] {
		rounded[i].Duration += second / 10
	}
	wantState(t, Build(Recording{Segments: rounded}), Intact)
	wantState(t, Build(Recording{Segments: cut(layout{precision: second})}), Intact)
	last := cut(layout{running: true})
	behind := reset(plain(2), 0, 700*second, true)
	wantState(t, Build(Recording{Segments: slices.Concat(clone(last), clone(behind))}), Unknown, UnknownTail)
	for i := range behind[0].File.Streams {
		behind[0].File.Streams[i].Counters.First = (last[3].File.Streams[i].Counters.Last + 1) & 15
	}
	wantState(t, Build(Recording{Segments: slices.Concat(last, behind)}), Intact)
	uneven := cut(layout{})
	change(&uneven[3], media.Video, func(packets []media.Packet) []media.Packet { return slices.Delete(packets, 20, 22) })
	wantState(t, Build(Recording{Segments: uneven}), Intact)
}

// TestBuild_LastSegmentBeginsWithSoundOfTheOneBefore: some recorders repeat some frames, and count them in the duration.
func TestBuild_LastSegmentBeginsWithSoundOfTheOneBefore(t *testing.T) {
	segments := layout{}.record(pictures(0, 8*second, pal, 50), tones(0, 8*second), each(0, 2*second, 4)...)
	const repeated = 4
	before := slices.Collect(stream(&segments[2], media.Audio).Packets.All())
	change(&segments[3], media.Audio, func(packets []media.Packet) []media.Packet {
		return slices.Concat(before[len(before)-repeated:], packets)
	})
	segments[3].Duration += repeated * aac
	wantState(t, Build(Recording{Segments: segments}), Intact)
	keep(&segments[3], media.Video, 0, 48)
	keep(&segments[3], media.Audio, 0, stream(&segments[3], media.Audio).Packets.Count-4)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownTail)
}

// TestBuild_LastReorderedPictureGone: pictures that are decoded last and shown before another one are missing. Where pictures are
// uneven anyway, or none is reordered, it may be a pause.
func TestBuild_LastReorderedPictureGone(t *testing.T) {
	gone := func(reordered bool, also ...int) []Segment {
		video := pictures(0, 6*second+pal, pal, 50)
		if reordered {
			reorder(video, pal, nil)
		}
		segments := layout{}.record(video, tones(0, 6*second+pal), each(0, 2*second, 3)...)
		change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet {
			last := len(packets) - 1
			if !reordered {
				last--
			}
			packets = slices.Delete(packets, last, last+1)
			for _, number := range also {
				packets = slices.Delete(packets, number, number+1)
			}
			return packets
		})
		return segments
	}
	made := Build(Recording{Segments: gone(true)})
	wantState(t, made, Unknown, UnknownTail)
	if found := firstOf(made, UnknownTail); found.Segment != 2 || found.Length != pal || distance(found.At, 6*second) > exactly {
		t.Errorf("%+v", found)
	}
	wantState(t, Build(Recording{Segments: gone(true, 20)}), Intact)
	wantState(t, Build(Recording{Segments: gone(false)}), Intact)
}
