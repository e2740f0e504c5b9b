// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package recording

import (
	"encoding/json"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// TestRecording_SurvivesItsFile: fetch writes it for process.
func TestRecording_SurvivesItsFile(t *testing.T) {
	data, err := json.Marshal(Recording{HLS: true, Lists: [][]Segment{{{Name: "a.ts", Seconds: 2, Rounding: 1e-6, Lost: true}, {Index: 1, Encrypted: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	var read Recording
	if err := json.Unmarshal(data, &read); err != nil || len(read.Lists[0]) != 2 || !read.Lists[0][0].Lost || read.Lists[0][1].Index != 1 {
		t.Errorf("%+v: %v", read, err)
	}
	made := read.Timeline(0, []*media.File{nil, {}}, 0)
	if made.State() != timeline.Damaged {
		t.Error("a lost segment is no damage")
	}
}
