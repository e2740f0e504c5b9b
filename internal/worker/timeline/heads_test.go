// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
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
