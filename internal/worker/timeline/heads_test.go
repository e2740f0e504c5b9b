// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_OnlySegmentHasNoOthers: what is said of its beginning compares it with none.
func TestBuild_OnlySegmentHasNoOthers(t *testing.T) {
	video := pictures(0, 4*second, pal, 50)
	video[50].Key = false
	segments := layout{}.record(video[30:], nil)
	segments[0].Duration = 4 * second
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentTruncated)
	for _, found := range made.Findings {
		if strings.Contains(found.Message, "other segments") {
			t.Error(found.Message)
		}
	}
}

// TestBuild_StillBetweenTwoBeats: pictures that come at an even rate leave a gap of whole intervals when some of them are lost.
// Another gap is a still, in which a segment may begin with sound.
func TestBuild_StillBetweenTwoBeats(t *testing.T) {
	const interval = second / 3
	borders := []int64{2 * second, 4 * second, 6 * second, 8 * second}
	video := pictures(0, 10*second, interval, 6)
	segments := layout{}.record(video, tones(0, 10*second), borders...)
	keep(&segments[2], media.Video, 1, 6)
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)

	const still = interval * 13 / 10
	video = later(pictures(0, 10*second, interval, 6), 5*second, still)
	borders = []int64{2 * second, 4 * second, 5*second + interval*6/10, 6*second + still, 8*second + still}
	segments = layout{}.record(video, tones(0, 10*second+still), borders...)
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_SlowPicturesGoOnBesideASilence: the sound is away where a segment begins within a group, and no picture is missing: so
// nothing was lost of its beginning.
func TestBuild_SlowPicturesGoOnBesideASilence(t *testing.T) {
	const slow = second * 686 / 1000
	var shown []int64
	for i := range int64(24) {
		shown = append(shown, i*slow)
	}
	sound := without(tones(0, 16*second), second*3/10, second*9/10)
	segments := layout{precision: second}.record(reordered(shown), sound, second/2, 6*slow, 10*slow, 14*slow)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole) // before it, something may be
}

// TestBuild_FewPicturesTellNoRate: the gap before a segment is no longer than one in the segments around it.
func TestBuild_FewPicturesTellNoRate(t *testing.T) {
	var video []media.Packet
	for s := range int64(8) {
		for i, ms := range []int64{0, 430, 740} {
			video = append(video, media.Packet{DTS: (s*1000 + ms) * 90, PTS: (s*1000 + ms) * 90, Size: 1000, Key: i == 0})
		}
	}
	for i, ms := range []int64{3000, 3140, 3620, 3950, 4250} { // in the place of those of two seconds
		video[9+i].DTS, video[9+i].PTS, video[9+i].Key = ms*90, ms*90, i == 0
	}
	video = append(video[:14], video[15:]...)
	borders := append(each(0, second, 4), 355*second/100, 5*second, 6*second, 7*second)
	segments := layout{precision: second}.record(video, tones(0, 8*second), borders...)
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_LostHeadOfAFullSegment: the only segment of a clock lost its beginning. Its last packets are full, so that more could
// have followed; the counters that go on behind it say that nothing did.
func TestBuild_LostHeadOfAFullSegment(t *testing.T) {
	segments := reset(reset(plain(6), 2, 500*second, true), 3, 300*second, true)
	for _, kind := range kinds {
		stream(&segments[2], kind).Tail = media.TailUnstuffed
	}
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	keep(&segments[2], media.Video, 30, 50)
	keep(&segments[2], media.Audio, 56, stream(&segments[2], media.Audio).Packets.Count)
	change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet { packets[0].Key = false; return packets })
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentTruncated)
	if at := times(made, media.Video)[120]; distance(at, 6*second) > aac {
		t.Errorf("the first picture behind the loss is at %s, want 6 s\n%s", position(at), list(made))
	}
}

// TestBuild_LostHeadOfTheLastSegment: it is the only one of its clock, and begins within a packet. That its last packet is full says
// less than that, so that what it lacks is in front.
func TestBuild_LostHeadOfTheLastSegment(t *testing.T) {
	segments := reset(layout{}.record(pictures(0, 8*second, pal, 50), tones(0, 8*second), each(0, 2*second, 4)...), 3, 500*second, true)
	stream(&segments[3], media.Audio).Tail = media.TailUnstuffed
	stream(&segments[3], media.Audio).HeadBytes = 100
	keep(&segments[3], media.Video, 30, 50)
	keep(&segments[3], media.Audio, 56, stream(&segments[3], media.Audio).Packets.Count)
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentTruncated)
	if at := times(made, media.Video)[150]; distance(at, 6*second+30*pal) > 2*aac {
		t.Errorf("the first picture behind the loss is at %s, want 7.2 s\n%s", position(at), list(made))
	}
}

// TestBuild_SegmentBeginsForSoundBehindAPause: whole seconds leave half a second open, behind a pause of ten. The segment begins with
// sound, and with no key frame.
func TestBuild_SegmentBeginsForSoundBehindAPause(t *testing.T) {
	video, sound := pictures(0, 20*second, pal, 50), tones(0, 20*second)
	for i := range video {
		video[i].Key = i == 0 || i%50 == 38
	}
	segments := layout{precision: second}.record(without(video, second, 114*second/10), without(sound, 12*second/10, 114*second/10),
		114*second/10, video[288].DTS, video[338].DTS, video[388].DTS, video[438].DTS)
	made := Build(Recording{Segments: segments})
	if made.State() == Damaged {
		t.Error(list(made))
	}
	for _, kind := range kinds {
		count := stream(&segments[3], kind).Packets.Count
		keep(&segments[3], kind, count*2/5, count)
	}
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)
}

// TestBuild_LostHeadThatAKeyFrameTells: the same of a segment that begins between packets, and alone does not begin with a key frame.
func TestBuild_LostHeadThatAKeyFrameTells(t *testing.T) {
	segments := reset(layout{}.record(pictures(0, 10*second, pal, 50), tones(0, 10*second), each(0, 2*second, 5)...), 3, 500*second, true)
	segments = reset(segments, 4, 900*second, true)
	stream(&segments[3], media.Audio).Tail = media.TailUnstuffed
	keep(&segments[3], media.Video, 30, 50)
	keep(&segments[3], media.Audio, 56, stream(&segments[3], media.Audio).Packets.Count)
	made := Build(Recording{Segments: segments})
	if at := times(made, media.Video)[150]; distance(at, 6*second+30*pal) > 2*aac || made.State() == Intact {
		t.Errorf("the first picture behind the loss is at %s, want 7.2 s\n%s", position(at), list(made))
	}
}

// TestBuild_SoundComesBackWithinAPacket: the segment before it has no sound, so that what the packet began with is lost.
func TestBuild_SoundComesBackWithinAPacket(t *testing.T) {
	segments := layout{}.record(pictures(0, 8*second, pal, 50), without(tones(0, 8*second), second, 5*second), each(0, 2*second, 4)...)
	segments[1].File.Streams[1] = emptyStream(media.Audio)
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	stream(&segments[2], media.Audio).HeadBytes = 100
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)
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

// TestBuild_SegmentBeginsWithSound: the picture stands still, sound begins, and the recorder begins a segment for it within
// a group.
func TestBuild_SegmentBeginsWithSound(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 50), 3*second-10*pal, 12*second/10)
	from := int64(3*second) + 8*second/10
	segments := layout{precision: second}.record(video, without(tones(0, 9*second), 0, from-aac/2), from, from+2*second)
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_HeadWithoutTables: the only segment of a clock is shorter than the playlist says, and does not begin with the tables
// of the transport stream, as all others do: it is its beginning that is lost.
func TestBuild_HeadWithoutTables(t *testing.T) {
	segments := reset(reset(plain(5), 2, 500*second, true), 3, 900*second, true)
	for i := range segments {
		segments[i].File.TablesFirst = i != 2
	}
	change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet {
		for i := range packets {
			packets[i].Key = true
		}
		return packets
	})
	for _, kind := range kinds {
		of := stream(&segments[2], kind)
		keep(&segments[2], kind, of.Packets.Count/2, of.Packets.Count)
	}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentTruncated)
	if at := times(made, media.Video)[100]; distance(at, 5*second) > second/10 {
		t.Errorf("what is left begins at %s, want 5 s\n%s", position(at), list(made))
	}
}

// TestBuild_HeadLostWhereOneKindStops: what is left of a segment is no other recording's, though the pictures of the next
// segment begin before its sound ends.
func TestBuild_HeadLostWhereOneKindStops(t *testing.T) {
	segments := layout{}.record(pictures(0, 12*second, pal, 25), tones(0, 12*second), 4*second, 8*second)
	var early []media.Packet
	change(&segments[1], media.Video, func(packets []media.Packet) []media.Packet {
		early = packets[len(packets)-10:]
		return packets[60 : len(packets)-10]
	})
	change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet { return append(early, packets...) })
	of := stream(&segments[1], media.Audio)
	keep(&segments[1], media.Audio, of.Packets.Count*60/100, of.Packets.Count)
	of.HeadBytes = 100
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentTruncated)
	if slices.ContainsFunc(made.Findings, func(f Finding) bool { return f.Type == SegmentForeign }) {
		t.Error(list(made))
	}
}

// TestBuild_FirstSegmentHoldsItsSound: the next segment begins with pictures that are shown before the sound of the first one of
// a clock ends; nothing is lost of that, though the playlist rounds to whole seconds.
func TestBuild_FirstSegmentHoldsItsSound(t *testing.T) {
	first := layout{}.record(pictures(0, 4*second, pal, 25), tones(0, 4*second), each(0, second, 4)...)
	segments := layout{precision: second}.record(pictures(0, 9*second, pal, 25), tones(0, 9*second), 3*second, 6*second)
	var early []media.Packet
	change(&segments[0], media.Video, func(packets []media.Packet) []media.Packet {
		early = packets[len(packets)-26:]
		return packets[:len(packets)-26]
	})
	change(&segments[1], media.Video, func(packets []media.Packet) []media.Packet { return append(early, packets...) })
	segments[0].Discontinuity = true
	whole := slices.Concat(first, reset(segments, 0, 700*second, true))
	if at := times(Build(Recording{Segments: whole}), media.Video)[100]; distance(at, 4*second) > pal {
		t.Errorf("the second clock begins at %s, want 4 s", position(at))
	}
}

// TestBuild_HeadLostByAMultipleOfSixteenPackets: the counters go on by chance. But the segment does not begin with its tables, as the
// others do, and begins late, and what follows is in time.
func TestBuild_HeadLostByAMultipleOfSixteenPackets(t *testing.T) {
	segments := layout{running: true}.record(pictures(0, 12*second, second/10, 20), nil, each(0, 2*second, 6)...)
	for i := range segments {
		segments[i].File.TablesFirst = i != 2
	}
	keep(&segments[2], media.Video, 16, 20)
	if counters := stream(&segments[2], media.Video).Counters.First; counters != (stream(&segments[1], media.Video).Counters.Last+1)&15 {
		t.Fatalf("the counters break: %d", counters)
	}
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)
}

// TestBuild_HeadLostInWholeSeconds: the last segment of a clock lacks less of its beginning than durations in whole seconds show.
// The next clock begins where the segment ended, and not later by what is lost.
func TestBuild_HeadLostInWholeSeconds(t *testing.T) {
	end := 4*second + second*3/10
	segments := layout{precision: second}.record(pictures(0, end, pal, 25), tones(0, end), 2*second+second*7/10)
	segments = append(segments, reset(plain(2), 0, 700*second, true)...)
	for _, kind := range kinds {
		of := stream(&segments[1], kind)
		keep(&segments[1], kind, of.Packets.Count*65/100, of.Packets.Count)
	}
	segments[1].File.Damage = []media.Damage{{Kind: media.TablesMissing, Stream: -1, Count: 1}}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, Corrupt)
	shown := times(made, media.Video)
	if at := shown[len(shown)-100]; distance(at, end) > 2*pal {
		t.Errorf("the second clock begins at %s, want %s\n%s", position(at), position(end), list(made))
	}
}

// TestBuild_LostBeginningAfterAReset: the time passed all the same.
func TestBuild_LostBeginningAfterAReset(t *testing.T) {
	segments := reset(plain(6), 3, -7*second, true)
	keep(&segments[3], media.Video, 25, 50)
	keep(&segments[3], media.Audio, 47, stream(&segments[3], media.Audio).Packets.Count)
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentTruncated)
	if at := times(made, media.Video)[150]; distance(at, 7*second) > aac {
		t.Errorf("the first picture behind the loss is at %s", position(at))
	}
}

// TestBuild_FirstSegmentOfFewLacksItsBeginning: a recording begins with a key frame, however few segments it has.
func TestBuild_FirstSegmentOfFewLacksItsBeginning(t *testing.T) {
	segments := plain(2)
	keep(&segments[0], media.Video, 25, 50)
	keep(&segments[0], media.Audio, 47, stream(&segments[0], media.Audio).Packets.Count)
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)
}
