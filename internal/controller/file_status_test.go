// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// failedFile is what was gathered for a file whose one step has failed.
func failedFile(facts recording.Facts) *gathered {
	file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Generation: 3}, Spec: v1alpha1.RecordingFileSpec{TaskIDs: []string{"t"}}}
	return &gathered{file: file, facts: facts, Observation: pipeline.Observation{
		Generation: 3, Input: facts.Digest(), Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Pipeline: &pipeline.Snapshot{Spec: &v1alpha1.RecordingPipelineSpec{Steps: []v1alpha1.Step{{Name: "a"}}}},
		Recorded: v1alpha1.ProcessingStatus{Input: facts.Digest(), Run: 1, Steps: []v1alpha1.StepStatus{{Name: "a", State: v1alpha1.StepFailed, Reason: "NotFound"}}},
	}}
}

func statusAfter(seen *gathered) v1alpha1.RecordingFileStatus {
	return fileStatus(seen, pipeline.Decide(&seen.Observation).Status(pipeline.Outcome{}))
}

func TestFileStatus_SummaryIsForPeople(t *testing.T) {
	facts := recording.Facts{Room: "room", Stream: "camera", Format: "HLS",
		RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: 26254952, DurationSeconds: 65, Width: 1280, Height: 720}}
	want := &v1alpha1.FileSummary{Room: "room", Stream: "camera", Format: "HLS", Duration: "1m5s", Size: "25.0MiB", Resolution: "1280x720",
		Progress: "0/1", Reason: "NotFound"}
	if diff := cmp.Diff(want, statusAfter(failedFile(facts)).Summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	blocked := failedFile(recording.Facts{})
	blocked.Pipeline, blocked.Recorded, blocked.Blocked = nil, v1alpha1.ProcessingStatus{}, &pipeline.Problem{Reason: v1alpha1.ReasonPipelineNotFound}
	if diff := cmp.Diff(&v1alpha1.FileSummary{Reason: v1alpha1.ReasonPipelineNotFound}, statusAfter(blocked).Summary); diff != "" {
		t.Errorf("nothing is known (-want +got):\n%s", diff)
	}
}

func TestKeptStatus_ShowsTheFactsAsTheyAre(t *testing.T) {
	seen := failedFile(recording.Facts{Room: "a"})
	seen.file.Status = statusAfter(seen)
	if diff := cmp.Diff(seen.file.Status, keptStatus(seen)); diff != "" {
		t.Errorf("a look at the same changes the status (-first +second):\n%s", diff)
	}
	seen.file.Generation = 9
	seen.facts.Room, seen.facts.IgnoredFields = "b", []string{"width"}
	kept := keptStatus(seen)
	if kept.ObservedGeneration != 9 || kept.Conditions[0].ObservedGeneration != 9 || kept.Summary.Room != "b" || kept.Summary.Progress != "0/1" ||
		kept.Summary.Reason != "NotFound" || len(kept.IgnoredFields) != 1 || len(kept.TaskIDs) != 1 {
		t.Errorf("%+v of %+v", kept, kept.Summary)
	}
	if seen.file.Status.ObservedGeneration == 9 || seen.file.Status.Summary.Room != "a" {
		t.Error("the file's own status was changed")
	}
}

// TestFileStatus_SaysThatALateEditChangesNothing: pipelineRef decides before processing begins, and not after that.
func TestFileStatus_SaysThatALateEditChangesNothing(t *testing.T) {
	seen := failedFile(recording.Facts{})
	seen.file.Name, seen.Pipeline.Name = "lecture-1", "lecture"
	seen.file.Spec.PipelineRef = &v1alpha1.LocalReference{Name: "preview"}
	changed := func(status v1alpha1.RecordingFileStatus) *metav1.Condition {
		return meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionPipelineChanged)
	}
	seen.file.Status = statusAfter(seen)
	for name, status := range map[string]v1alpha1.RecordingFileStatus{"while it runs": seen.file.Status, "when it is over": keptStatus(seen)} {
		said := changed(status)
		if said == nil || said.Status != metav1.ConditionTrue || said.ObservedGeneration != 3 || !strings.Contains(said.Message, "kubectl recordings retry lecture-1") {
			t.Errorf("%s: %+v", name, said)
		}
	}
	seen.file.Spec.PipelineRef.Name = "lecture"
	if said := changed(keptStatus(seen)); said != nil {
		t.Errorf("the edit was taken back, and %+v stays", said)
	}
}
