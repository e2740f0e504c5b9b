// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_UnstuffedTailProvesNothingAlone: one whole packet in 184 fills its transport packet, and the pictures stand still
// behind it.
func TestBuild_UnstuffedTailProvesNothingAlone(t *testing.T) {
	video := without(pictures(0, 10*second, pal, 50), 3*second, 4*second)
	tests := map[string]struct {
		recorder layout
		sound    []media.Packet
		edit     func(next *Segment)
	}{
		"counters restart, sound goes on": {sound: tones(0, 10*second)},
		"counters restart, no sound":      {},
		"counters go on":                  {recorder: layout{running: true}, sound: tones(0, 10*second)},
		"a tag before the next segment": {recorder: layout{running: true}, edit: func(next *Segment) {
			next.Discontinuity = true
		}},
		"another camera, sound goes on": {recorder: layout{running: true}, sound: tones(0, 10*second), edit: func(next *Segment) {
			stream(next, media.Video).ID = 290
		}},
		"another camera, no sound": {recorder: layout{running: true}, edit: func(next *Segment) {
			stream(next, media.Video).ID = 290
		}},
		"another call": {sound: without(tones(0, 10*second), 3*second, 4*second), edit: func(next *Segment) {
			stream(next, media.Video).ID, stream(next, media.Audio).ID = 290, 291
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			segments := test.recorder.record(video, test.sound, each(0, 2*second, 5)...)
			stream(&segments[1], media.Video).Tail = media.TailUnstuffed
			if test.edit != nil {
				test.edit(&segments[2])
			}
			wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
		})
	}
}

// TestBuild_UnstuffedTailBeforeATag: the camera and the sound stop before a tag, behind which the clock and the counters go on.
func TestBuild_UnstuffedTailBeforeATag(t *testing.T) {
	for _, running := range []bool{true, false} {
		segments := layout{running: running}.record(without(pictures(0, 10*second, pal, 50), 3*second, 4*second), without(tones(0, 10*second), 3*second, 4*second),
			2*second, 4*second, 6*second)
		segments[2].Discontinuity = true
		stream(&segments[1], media.Video).Tail = media.TailUnstuffed
		made := Build(Recording{Segments: segments})
		if state := made.State(); (state == Damaged) == running {
			t.Errorf("counters go on %v: %s\n%s", running, state, list(made))
		}
	}
}

// TestBuild_UnstuffedTailBeforeAnotherLayout: picture and sound end together, and the next segment, which the recorder begins for the
// camera, names no sound.
func TestBuild_UnstuffedTailBeforeAnotherLayout(t *testing.T) {
	segments := layout{}.record(without(pictures(0, 10*second, pal, 50), 3*second, 6*second), tones(0, 3*second), 2*second, 6*second)
	for i := range segments {
		segments[i].File.Streams = slices.DeleteFunc(segments[i].File.Streams, func(s media.Stream) bool { return i == 2 && s.Kind == media.Audio })
	}
	stream(&segments[1], media.Video).Tail = media.TailUnstuffed
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
}

// TestBuild_UnstuffedTailBeforeALoss: a packet that may be whole hides no other evidence.
func TestBuild_UnstuffedTailBeforeALoss(t *testing.T) {
	segments := layout{}.record(pictures(0, 14*second, pal, 50), nil, each(0, 2*second, 7)...)
	stream(&segments[2], media.Video).Tail = media.TailUnstuffed
	made := Build(Recording{Segments: drop(segments, 3)})
	wantState(t, made, Damaged, SegmentMissing)
}

// TestBuild_SilenceThatEndsAtTheBorder: a file that is cut while the picture stands still lacks sound alone. A recorder that waits
// for the sound makes a longer segment.
func TestBuild_SilenceThatEndsAtTheBorder(t *testing.T) {
	muted := without(tones(0, 20*second), 14*second+second/4, 15*second+second/4) // it is not the only silence
	var shown []int64
	for _, p := range later(pictures(0, 15*second, pal, 50), 4*second+second/2+2*pal, 5*second) {
		shown = append(shown, p.PTS)
	}
	shown = shown[:len(shown)/4*4]
	for name, c := range map[string]struct {
		video, audio []media.Packet
		borders      []int64
		state        State
	}{
		"of reordered pictures": {reordered(shown), without(muted, 4*second+second/2, 6*second), each(0, 2*second, 10), Unknown},
		"of a segment of sound": {without(pictures(0, 20*second, pal, 50), 3*second, 9*second), without(muted, 5*second, 6*second), each(0, 2*second, 10), Unknown},
		"with the picture":      {without(pictures(0, 20*second, pal, 50), 4*second+second/2, 9*second), without(muted, 4*second+second/2, 6*second), each(0, 2*second, 10), Unknown},
		"of a longer segment":   {without(pictures(0, 20*second, pal, 50), 3*second, 9*second), without(muted, 5*second, 7*second), []int64{2 * second, 4 * second, 7 * second, 9 * second, 11 * second, 13 * second}, Intact},
		"within a segment":      {without(pictures(0, 20*second, pal, 50), 3*second, 9*second), without(muted, 5*second, 6*second+second/2), each(0, 2*second, 10), Intact},
	} {
		t.Run(name, func(t *testing.T) {
			wantState(t, Build(Recording{Segments: layout{}.record(c.video, c.audio, c.borders...)}), c.state)
		})
	}
}

// TestBuild_SoundInTheMiddleOfWhatIsLost: a segment without its pictures begins with them by the playlist, not with the sound that
// comes later and ends before.
func TestBuild_SoundInTheMiddleOfWhatIsLost(t *testing.T) {
	sound := slices.Concat(tones(0, second), tones(5*second, 6*second), tones(8*second, 12*second))
	video := pictures(3*second, 12*second, pal, 125)
	segments := layout{}.record(video, sound, 3*second, 8*second)
	segments[1].File.Streams[0] = emptyStream(media.Video)
	made := Build(Recording{Segments: reset(segments, 2, 50*second, true)})
	wantState(t, made, Damaged, SegmentTruncated)
	wantTimes(t, made, media.Video, video[125:], 0)
}

// TestBuild_SoundGoesOnBehindAnUnstuffedTail: the picture stands still from the border on, and nothing of the file is cut.
func TestBuild_SoundGoesOnBehindAnUnstuffedTail(t *testing.T) {
	video := without(pictures(0, 12*second, pal, 50), 4*second, 7*second)
	segments := layout{}.record(video, tones(0, 12*second), 4*second, 8*second)
	segments[0].File.Streams[0].Tail = media.TailUnstuffed
	made := Build(Recording{Segments: segments})
	wantState(t, made, Unknown, UnknownHole)
}

// TestBuild_OfTwoSegmentsAnotherMayBeMissing: the pictures of the second are decoded right behind those of the first, but shown long
// after the playlist has the first one end, and the numbers in the names jump.
func TestBuild_OfTwoSegmentsAnotherMayBeMissing(t *testing.T) {
	var shown []int64
	for _, p := range later(pictures(0, 4*second, pal, 20), 20*pal, 11*second) {
		shown = append(shown, p.PTS)
	}
	video := reordered(shown)
	first := layout{}.record(video[:20], tones(0, 3*second))[0]
	second := layout{}.record(video[20:], nil)[0]
	first.Name, first.Duration, second.Name = "seg0.ts", 6*media.Clock, "seg2.ts"
	wantState(t, Build(Recording{Segments: []Segment{first, second}}), Unknown, UnknownHole)
	second.Name = "seg1.ts"
	wantState(t, Build(Recording{Segments: []Segment{first, second}}), Intact)
}

// TestBuild_FewStillsAreNoHabit: two stills at the ends of segments do not say that the pictures of the last one stood still, too;
// three among five do.
func TestBuild_FewStillsAreNoHabit(t *testing.T) {
	for _, test := range []struct {
		segments int64
		stills   []int64
		want     State
		findings []Type
	}{
		{4, []int64{0, 1, 3}, Unknown, []Type{UnknownTail}},
		{6, []int64{0, 1, 2, 5}, Intact, nil},
	} {
		video := pictures(0, test.segments*2*second, pal, 5)
		for _, still := range test.stills {
			video = without(video, still*2*second+second, (still+1)*2*second)
		}
		segments := layout{}.record(video, nil, each(0, 2*second, int(test.segments))...)
		segments[test.segments-1].Duration = 2*second + 1 // no nominal one
		wantState(t, Build(Recording{Segments: segments}), test.want, test.findings...)
	}
}

// TestBuild_WholeSecondsRoundedToTheNearest: the last segment lost half a second of its end. Other durations that are too short
// tell that whole seconds are not rounded up, which would explain as much.
func TestBuild_WholeSecondsRoundedToTheNearest(t *testing.T) {
	const end = 92 * second / 10 // 2.3, 2.3, 2.0 and 2.6 s
	video, sound := pictures(0, end, pal, 50), tones(0, end)
	for _, up := range []bool{false, true} {
		segments := layout{precision: second, up: up}.record(video, sound, 23*second/10, 46*second/10, 66*second/10)
		segments[3].Duration = 3 * second
		wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
		lost := end - second/2
		for kind, packets := range map[media.Kind][]media.Packet{media.Video: video, media.Audio: sound} {
			whole := stream(&segments[3], kind).Packets.Count
			keep(&segments[3], kind, 0, whole-len(packets)+len(without(packets, lost, end)))
		}
		made := Build(Recording{Segments: segments})
		if state := made.State(); (state == Damaged) == up {
			t.Errorf("rounded up %v: %s\n%s", up, state, list(made))
		}
	}
}

// TestBuild_CutBehindTwoUnevenPictures: the two pictures that are left of a cut segment lie further apart than those before it, and the
// sound is silent elsewhere, too.
func TestBuild_CutBehindTwoUnevenPictures(t *testing.T) {
	const slow = second * 32 / 100
	video := without(pictures(0, 12*second, slow, 6), 3*second+second/10, 4*second)
	video = without(video, 2*second+second*3/10, 2*second+second*6/10)
	sound := without(without(tones(0, 12*second), 3*second, 4*second), 8*second+second/2, 9*second)
	made := Build(Recording{Segments: layout{precision: second}.record(video, sound, each(0, 2*second, 6)...)})
	if made.State() == Intact {
		t.Error(list(made))
	}
}
