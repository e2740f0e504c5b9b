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
}
