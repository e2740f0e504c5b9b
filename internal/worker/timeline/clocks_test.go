// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

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
