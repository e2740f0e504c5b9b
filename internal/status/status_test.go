// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func complete() *v1alpha1.RecordingFile {
	return &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Name: "f", Generation: 3}}
}

func inStates(states ...v1alpha1.StepState) []v1alpha1.StepStatus {
	var all []v1alpha1.StepStatus
	for i, state := range states {
		s := v1alpha1.StepStatus{Name: string(rune('a' + i)), State: state}
		if state == v1alpha1.StepFailed {
			s.Reason, s.Message = "NotFound", "no such object"
		}
		all = append(all, s)
	}
	return all
}

func TestCompute(t *testing.T) {
	pipeline := &v1alpha1.PipelineSnapshot{Name: "p", Revision: "p-1"}
	tests := map[string]struct {
		seen Observation
		// ready is "status/reason", stalled its reason, message what Ready's message holds.
		ready, processed, stalled, message string
	}{
		"what passes needs nobody": {
			seen:  Observation{File: complete(), Blocked: &Problem{Reason: "Queued", Message: "not yet", Passing: true}},
			ready: "False/Queued", processed: "False/Queued", message: "not yet",
		},
		"skipped": {seen: Observation{File: complete()}, ready: "True/Skipped", processed: "False/Skipped"},
		"suspended before it began": {
			seen:  Observation{File: func() *v1alpha1.RecordingFile { f := complete(); f.Spec.Suspend = true; return f }()},
			ready: "False/Suspended", processed: "False/Suspended",
		},
		"blocked": {
			seen:  Observation{File: complete(), Blocked: &Problem{Reason: "PipelineNotFound", Message: "no pipeline x"}},
			ready: "False/Failed", processed: "False/PipelineNotFound", stalled: "PipelineNotFound", message: "no pipeline x",
		},
		"processing": {
			seen:  Observation{File: complete(), Pipeline: pipeline, Input: "i", Steps: inStates(v1alpha1.StepRunning, v1alpha1.StepPending)},
			ready: "False/Processing", processed: "False/Processing", message: "running: a",
		},
		"processing goes on beside a failed step": {
			seen:  Observation{File: complete(), Pipeline: pipeline, Input: "i", Steps: inStates(v1alpha1.StepFailed, v1alpha1.StepRunning)},
			ready: "False/Processing", processed: "False/Processing",
		},
		"queued": {
			seen:  Observation{File: complete(), Pipeline: pipeline, Input: "i", Steps: inStates(v1alpha1.StepPending)},
			ready: "False/Queued", processed: "False/Queued",
		},
		"a step that cannot go on": {
			seen: Observation{File: complete(), Pipeline: pipeline, Input: "i", Steps: inStates(v1alpha1.StepRunning),
				StepProblems: map[string]Problem{"a": {Reason: "BucketNotAllowed", Message: "bucket x"}}},
			ready: "False/Failed", processed: "False/BucketNotAllowed", stalled: "BucketNotAllowed", message: `step "a": bucket x`,
		},
		"a Job that could not be created yet needs nobody": {
			seen: Observation{File: complete(), Pipeline: pipeline, Input: "i", Steps: inStates(v1alpha1.StepRunning),
				StepProblems: map[string]Problem{"a": {Reason: "Queued", Message: "not yet", Passing: true}}},
			ready: "False/Queued", processed: "False/Queued",
		},
		"succeeded": {
			seen:  Observation{File: complete(), Pipeline: pipeline, Input: "i", Steps: inStates(v1alpha1.StepSucceeded, v1alpha1.StepSucceeded)},
			ready: "True/Succeeded", processed: "True/Succeeded", message: "2 of 2",
		},
		"failed": {
			seen:  Observation{File: complete(), Pipeline: pipeline, Input: "i", Steps: inStates(v1alpha1.StepFailed, v1alpha1.StepSkipped)},
			ready: "False/Failed", processed: "False/StepFailed", stalled: "StepFailed", message: `step "a" failed with NotFound; see status.steps`,
		},
		"an optional step may fail": {
			seen:  Observation{File: complete(), Pipeline: pipeline, Input: "i", Optional: []string{"a"}, Steps: inStates(v1alpha1.StepFailed, v1alpha1.StepSucceeded)},
			ready: "True/Succeeded", processed: "True/Succeeded", message: "1 of 2",
		},
		"but not what a required step depends on": {
			seen:  Observation{File: complete(), Pipeline: pipeline, Input: "i", Optional: []string{"a"}, Steps: inStates(v1alpha1.StepFailed, v1alpha1.StepSkipped)},
			ready: "False/Failed", processed: "False/StepFailed", stalled: "StepFailed", message: `step "b": skipped`,
		},
		"grown": {
			seen: Observation{File: func() *v1alpha1.RecordingFile { f := complete(); f.Status.Run = 1; f.Status.Input = "old"; return f }(),
				Pipeline: pipeline, Input: "new", Steps: inStates(v1alpha1.StepRunning)},
			ready: "False/Processing", processed: "False/Processing", message: "run 2: the file grew",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.seen.Now = now
			got := Compute(test.seen)
			for kind, want := range map[string]string{
				v1alpha1.ConditionReady: test.ready, v1alpha1.ConditionProcessed: test.processed,
			} {
				c := meta.FindStatusCondition(got.Conditions, kind)
				if c == nil {
					t.Fatalf("no condition %s", kind)
				}
				if have := string(c.Status) + "/" + c.Reason; have != want {
					t.Errorf("%s is %s, want %s", kind, have, want)
				}
				if c.ObservedGeneration != test.seen.File.Generation {
					t.Errorf("%s observes generation %d", kind, c.ObservedGeneration)
				}
			}
			stalled := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionStalled)
			if (stalled == nil) != (test.stalled == "") || stalled != nil && stalled.Reason != test.stalled {
				t.Errorf("Stalled is %+v, want %q", stalled, test.stalled)
			}
			if ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady); !strings.Contains(ready.Message, test.message) {
				t.Errorf("message is %q, want one with %q", ready.Message, test.message)
			}
		})
	}
}

func TestComputeIsAFixedPoint(t *testing.T) {
	file := complete()
	seen := Observation{File: file, Pipeline: &v1alpha1.PipelineSnapshot{Name: "p", Revision: "p-1"}, Input: "i",
		Steps: inStates(v1alpha1.StepFailed, v1alpha1.StepSucceeded, v1alpha1.StepRunning), Now: now}
	seen.Steps[0].Integrity, seen.Steps[1].Integrity = integrity(v1alpha1.IntegrityDamaged, 12), integrity(v1alpha1.IntegrityUnknown, 12)
	file.Status = Compute(seen)
	seen.Now, seen.Steps = now.Add(time.Hour), file.Status.Steps // what ended is taken from the status
	if diff := cmp.Diff(file.Status, Compute(seen)); diff != "" {
		t.Errorf("a second look at the same changes the status (-first +second):\n%s", diff)
	}
}

// The API server refuses a status with a longer message as a whole, and then nobody learns anything: an admission webhook
// may need many words to say why it refuses a Job.
func TestLongMessagesAreCut(t *testing.T) {
	const most, mostOfCondition = 1024, 512 // bytes
	words := strings.Repeat("é", 2*most)
	states := make([]v1alpha1.StepState, 16)
	for i := range states {
		states[i] = v1alpha1.StepFailed
	}
	failed := inStates(states...)
	for i := range failed {
		failed[i].Message = words
	}
	pending := inStates(v1alpha1.StepPending)
	for name, seen := range map[string]Observation{
		"refused": {Steps: pending, StepProblems: map[string]Problem{"a": {Reason: v1alpha1.ReasonQueued, Message: words, Passing: true}}},
		"failed":  {Steps: failed},
	} {
		seen.File, seen.Pipeline, seen.Input, seen.Now = complete(), &v1alpha1.PipelineSnapshot{}, "i", now
		got := Compute(seen)
		for _, step := range got.Steps {
			if length := len(step.Message); length > most || length < most-1 || !utf8.ValidString(step.Message) || !strings.HasSuffix(step.Message, "é...") {
				t.Errorf("%s: a step's message of %d bytes", name, length)
			}
		}
		for _, condition := range got.Conditions {
			if length := len(condition.Message); length > mostOfCondition || !utf8.ValidString(condition.Message) {
				t.Errorf("%s: a message of %d bytes in %s", name, length, condition.Type)
			}
		}
	}
}

func TestCompute_SummaryIsForPeople(t *testing.T) {
	facts := recording.Facts{Room: "room01", Stream: "camera", Format: "HLS", IgnoredFields: []string{"width"},
		RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: 26254952, DurationSeconds: 65, Width: 1280, Height: 720}}
	seen := Observation{File: complete(), Facts: facts, TaskIDs: []string{"t"}, Pipeline: &v1alpha1.PipelineSnapshot{}, Input: "i",
		Steps: inStates(v1alpha1.StepSucceeded, v1alpha1.StepRunning), Now: now}
	want := &v1alpha1.FileSummary{Room: "room01", Stream: "camera", Format: "HLS", Duration: "1m5s", Size: "25.0MiB", Resolution: "1280x720", Progress: "1/2"}
	got := Compute(seen)
	if diff := cmp.Diff(want, got.Summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]string{{"width"}, {"t"}}, [][]string{got.IgnoredFields, got.TaskIDs}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, test := range map[string]struct {
		change func(*Observation)
		want   string
	}{
		"the step's reason":      {func(o *Observation) { o.Steps = inStates(v1alpha1.StepFailed) }, "NotFound"},
		"an optional step's":     {func(o *Observation) { o.Steps, o.Optional = inStates(v1alpha1.StepFailed), []string{"a"} }, ""},
		"why it cannot begin":    {func(o *Observation) { o.Blocked = &Problem{Reason: "PipelineNotFound"} }, "PipelineNotFound"},
		"nothing while it waits": {func(o *Observation) { o.Blocked = &Problem{Reason: "Queued", Passing: true} }, ""},
	} {
		changed := seen
		test.change(&changed)
		if got := Compute(changed).Summary.Reason; got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// A file that is done shows what is known of it now, and nothing else changes.
func TestKeep_ShowsTheFactsAsTheyAre(t *testing.T) {
	file := complete()
	facts := recording.Facts{Room: "a"}
	file.Status = Compute(Observation{File: file, Facts: facts, TaskIDs: []string{"t"}, Pipeline: &v1alpha1.PipelineSnapshot{}, Input: "i",
		Steps: inStates(v1alpha1.StepFailed), Now: now})
	if diff := cmp.Diff(file.Status, Keep(file, facts)); diff != "" {
		t.Errorf("a look at the same changes the status (-first +second):\n%s", diff)
	}
	file.Generation = 9
	facts.Room, facts.IgnoredFields = "b", []string{"width"}
	kept := Keep(file, facts)
	if kept.ObservedGeneration != 9 || kept.Conditions[0].ObservedGeneration != 9 || kept.Summary.Room != "b" || kept.Summary.Progress != "0/1" ||
		kept.Summary.Reason != "NotFound" || len(kept.IgnoredFields) != 1 || len(kept.TaskIDs) != 1 {
		t.Errorf("%+v of %+v", kept, kept.Summary)
	}
	if file.Status.ObservedGeneration == 9 || file.Status.Summary.Room != "a" {
		t.Error("the file's own status was changed")
	}
}
