// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
)

// TestCallbacks_SourcesBeyondTheBoundAreNotPassed: callbacks are sent to so many sources, and the checks say that others were
// not checked.
func TestCallbacks_SourcesBeyondTheBoundAreNotPassed(t *testing.T) {
	for _, more := range []int{0, 1, 10} {
		g := &gatherer{Options: Options{URL: "https://recordings.example.com"}, snapshot: &doctor.Snapshot{}}
		for i := range maxSources + more {
			source := v1alpha1.RecordingSource{}
			source.Namespace, source.Name = "media", fmt.Sprintf("classroom-%d", i)
			source.Spec.Callback.Authentication = v1alpha1.AuthenticationNone
			g.snapshot.Sources.Value = append(g.snapshot.Sources.Value, source)
		}
		g.callbacks(t.Context())
		told := 0
		for _, finding := range doctor.Examine(g.snapshot, doctor.Checks).Findings {
			if finding.Level == doctor.Warning && strings.Contains(finding.Message, "Not checked: all but the first 50 RecordingSources") {
				told++
			}
		}
		if want := 2 * min(more, 1); told != want {
			t.Errorf("%d sources too many: told %d times, want %d", more, told, want)
		}
	}
}

// TestFirst_MarksACutList: a list that was cut is examined, and does not pass.
func TestFirst_MarksACutList(t *testing.T) {
	for _, goesOn := range []string{"", "token"} {
		files := v1alpha1.RecordingFileList{Items: make([]v1alpha1.RecordingFile, 1)}
		files.Continue = goesOn
		snapshot := &doctor.Snapshot{Now: time.Date(2026, 4, 28, 9, 0, 0, 0, time.UTC), Unfinished: first(read(files.Items, nil, ""), &files, "RecordingFiles that are not done")}
		old, cut := false, false
		for _, finding := range doctor.Examine(snapshot, doctor.Checks).Findings {
			old = old || finding.Check == "unfinished" && strings.Contains(finding.Message, "Pending for more than a day")
			cut = cut || finding.Check == "unfinished" && strings.Contains(finding.Message, "Not checked: all but the first 5000")
		}
		if !old || cut != (goesOn != "") {
			t.Errorf("goes on: %q: old %v, cut %v", goesOn, old, cut)
		}
	}
}
