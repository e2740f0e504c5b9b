// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

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

// TestBuild_ClosedGroupNeedsNothingBefore: pictures that are shown before the key frame of a recording need others only when the group is
// open.
func TestBuild_ClosedGroupNeedsNothingBefore(t *testing.T) {
	for name, test := range map[string]struct {
		key, leading bool // what is closed
		want         State
	}{
		"an IDR picture":               {true, false, Intact},
		"leading pictures that say so": {false, true, Intact},
		"an open group":                {false, false, Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			video := pictures(0, 4*second, pal, 25)
			video[0].PTS, video[1].PTS, video[2].PTS = video[2].PTS, video[0].PTS, video[1].PTS
			video[0].Closed, video[1].Closed, video[2].Closed = test.key, test.leading, test.leading
			made := Build(Recording{Segments: layout{running: true}.record(video, tones(0, 4*second), 2*second)})
			if made.State() != test.want || (len(made.Undecodable) > 0) != (test.want == Unknown) {
				t.Errorf("%s: %v, %v", made.State(), made.Findings, made.Undecodable)
			}
		})
	}
}

// withoutKeys says of the pictures of segments in [from, to) that none is a key frame.
func withoutKeys(segments []Segment, from, to int) []Segment {
	for i := from; i < to; i++ {
		change(&segments[i], media.Video, func(packets []media.Packet) []media.Packet {
			for k := range packets {
				packets[k].Key = false
			}
			return packets
		})
	}
	return segments
}

// TestBuild_ClockWithoutKeyFrame: decoding shows whether the pictures of the first clock can be shown. A decoder goes on to a later one with
// the pictures that it has.
func TestBuild_ClockWithoutKeyFrame(t *testing.T) {
	for name, test := range map[string]struct {
		from, to int
		want     Stretch
		decoding bool
	}{
		"the only one":  {0, 8, Stretch{0, 8 * second}, true},
		"the first one": {0, 4, Stretch{0, 8 * second}, true},
		"the second":    {4, 8, Stretch{8 * second, 16 * second}, false},
	} {
		t.Run(name, func(t *testing.T) {
			built := Build(Recording{Segments: withoutKeys(twoClocks(true), test.from, test.to)})
			wantState(t, built, Unknown, UnknownHole)
			if len(built.Keyless) != 1 || distance(built.Keyless[0].From, test.want.From) > pal || distance(built.Keyless[0].To, test.want.To) > pal {
				t.Errorf("the stretches are %v, want %v", built.Keyless, test.want)
			}
			if found := built.Findings[0]; found.Keyless != test.decoding || found.Keyless != (found.Decoding != "") {
				t.Errorf("%+v", found)
			}
			keyless := 0
			for _, part := range built.Split() {
				keyless += len(part.Keyless)
			}
			if keyless != 1 {
				t.Errorf("%d parts have pictures without key frames", keyless)
			}
		})
	}
}
