// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_SingleStreamOfAnotherTime: the first packets of one stream of a segment have a time far from all others, so
// that they move nothing else.
func TestBuild_SingleStreamOfAnotherTime(t *testing.T) {
	segments := plain(5)
	change(&segments[3], media.Audio, func(packets []media.Packet) []media.Packet {
		for i := range 3 {
			packets[i].DTS -= 2000 * second
			packets[i].PTS -= 2000 * second
		}
		return packets
	})
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, TimestampOutlier)
	if distance(made.Length, 10*second) > second/10 {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_StrayBesideALoss: a picture has a wrong time, and those behind it are lost.
func TestBuild_StrayBesideALoss(t *testing.T) {
	segments := plain(5)
	change(&segments[3], media.Video, func(packets []media.Packet) []media.Packet {
		packets[10].DTS += 28 * second
		packets[10].PTS += 28 * second
		return append(packets[:11], packets[30:]...)
	})
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, TimestampOutlier)
	if distance(made.Length, 10*second) > second/10 {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_FindingsOfAnMP4 are at the times at which the file shows what they are about.
func TestBuild_FindingsOfAnMP4(t *testing.T) {
	damaged := func(video, audio int64, damage media.Damage) *Timeline {
		segments := layout{container: media.MP4}.record(pictures(0, video, pal, 50), tones(0, audio))
		segments[0].Duration = 0
		stream(&segments[0], media.Audio).Edits = []media.Edit{{Duration: 2 * second, Start: -1}, {Duration: 0, Start: 0}}
		segments[0].File.Damage = []media.Damage{damage}
		return Build(Recording{Segments: segments})
	}
	made := damaged(6*second, 4*second, media.Damage{Kind: media.FrameLost, Stream: 1, Packet: 40, Count: 1})
	if at := firstOf(made, PacketsLost).At; distance(at, 2*second+40*aac) > aac {
		t.Errorf("frames are lost at %s, want %s", position(at), position(2*second+40*aac))
	}
	made = damaged(6*second, second, media.Damage{Kind: media.BoxTruncated, Stream: -1, Count: 1})
	if at := firstOf(made, SegmentTruncated).At; distance(at, 3*second) > 4*aac {
		t.Errorf("the file is cut from %s on, want 3 s", position(at))
	}
	made = damaged(6*second, second, media.Damage{Kind: media.SampleMissing, Stream: 1, Packet: 43, Count: 20})
	if at := firstOf(made, SegmentTruncated).At; distance(at, 3*second) > 4*aac {
		t.Errorf("samples are missing from %s on, want 3 s", position(at))
	}
}

// TestBuild_CutFileBehindAStillPicture: the sound ended long before the picture did, and nobody knows which of both went on in
// what is lost of a cut file.
func TestBuild_CutFileBehindAStillPicture(t *testing.T) {
	video := pictures(0, 4*second, pal, 50)
	video[99].Duration = 9 * second
	segments := layout{container: media.MP4}.record(video, tones(0, 6*second))
	segments[0].Duration = 0
	segments[0].File.Damage = []media.Damage{{Kind: media.BoxTruncated, Stream: -1, Count: 1}}
	found := firstOf(Build(Recording{Segments: segments}), SegmentTruncated)
	if distance(found.At, 6*second) > aac || distance(found.At+found.Length, 13*second) > pal {
		t.Errorf("cut from %s for %s, want from 6 s to 13 s", position(found.At), position(found.Length))
	}
}

// TestBuild_LineMissingWhileThePictureStands: the container says that the last picture lasts over what is lost, and the
// numbers in the names jump.
func TestBuild_LineMissingWhileThePictureStands(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 50), second, 3*second)
	for i := range video {
		if i+1 < len(video) {
			video[i].Duration = video[i+1].DTS - video[i].DTS
		}
	}
	segments := layout{container: media.FragmentMP4}.record(video, nil, 2*second, 4*second, 6*second, 8*second)
	segments[0].Duration, segments[1] = 2*second, Segment{File: segments[1].File, Duration: 2 * second}
	wantState(t, Build(Recording{Segments: drop(segments, 1)}), Damaged, SegmentMissing)
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

// TestBuild_BriefEndWithoutPicture: at ten pictures a second, the last segment may have none.
func TestBuild_BriefEndWithoutPicture(t *testing.T) {
	segments := layout{}.record(pictures(0, 4*second, second/10, 10), tones(0, 4*second+second/8), second, 2*second, 3*second, 4*second)
	segments[4].File.Streams[0] = emptyStream(media.Video)
	wantState(t, Build(Recording{Segments: segments}), Intact)
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

// TestBuild_SegmentBeginsWithSound: the picture stands still, sound begins, and the recorder begins a segment for it within
// a group.
func TestBuild_SegmentBeginsWithSound(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 50), 3*second-10*pal, 12*second/10)
	from := int64(3*second) + 8*second/10
	segments := layout{precision: second}.record(video, without(tones(0, 9*second), 0, from-aac/2), from, from+2*second)
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_StillPictureInWholeSeconds: the picture stands still, and goes on within a group just where the playlist says that a
// segment begins, to the second.
func TestBuild_StillPictureInWholeSeconds(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 50), 20*pal, 6*second)
	from := 6*second + 20*pal
	segments := layout{precision: second}.record(video, tones(0, 2*second), from, from+30*pal, from+2*second+30*pal)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
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

// TestBuild_FastEndBehindSlowPictures: that the last segment is cut is judged by its own rate.
func TestBuild_FastEndBehindSlowPictures(t *testing.T) {
	video := append(pictures(0, 6*second, second, 2), pictures(6*second, 8*second, pal, 25)...)
	segments := layout{}.record(video, nil, 2*second, 4*second, 6*second)
	keep(&segments[3], media.Video, 0, 30)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownTail)
}

// TestBuild_SilenceWhileThePictureStands: the picture stands still, and the only hole in the sound ends where a segment
// does: what is lost of the file would have been just that.
func TestBuild_SilenceWhileThePictureStands(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 50), second, 9*second)
	segments := layout{}.record(video, without(tones(0, 17*second), 2*second, 4*second), each(0, 4*second, 4)...)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
	video = append(pictures(0, 3*second, pal, 25), pictures(13*second, 17*second, pal, 25)...)
	segments = layout{}.record(video, without(tones(0, 17*second), 2*second, 4*second), each(0, 4*second, 4)...)
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_LineMissingBeforeADurationOfZero: a playlist in whole seconds says 0 of a short segment.
func TestBuild_LineMissingBeforeADurationOfZero(t *testing.T) {
	border := []int64{2 * second, 4 * second, 6 * second, 8 * second}
	segments := layout{precision: second}.record(pictures(0, 8*second+second/5, pal, 50), tones(0, 8*second+second/5), border...)
	if last := segments[4]; last.Duration != 0 {
		t.Fatalf("a duration of %d", last.Duration)
	}
	wantState(t, Build(Recording{Segments: drop(segments, 3)}), Damaged, SegmentMissing)
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

// TestBuild_CameraComesBackWithinAGroup: pictures that are shown before the first key picture need others that were not recorded.
func TestBuild_CameraComesBackWithinAGroup(t *testing.T) {
	video := append(pictures(0, 2*second, pal, 25), pictures(6*second, 8*second, pal, 25)...)
	video[50].PTS, video[51].PTS, video[52].PTS = video[52].PTS, video[50].PTS, video[51].PTS // the key picture is decoded first
	segments := layout{running: true}.record(video, tones(0, 8*second), 2*second, 4*second, 6*second)
	for i := 1; i < 3; i++ {
		segments[i].File.Streams = segments[i].File.Streams[1:]
	}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Unknown, UnknownHole)
	if want := (Stretch{From: 6 * second, To: 6*second + 2*pal}); len(made.Undecodable) != 1 || made.Undecodable[0] != want {
		t.Errorf("%v, want %v", made.Undecodable, want)
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

// TestBuild_CutBetweenPackets: the playlist counts from where the recorder cut, which is a little before the first picture of the
// segment; the next one goes on within a group just where the playlist says.
func TestBuild_CutBetweenPackets(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 50), 3*second, 9*second)
	segments := layout{}.record(video, tones(0, 2*second-2*pal), 2*second-pal+pal/8, 3*second)
	segments[0].Duration, segments[1].Duration = 2*second-pal+pal/8, 10*second+pal-pal/8
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_LineMissingOfSoundAloneInWholeSeconds: the playlist is too coarse to miss a short segment of sound alone, and the
// container says that the last picture lasts over it. The sound stops, and the names jump.
func TestBuild_LineMissingOfSoundAloneInWholeSeconds(t *testing.T) {
	video := without(pictures(0, 8*second, pal, 25), 4*second+second/2, 6*second)
	for i := range video {
		video[i].Duration = pal
		if i+1 < len(video) {
			video[i].Duration = video[i+1].DTS - video[i].DTS
		}
	}
	borders := each(0, second*7/10, 11)
	segments := layout{container: media.FragmentMP4, precision: second, up: true}.record(video, tones(0, 8*second), borders...)
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	wantState(t, Build(Recording{Segments: slices.Delete(segments, 7, 8)}), Unknown, UnknownHole)
}
