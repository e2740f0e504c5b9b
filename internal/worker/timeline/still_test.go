// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

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

// TestBuild_AStillScreenAtABorder: the sound goes on, so that nothing of the segment's beginning is lost.
func TestBuild_AStillScreenAtABorder(t *testing.T) {
	video := without(pictures(0, 12*second, pal, 50), 4*second-second/2, 5*second+second/2)
	segments := layout{}.record(video, tones(0, 12*second), each(0, 2*second, 6)...)
	wantState(t, Build(Recording{Segments: segments}), Intact)

	// The sound begins where the segment does.
	segments = layout{}.record(without(pictures(0, 12*second, pal, 50), 5*second, 7*second+second/2), tones(6*second, 12*second), each(0, 2*second, 6)...)
	wantState(t, Build(Recording{Segments: segments}), Intact)
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

// TestBuild_StillPictureInWholeSeconds: the picture stands still, and goes on within a group just where the playlist says that a
// segment begins, to the second.
func TestBuild_StillPictureInWholeSeconds(t *testing.T) {
	video := later(pictures(0, 8*second, pal, 50), 20*pal, 6*second)
	from := 6*second + 20*pal
	segments := layout{precision: second}.record(video, tones(0, 2*second), from, from+30*pal, from+2*second+30*pal)
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
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

// TestBuild_SlowReorderedPicturesDoNotStandStill: a picture that is decoded long before it is shown is no pause in front of it.
func TestBuild_SlowReorderedPicturesDoNotStandStill(t *testing.T) {
	var shown []int64
	for i := range 40 {
		shown = append(shown, second+int64(i)*second*3/2)
	}
	made := Build(Recording{Segments: layout{running: true}.record(reordered(shown), nil, each(second, 12*second, 5)...)})
	if wantState(t, made, Intact); len(made.Findings) > 0 {
		t.Errorf("findings: %v", made.Findings)
	}
}
