// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_CountersGoOnOverSoundAlone: the pictures stand still for two segments of sound alone. That their counters go on behind
// these says that counters run on in this recording, so that the end of a later segment is known to be lost.
func TestBuild_CountersGoOnOverSoundAlone(t *testing.T) {
	video := slices.Concat(pictures(0, 2*second, pal, 25), later(pictures(0, 4*second, pal, 25), 0, 14*second))
	segments := layout{running: true}.record(video, tones(3*second, 7*second), 3*second, 5*second, 14*second, 16*second)
	wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
	keep(&segments[3], media.Video, 0, 15)
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)
}

// TestBuild_CountersOfTheTablesGoOn: the sound of the second of three segments is gone. One border at which the counters of the
// pictures go on is not enough; those of the tables say as well that counters run on in this recording.
func TestBuild_CountersOfTheTablesGoOn(t *testing.T) {
	video := pictures(0, 4*second, second/3, 6)
	segments := layout{running: true}.record(video, tones(second, 7*second), 2*second, 4*second)
	segments[1].File.Streams[1] = emptyStream(media.Audio)
	made := Build(Recording{Segments: clone(segments)})
	wantState(t, made, Damaged, PacketsLost)
	for i := range segments {
		segments[i].File.TableCounters = media.Counters{Known: true}
	}
	if state := Build(Recording{Segments: segments}).State(); state == Damaged {
		t.Error("counters that begin again in each segment are taken to run on")
	}
}
