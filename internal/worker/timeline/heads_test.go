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
