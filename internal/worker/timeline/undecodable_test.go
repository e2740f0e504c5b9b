// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"testing"
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
