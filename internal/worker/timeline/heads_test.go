// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"strings"
	"testing"
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
	segments := layout{}.record(without(video, 4*second, 4*second+1), tones(0, 10*second), borders...)
	wantState(t, Build(Recording{Segments: segments}), Damaged, SegmentTruncated)

	const still = interval * 13 / 10
	video = later(pictures(0, 10*second, interval, 6), 5*second, still)
	borders = []int64{2 * second, 4 * second, 5*second + interval*6/10, 6*second + still, 8*second + still}
	segments = layout{}.record(video, tones(0, 10*second+still), borders...)
	wantState(t, Build(Recording{Segments: segments}), Intact)
}
