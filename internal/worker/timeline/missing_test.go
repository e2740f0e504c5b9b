// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

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

// TestBuild_TwoNamesThatDoNotFollow: the counters of pictures go on over a hole by chance, once in sixteen.
func TestBuild_TwoNamesThatDoNotFollow(t *testing.T) {
	segments := layout{running: true}.record(pictures(0, 16*second, pal, 25), append(tones(0, 4*second), tones(12*second, 16*second)...), 4*second, 4*second+192*pal)
	wantState(t, Build(Recording{Segments: drop(segments, 1)}), Unknown, UnknownHole)
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

// TestBuild_LineMissingBeforeADurationOfZero: a playlist in whole seconds says 0 of a short segment.
func TestBuild_LineMissingBeforeADurationOfZero(t *testing.T) {
	border := []int64{2 * second, 4 * second, 6 * second, 8 * second}
	segments := layout{precision: second}.record(pictures(0, 8*second+second/5, pal, 50), tones(0, 8*second+second/5), border...)
	if last := segments[4]; last.Duration != 0 {
		t.Fatalf("a duration of %d", last.Duration)
	}
	wantState(t, Build(Recording{Segments: drop(segments, 3)}), Damaged, SegmentMissing)
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

// TestBuild_LineMissingInWholeSeconds: segments are shorter than a second, so that only the numbers in their names show that one is
// not there.
func TestBuild_LineMissingInWholeSeconds(t *testing.T) {
	segments := layout{precision: second}.record(pictures(0, 7*second, second/10, 7), nil, each(0, second*7/10, 10)...)
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	wantState(t, Build(Recording{Segments: drop(segments, 4)}), Unknown, UnknownHole)
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

// TestBuild_HoleOfOneKindThatThePlaylistDenies cannot be decided.
func TestBuild_HoleOfOneKindThatThePlaylistDenies(t *testing.T) {
	whole := layout{}.record(pictures(0, 9*second, pal, 75), nil, 3*second, 6*second)
	wantState(t, Build(Recording{Segments: []Segment{whole[0], whole[2]}}), Unknown, UnknownHole)
}

// TestBuild_OfTwoSegmentsNobodyKnowsTheStep of the numbers in their names.
func TestBuild_OfTwoSegmentsNobodyKnowsTheStep(t *testing.T) {
	whole := layout{}.record(pictures(0, 9*second, pal, 75), tones(0, 9*second), 3*second, 6*second)
	wantState(t, Build(Recording{Segments: []Segment{whole[0], whole[2]}}), Unknown, UnknownHole)
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
