// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
)

// reordered gives pictures the decoding order I P B B of groups of four, with decoding times two pictures behind.
func reordered(shown []int64) []media.Packet {
	var packets []media.Packet
	decode := append([]int64{shown[0] - 2*pal, shown[0] - pal}, shown...)
	for i := range shown {
		place := i/4*4 + []int{0, 3, 1, 2}[i%4]
		packets = append(packets, media.Packet{DTS: decode[i], PTS: shown[place], Size: 1000, Key: i%4 == 0})
	}
	return packets
}

// TestBuild_ReorderedPicturesStandStill: the decoding times of a stream with B-frames pause later than its pictures do, so
// that pictures are decoded long before they are shown.
func TestBuild_ReorderedPicturesStandStill(t *testing.T) {
	for still := 41; still <= 44; still++ {
		var shown []int64
		for i := range 200 {
			at := second + int64(i)*pal
			if i >= still {
				at += 14 * second
			}
			shown = append(shown, at)
		}
		video := reordered(shown)
		segments := layout{running: true}.record(video, tones(second, 23*second), 17*second, 19*second)
		made := Build(Recording{Segments: segments})
		wantState(t, made, Intact, Freeze)
		wantTimes(t, made, media.Video, video, second)
	}
}

// TestBuild_DurationsOfReorderedPictures: an MP4 says how long each picture is decoded, which is not how long it is shown.
func TestBuild_DurationsOfReorderedPictures(t *testing.T) {
	var shown []int64
	for i := range 40 {
		at := int64(i) * pal
		if i >= 37 {
			at += 8 * second
		}
		shown = append(shown, at)
	}
	video := reordered(shown)
	for i := range video {
		video[i].Duration = pal
		if i+1 < len(video) {
			video[i].Duration = video[i+1].DTS - video[i].DTS
		}
	}
	made := Build(Recording{Segments: layout{container: media.MP4}.record(video, nil)})
	if want := shown[39] + pal; made.Length != want {
		t.Errorf("a length of %d, want %d", made.Length, want)
	}
	for placed := range made.Packets(media.Video) {
		if end := placed.PTS + placed.Duration; end > made.Length {
			t.Errorf("the picture at %d is shown until %d, beyond the end", placed.PTS, end)
		}
	}
}

// TestBuild_SoundAloneFollowsPicturesAlone: how long the last picture lasts is a guess, and no step of the clock.
func TestBuild_SoundAloneFollowsPicturesAlone(t *testing.T) {
	segments := layout{}.record(pictures(0, 4*second, second/3, 6), tones(11*second/3+90, 8*second), 11*second/3+90)
	made := Build(Recording{Segments: segments})
	if slices.ContainsFunc(made.Findings, func(f Finding) bool { return f.Type == ClockStep }) {
		t.Errorf("a step of the clock:\n%s", list(made))
	}
	if at := times(made, media.Audio)[0]; at != 11*second/3+90 {
		t.Errorf("the sound begins at %d", at)
	}
}

// TestBuild_OfTwoSegmentsNobodyKnowsTheStep of the numbers in their names.
func TestBuild_OfTwoSegmentsNobodyKnowsTheStep(t *testing.T) {
	whole := layout{}.record(pictures(0, 9*second, pal, 75), tones(0, 9*second), 3*second, 6*second)
	wantState(t, Build(Recording{Segments: []Segment{whole[0], whole[2]}}), Unknown, UnknownHole)
}

// TestBuild_AStillScreenAtABorder: the sound goes on, so that nothing of the segment's beginning is lost.
func TestBuild_AStillScreenAtABorder(t *testing.T) {
	video := without(pictures(0, 12*second, pal, 50), 4*second-second/2, 5*second+second/2)
	segments := layout{}.record(video, tones(0, 12*second), each(0, 2*second, 6)...)
	wantState(t, Build(Recording{Segments: segments}), Intact)

	// The sound begins where the segment does.
	segments = layout{}.record(without(pictures(0, 12*second, pal, 50), 5*second, 7*second+second/2), tones(6*second, 12*second), each(0, 2*second, 6)...)
	wantState(t, Build(Recording{Segments: segments}), Intact)
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

// TestBuild_UnreadableSegmentAtAReset: what is behind it keeps its time, and the tag before it counts for what follows.
func TestBuild_UnreadableSegmentAtAReset(t *testing.T) {
	for name, by := range map[string]int64{"back": -9 * second, "forward": 50 * second} {
		segments := reset(plain(6), 3, by, true)
		segments[3].File = &media.File{Damage: []media.Damage{{Kind: media.SyncLost, Stream: -1}}}
		made := Build(Recording{Segments: segments})
		wantState(t, made, Damaged, Corrupt)
		if at := times(made, media.Video)[150]; distance(at, 8*second) > aac {
			t.Errorf("%s: the first picture behind the loss is at %s", name, position(at))
		}
	}
}

// TestBuild_ASoundStreamThatCannotBeRead is no recording without sound.
func TestBuild_ASoundStreamThatCannotBeRead(t *testing.T) {
	segments := plain(3)
	for i := range segments {
		sound := stream(&segments[i], media.Audio)
		sound.Packets, sound.HeadBytes = media.Packets{}, 5000
		sound.Packets.Close()
	}
	wantState(t, Build(Recording{Segments: segments}), Damaged, Corrupt)
}

// TestBuild_WhatReadersIgnoreIsSaid, once.
func TestBuild_WhatReadersIgnoreIsSaid(t *testing.T) {
	segments := plain(3)
	for i := range segments {
		segments[i].File.Ignored = []string{"program 2: only one program is read"}
	}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Intact, StreamIgnored)
	if len(made.Findings) != 1 {
		t.Errorf("%d findings", len(made.Findings))
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

// TestBuild_FirstSegmentOfFewLacksItsBeginning: a recording begins with a key frame, however few segments it has.
func TestBuild_FirstSegmentOfFewLacksItsBeginning(t *testing.T) {
	segments := plain(2)
	keep(&segments[0], media.Video, 25, 50)
	keep(&segments[0], media.Audio, 47, stream(&segments[0], media.Audio).Packets.Count)
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)
}

// TestBuild_HoleOfOneKindThatThePlaylistDenies cannot be decided.
func TestBuild_HoleOfOneKindThatThePlaylistDenies(t *testing.T) {
	whole := layout{}.record(pictures(0, 9*second, pal, 75), nil, 3*second, 6*second)
	wantState(t, Build(Recording{Segments: []Segment{whole[0], whole[2]}}), Unknown, UnknownHole)
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

// TestBuild_LostSegmentIsNoPauseToo: the damage explains the hole.
func TestBuild_LostSegmentIsNoPauseToo(t *testing.T) {
	segments := plain(7)
	segments[3].File = nil
	for _, finding := range Build(Recording{Segments: segments}).Findings {
		if finding.Type == Pause || finding.Type == Mute || finding.Type == Freeze {
			t.Errorf("%s: %s", finding.Type, finding.Message)
		}
	}
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

// TestBuild_LineMissingInWholeSeconds: segments are shorter than a second, so that only the numbers in their names show that one is
// not there.
func TestBuild_LineMissingInWholeSeconds(t *testing.T) {
	segments := layout{precision: second}.record(pictures(0, 7*second, second/10, 7), nil, each(0, second*7/10, 10)...)
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	wantState(t, Build(Recording{Segments: drop(segments, 4)}), Unknown, UnknownHole)
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

// TestBuild_PicturesLostBesideASilence: the last segment of a clock has lost its pictures, and its sound begins late. It ends where the
// playlist says all the same, and there the next clock begins.
func TestBuild_PicturesLostBesideASilence(t *testing.T) {
	segments := layout{running: true}.record(pictures(0, 6*second, pal, 25), without(tones(0, 6*second), 3*second, 5*second), each(0, 2*second, 3)...)
	of := stream(&segments[2], media.Video)
	of.Packets, of.Counters = media.Packets{}, media.Counters{}
	segments = append(segments, reset(plain(2), 0, 700*second, true)...)
	made := Build(Recording{Segments: segments})
	shown := times(made, media.Video)
	if at := shown[len(shown)-100]; distance(at, 6*second) > 2*pal {
		t.Errorf("the second clock begins at %s, want 6 s\n%s", position(at), list(made))
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

// TestBuild_TagBeforeAStill: the last segment has a picture before a still and one behind it, and a tag that announces nothing hides
// the rate of the pictures before. The playlist says how long the last one is shown.
func TestBuild_TagBeforeAStill(t *testing.T) {
	video := append(pictures(0, 7*second, second/3, 3), pictures(15*second, 15*second+1, second/3, 1)...)
	segments := layout{}.record(video, tones(0, 4*second), 3*second, 6*second+second/2)
	segments[2].Discontinuity, segments[2].Duration = true, 15*second+second/3-(6*second+2*second/3)
	made := Build(Recording{Segments: segments})
	wantState(t, made, Intact)
	if distance(made.Length, 15*second+second/3) > pal {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
	for placed := range made.Packets(media.Video) {
		if interval := made.Interval(&placed, media.Video); interval > second {
			t.Fatalf("the picture at %s lasts %s", position(placed.PTS), position(interval))
		}
	}
}

// TestBuild_FewPicturesAtTheBeginning: the first segment ends with its sound, before the next picture is due, and its last picture
// fills its transport packet by chance.
func TestBuild_FewPicturesAtTheBeginning(t *testing.T) {
	segments := layout{}.record(pictures(0, 4*second, second/3, 12), tones(0, 4*second), second*7/10, second*14/10, second*21/10)
	segments[0].File.Streams[0].Tail = media.TailUnstuffed
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_SlowPictureLastsLongerThanTheSound: the playlist counts how long the last picture is shown, which is in the segment
// before. At 25 pictures a second, it is not.
func TestBuild_SlowPictureLastsLongerThanTheSound(t *testing.T) {
	for interval, state := range map[int64]State{second / 3: Unknown, pal: Damaged} {
		segments := layout{}.record(pictures(0, 4*second, interval, 50), tones(0, 4*second+second/10), 2*second, 4*second)
		segments[2].File.Streams[0] = emptyStream(media.Video)
		segments[2].Duration = second * 45 / 100
		wantState(t, Build(Recording{Segments: segments}), state)
	}
}

// TestBuild_SilenceAcrossABorderEndsWithACutFile: the only silence began in the file before. Where the cut file has lost its
// sound and its last pictures, both come back at the border.
func TestBuild_SilenceAcrossABorderEndsWithACutFile(t *testing.T) {
	segments := layout{}.record(pictures(0, 10*second, pal, 50), without(tones(0, 10*second), 3*second, 7*second), each(0, 4*second, 3)...)
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	keep(&segments[1], media.Video, 0, 70)
	keep(&segments[1], media.Audio, 0, 0)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
}

// TestBuild_LineMissingBehindReorderedPictures: what is lost held only the end of the sound. The pictures behind it are decoded
// right behind those before the pause, and no counter was lost.
func TestBuild_LineMissingBehindReorderedPictures(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 25), 3*second, 13*second)
	segments := layout{running: true}.record(video, tones(0, 9*second), 6*second, 16*second, 19*second)
	change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet {
		for i := range int64(4) {
			packets[i].DTS = 3*second + i*pal
		}
		return packets
	})
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	wantState(t, Build(Recording{Segments: drop(segments, 1)}), Damaged, SegmentMissing)
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
