// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

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
