// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

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

// TestBuild_SoundAloneBehindALineMissing: the sound goes on behind a short file that no other recording's is, though the
// pictures of the next one are decoded, and two of them shown, long before its sound.
func TestBuild_SoundAloneBehindALineMissing(t *testing.T) {
	segments := layout{}.record(pictures(0, 16*second, pal, 25), tones(0, 16*second), 2*second, 4*second, 6*second, 6*second+second/6, 12*second)
	change(&segments[4], media.Video, func(packets []media.Packet) []media.Packet {
		packets = packets[len(packets)-25:]
		for i := range packets {
			packets[i].DTS = 2*second + second/6 + int64(i)*pal
		}
		packets[1].PTS, packets[2].PTS = 2*second+second/3, 2*second+second/3+pal
		return packets
	})
	segments[3].File.Streams[0] = emptyStream(media.Video)
	made := Build(Recording{Segments: drop(drop(segments, 1), 1)})
	wantState(t, made, Damaged, SegmentMissing)
	if found := firstOf(made, SegmentForeign); found.Segment >= 0 {
		t.Error(list(made))
	}
}

// TestBuild_ShortSegmentWithTwoSounds: two streams that run side by side do so in a segment that is shorter than what streams
// may overlap that follow one another, too.
func TestBuild_ShortSegmentWithTwoSounds(t *testing.T) {
	for _, last := range []int64{second * 3 / 10, pal} {
		segments := layout{}.record(pictures(0, 4*second+last, pal, 25), tones(0, 4*second+last), 2*second, 4*second)
		for i := range segments {
			other := *stream(&segments[i], media.Audio)
			other.ID, other.Params = 258, []media.Params{{Codec: media.AC3, Entry: []byte("ac-3"), SampleRate: 48_000, Channels: 6, FrameSamples: 1024}}
			segments[i].File.Streams = append(segments[i].File.Streams, other)
		}
		segments[2].File.Streams[2].Packets = media.Packets{}
		for _, packet := range tones(4*second+aac/2, 4*second+last+3*aac) {
			segments[2].File.Streams[2].Packets.Append(packet)
		}
		segments[2].File.Streams[2].Packets.Close()
		made := Build(Recording{Segments: segments})
		wantState(t, made, Intact, StreamIgnored)
		if changes := made.Changes(); len(changes) > 0 {
			t.Errorf("%+v", changes)
		}
		wantTimes(t, made, media.Audio, tones(0, 4*second+last), 0)
	}
}

// TestBuild_PicturesOfTheNextSegmentInALostHead: the beginning of the first segment of a clock is lost, and a picture of the
// next segment is shown before what is left of it.
func TestBuild_PicturesOfTheNextSegmentInALostHead(t *testing.T) {
	first := layout{}.record(pictures(0, 4*second, pal, 25), tones(0, 4*second), 2*second)
	video := later(pictures(0, 4*second, pal, 25), second, 9*second)
	next := layout{}.record(video, tones(0, 13*second), 4*second, 12*second)
	var early []media.Packet
	change(&next[0], media.Video, func(packets []media.Packet) []media.Packet {
		early = packets[len(packets)-1:]
		return packets[:len(packets)-1]
	})
	change(&next[1], media.Video, func(packets []media.Packet) []media.Packet { return append(early, packets...) })
	sound := stream(&next[0], media.Audio)
	next[0].File.Streams[0] = emptyStream(media.Video)
	keep(&next[0], media.Audio, sound.Packets.Count*6/10, sound.Packets.Count)
	sound.HeadBytes = 100
	made := Build(Recording{Segments: slices.Concat(first, reset(next, 0, 700*second, true))})
	wantState(t, made, Damaged, SegmentTruncated)
	if all := times(made, media.Audio); distance(all[len(all)-1], 17*second) > 2*aac {
		t.Errorf("the sound ends at %s, want 17 s\n%s", position(all[len(all)-1]), list(made))
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

// TestBuild_SegmentBegunForSound: the sound comes back while the picture stands still, and the recorder begins a segment there.
func TestBuild_SegmentBegunForSound(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 25), 3*second-2*pal, 2*second)
	from := 5*second - second*4/10
	segments := layout{}.record(video, append(tones(0, 3*second-second/2), tones(from, 10*second)...), 2*second, from, 6*second, 8*second)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole) // both stop within a segment
	change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet {
		packets[0].DTS, packets[1].DTS = 3*second, 3*second+pal
		packets[1].PTS = 3*second + pal // shown before the pause, decoded with those behind it
		return packets
	})
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_HastyBeginning: the first pictures of a clock are decoded at once, which does not tell how fast others follow.
func TestBuild_HastyBeginning(t *testing.T) {
	var video []media.Packet
	at := int64(0)
	for i := range 12 {
		video = append(video, media.Packet{DTS: at, PTS: at + second/2, Size: 1000, Key: i == 0})
		switch {
		case i < 2:
			at += second / 15
		case i%3 == 0:
			at += second * 45 / 100 // uneven, so that a border has the longest interval
		default:
			at += second * 32 / 100
		}
	}
	uneven := layout{}.record(video, tones(0, 5*second), video[4].DTS, video[7].DTS, video[10].DTS)
	even := layout{}.record(pictures(0, 24*second, pal, 50), tones(0, 24*second), each(0, 2*second, 12)...)
	whole := slices.Concat(even, reset(uneven, 0, 700*second, true))
	wantState(t, Build(Recording{Segments: whole}), Intact)
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

// TestBuild_LostBetweenClocks: a copy stands in the place of the first segment of a clock, and a picture of the segment behind
// the next one is shown before what there is of the clock.
func TestBuild_LostBetweenClocks(t *testing.T) {
	first := layout{}.record(pictures(0, 4*second, pal, 25), tones(0, 4*second), 2*second)
	video := later(pictures(0, 6*second, pal, 25), second, 9*second)
	next := layout{}.record(video, tones(0, 15*second), 3*second, 6*second, 14*second)
	var early []media.Packet
	change(&next[0], media.Video, func(packets []media.Packet) []media.Packet {
		early = packets[len(packets)-1:]
		return packets[:len(packets)-1]
	})
	change(&next[2], media.Video, func(packets []media.Packet) []media.Packet { return append(early, packets...) })
	next[1].File.Streams[0] = emptyStream(media.Video)
	whole := slices.Concat(first, reset(next, 0, 700*second, true))
	whole[2].File = whole[1].File
	made := Build(Recording{Segments: whole})
	wantState(t, made, Damaged, SegmentDuplicated)
	if all := times(made, media.Audio); distance(all[len(all)-1], 19*second) > 2*aac {
		t.Errorf("the sound ends at %s, want 19 s\n%s", position(all[len(all)-1]), list(made))
	}
}

// TestBuild_HeadMissingInWholeSeconds: what there is of a clock's last segment begins late and ends in time. Where the counters of the
// segments begin with one number, those of this one tell a loss.
func TestBuild_HeadMissingInWholeSeconds(t *testing.T) {
	segments := layout{precision: second}.record(pictures(0, 12*second, pal, 25), nil, 4*second, 8*second)
	keep(&segments[2], media.Video, 50, 100)
	next := layout{precision: second}.record(pictures(0, 4*second, pal, 25), tones(0, 4*second), 2*second)
	whole := slices.Concat(segments, reset(next, 0, 700*second, true))
	wantState(t, Build(Recording{Segments: clone(whole)}), Damaged, SegmentTruncated)
	for i := range whole {
		stream(&whole[i], media.Video).Counters.First = uint8(i)
	}
	made := Build(Recording{Segments: whole})
	wantState(t, made, Unknown, UnknownHole)
	if at := times(made, media.Video)[250]; distance(at, 12*second) > pal {
		t.Errorf("the next clock begins at %s, want 12 s\n%s", position(at), list(made))
	}
}

// TestBuild_FirstSegmentWithoutTables: what is lost of it is less than whole seconds show.
func TestBuild_FirstSegmentWithoutTables(t *testing.T) {
	segments := layout{precision: second}.record(pictures(0, 8*second, pal, 1), tones(0, 8*second), each(0, 2*second, 4)...)
	for i := range segments {
		segments[i].File.TablesFirst = true
	}
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	for _, kind := range kinds {
		of := stream(&segments[0], kind)
		keep(&segments[0], kind, of.Packets.Count/20, of.Packets.Count)
	}
	segments[0].File.TablesFirst = false
	for _, kind := range kinds { // a multiple of sixteen packets
		stream(&segments[0], kind).Counters.First = 0
	}
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
}

// TestBuild_PictureOfBeforeAPauseInWholeSeconds: a picture that is shown before a pause, within the rounding of the playlist, does
// not say where the segment that holds it begins.
func TestBuild_PictureOfBeforeAPauseInWholeSeconds(t *testing.T) {
	video := append(pictures(0, 3*second, pal, 25), pictures(9*second+second*4/10, 13*second, pal, 25)...)
	segments := layout{precision: second}.record(video, tones(0, 6*second), 2*second, 4*second, 9*second+second*4/10, 11*second+second*4/10)
	var early []media.Packet
	change(&segments[1], media.Video, func(packets []media.Packet) []media.Packet {
		early = packets[len(packets)-1:]
		return packets[:len(packets)-1]
	})
	var behind []media.Packet
	change(&segments[3], media.Video, func(packets []media.Packet) []media.Packet {
		behind = packets[:1]
		return packets[1:]
	})
	behind[0].DTS, behind[0].Key = early[0].DTS-pal/2, false
	change(&segments[2], media.Video, func([]media.Packet) []media.Packet { return append(behind, early...) })
	change(&segments[3], media.Video, func(packets []media.Packet) []media.Packet {
		packets[0].Key = true
		return packets
	})
	made := Build(Recording{Segments: segments})
	for _, found := range made.Findings {
		if found.Type == SegmentTruncated {
			t.Error(list(made))
		}
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

// TestBuild_TwoNamesThatDoNotFollow: the counters of pictures go on over a hole by chance, once in sixteen.
func TestBuild_TwoNamesThatDoNotFollow(t *testing.T) {
	segments := layout{running: true}.record(pictures(0, 16*second, pal, 25), append(tones(0, 4*second), tones(12*second, 16*second)...), 4*second, 4*second+192*pal)
	wantState(t, Build(Recording{Segments: drop(segments, 1)}), Unknown, UnknownHole)
}

// TestBuild_SinglePictureBeginsAClock: the first segment of a clock has one picture; the next one begins with its sound, just where
// the playlist says, and holds pictures that are shown before that and decoded behind its first one.
func TestBuild_SinglePictureBeginsAClock(t *testing.T) {
	first := layout{}.record(pictures(0, 4*second, pal, 25), tones(0, 4*second), each(0, second/2, 8)...)
	slow := second * 66 / 100
	shown := []int64{0, 3 * slow, slow, 2 * slow}
	var video []media.Packet
	for i, at := range shown {
		video = append(video, media.Packet{DTS: int64(i-1) * slow, PTS: at, Size: 1000, Key: i == 0})
	}
	video[0].DTS = -second / 15
	begins := second * 19 / 10
	next := layout{}.record(video, tones(begins, 4*slow), 0)
	next[0].Duration, next[1].Duration = begins, 4*slow-begins
	whole := slices.Concat(first, reset(next, 0, 700*second, true))
	made := Build(Recording{Segments: whole})
	wantState(t, made, Intact)
	if all := times(made, media.Audio); distance(all[188], 4*second+begins) > 2*aac {
		t.Errorf("the sound of the second clock begins at %s, want %s\n%s", position(all[188]), position(4*second+begins), list(made))
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

// TestBuild_HastyBeginningOverSegments: the pictures that are decoded at once lie in the first two segments of the clock, beside a
// silence at a border.
func TestBuild_HastyBeginningOverSegments(t *testing.T) {
	const slow = second * 64 / 100
	var video []media.Packet
	at := -second * 2 / 15
	for i := range 20 {
		video = append(video, media.Packet{DTS: at, PTS: at + 2*slow, Size: 1000, Key: i == 0 || i > 9})
		if at += slow; i < 2 {
			at += second/15 - slow
		}
	}
	sound := without(tones(slow, 11*second), 28*second/10, 32*second/10)
	uneven := layout{}.record(video, nil, video[1].DTS, video[4].DTS, video[7].DTS, video[10].DTS)
	for i, each := range (layout{}).record(nil, sound, 2*slow, 32*second/10, 5*second, 7*second) {
		uneven[i].File.Streams = append(uneven[i].File.Streams, each.File.Streams...)
		uneven[i].Duration = each.Duration
		seal(&uneven[i])
	}
	even := layout{}.record(pictures(0, 24*second, pal, 50), tones(0, 24*second), each(0, 2*second, 12)...)
	whole := slices.Concat(even, reset(uneven, 0, 700*second, true))
	if made := Build(Recording{Segments: whole}); made.State() == Damaged {
		t.Error(list(made))
	}
}
