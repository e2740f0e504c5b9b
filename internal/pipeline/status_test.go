// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// ended is an observation of a file whose steps have ended like this.
func ended(states ...v1alpha1.StepState) *Observation {
	var all []v1alpha1.Step
	var recorded []v1alpha1.StepStatus
	for i, state := range states {
		name := string(rune('a' + i))
		all, recorded = append(all, step(name)), append(recorded, inState(name, state))
	}
	return observation(all).with(recorded...)
}

func (o *Observation) optional(name string) *Observation {
	for i := range o.Pipeline.Spec.Steps {
		o.Pipeline.Spec.Steps[i].Optional = o.Pipeline.Spec.Steps[i].Name == name
	}
	return o
}

func (o *Observation) background(name string) *Observation {
	for i := range o.Pipeline.Spec.Steps {
		o.Pipeline.Spec.Steps[i].Background = o.Pipeline.Spec.Steps[i].Name == name
	}
	return o
}

func TestStatus(t *testing.T) {
	none := func(change ...func(*Observation)) *Observation {
		seen := &Observation{Generation: 3, Input: "in", Now: now}
		for _, each := range change {
			each(seen)
		}
		return seen
	}
	refused := map[string]Problem{"a": {Reason: v1alpha1.ReasonQueued, Message: "not yet", Passing: true}}
	invalid := map[string]Problem{"a": {Reason: v1alpha1.ReasonJobInvalid, Message: "no such class"}}
	tests := map[string]struct {
		seen     *Observation
		problems map[string]Problem
		// ready and processed are "status/reason", stalled its reason, message a part of Ready's, and short the summary's
		// reason.
		ready, processed, stalled, message, short string
	}{
		"skipped":                   {seen: none(), ready: "True/Skipped", processed: "False/Skipped"},
		"suspended before it began": {seen: none(func(o *Observation) { o.Suspend = true }), ready: "False/Suspended", processed: "False/Suspended"},
		"blocked": {seen: none(func(o *Observation) { o.Blocked = &Problem{Reason: "PipelineNotFound", Message: "no pipeline x"} }),
			ready: "False/Failed", processed: "False/PipelineNotFound", stalled: "PipelineNotFound", message: "no pipeline x", short: "PipelineNotFound"},
		"blocked, and it passes": {seen: none(func(o *Observation) { o.Blocked = &Problem{Reason: "Queued", Message: "not yet", Passing: true} }),
			ready: "False/Queued", processed: "False/Queued", message: "not yet"},
		"processing": {seen: observation(steps(step("a"), step("b", "a"))), ready: "False/Processing", processed: "False/Processing", message: "running: a"},
		"processing goes on beside a failed step": {seen: observation(steps(step("a"), step("b")), child("a", fails), child("b")),
			ready: "False/Processing", processed: "False/Processing"},
		"suspended": {seen: observation(steps(step("a")), child("a")).suspended(), ready: "False/Suspended", processed: "False/Suspended"},
		"a queue suspends it": {seen: observation(steps(step("a")), child("a", func(c *Child) { c.Suspended = true })),
			ready: "False/Queued", processed: "False/Queued", message: "waiting: a"},
		"a step that cannot go on": {seen: observation(steps(step("hindered"))), ready: "False/Failed", processed: "False/BucketNotAllowed",
			stalled: "BucketNotAllowed", message: `step "hindered": bucket x`, short: "BucketNotAllowed"},
		"a Job that could not be created yet needs nobody": {seen: observation(steps(step("a"))), problems: refused, ready: "False/Queued", processed: "False/Queued"},
		"a Job that the API server refuses": {seen: observation(steps(step("a"))), problems: invalid, ready: "False/Failed", processed: "False/JobInvalid",
			stalled: "JobInvalid", message: "no such class", short: "JobInvalid"},
		"succeeded": {seen: ended(succeeded, succeeded), ready: "True/Succeeded", processed: "True/Succeeded", message: "2 of 2"},
		"failed": {seen: ended(failed, skipped), ready: "False/Failed", processed: "False/StepFailed", stalled: "StepFailed",
			message: `step "a" failed with NotFound; see status.steps`, short: "NotFound"},
		"an optional step may fail": {seen: ended(failed, succeeded).optional("a"), ready: "True/PartlySucceeded", processed: "True/PartlySucceeded",
			message: `1 of 2 steps succeeded; optional step "a" failed with NotFound`, short: "NotFound"},
		"when every optional step failed, so did the file": {seen: ended(failed).optional("a"), ready: "False/Failed", processed: "False/StepFailed",
			stalled: "StepFailed", message: "no step succeeded", short: "NotFound"},
		"a step that has nothing to do is no failure": {seen: observation(steps(step("a"), step("b"), step("c", "b")), child("a", succeeds), child("b", hasNothingToDo)),
			ready: "True/Succeeded", processed: "True/Succeeded", message: "1 of 1 steps succeeded, 2 skipped"},
		"the file is ready while a step in the background runs": {seen: observation(steps(step("a"), step("b")), child("a", succeeds), child("b")).background("b"),
			ready: "True/Succeeded", processed: "False/Processing", message: "1 of 2 steps succeeded; in the background: b"},
		"but not before the others": {seen: observation(steps(step("a"), step("b")), child("a"), child("b", succeeds)).background("b"),
			ready: "False/Processing", processed: "False/Processing", message: "running: a"},
		"a failure in the background is said": {seen: ended(succeeded, failed).background("b"), ready: "True/PartlySucceeded", processed: "False/StepFailed",
			stalled: "StepFailed", message: `in the background step "b" failed with NotFound`, short: "NotFound"},
		"a hindrance in the background is said": {seen: observation(steps(step("a"), step("hindered")), child("a", succeeds)).background("hindered"),
			ready: "True/PartlySucceeded", processed: "False/BucketNotAllowed", stalled: "BucketNotAllowed", message: `step "hindered": bucket x`, short: "BucketNotAllowed"},
		"an optional failure in the background is said": {seen: ended(succeeded, failed).background("b").optional("b"),
			ready: "True/PartlySucceeded", processed: "True/PartlySucceeded", message: `in the background optional step "b"`, short: "NotFound"},

		"but not what a required step depends on": {seen: ended(failed, skipped).optional("a"), ready: "False/Failed", processed: "False/StepFailed",
			stalled: "StepFailed", message: `step "b" was skipped`, short: "StepFailed"},
		"changed": {seen: func() *Observation { o := ended(succeeded); o.Recorded.Input = "old"; return o }(),
			ready: "False/Processing", processed: "False/Processing", message: "run 2: the recording changed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Decide(test.seen).Status(Outcome{Problems: test.problems})
			for kind, want := range map[string]string{v1alpha1.ConditionReady: test.ready, v1alpha1.ConditionProcessed: test.processed} {
				c := meta.FindStatusCondition(got.Conditions, kind)
				if c == nil {
					t.Fatalf("no condition %s", kind)
				}
				if have := string(c.Status) + "/" + c.Reason; have != want {
					t.Errorf("%s is %s, want %s", kind, have, want)
				}
				if c.ObservedGeneration != test.seen.Generation {
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
			if got.Reason != test.short {
				t.Errorf("the reason in the summary is %q, want %q", got.Reason, test.short)
			}
		})
	}
}

// TestStatus_SaysWhatWasCreated: a Job that was there already has begun before.
func TestStatus_SaysWhatWasCreated(t *testing.T) {
	created := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "job-a", CreationTimestamp: metav1.NewTime(now.Add(-time.Hour))}}
	got := Decide(observation(steps(step("a"), step("b", "a")))).Status(Outcome{Created: map[string]*batchv1.Job{"a": created}})
	if a := got.Steps[0]; a.JobName != "job-a" || !a.StartTime.Equal(&created.CreationTimestamp) || a.Attempts != 1 {
		t.Errorf("%+v", a)
	}
	if got.Progress != "0/2" || got.Run != 1 || got.Pipeline.Revision != "p-1" {
		t.Errorf("%+v", got)
	}
}

// TestStatus_BlockedTakesNothingBack of what was done for the same facts.
func TestStatus_BlockedTakesNothingBack(t *testing.T) {
	seen := ended(succeeded, running)
	seen.Pipeline, seen.Blocked = nil, &Problem{Reason: v1alpha1.ReasonPipelineNotFound}
	got := Decide(seen).Status(Outcome{})
	if diff := cmp.Diff(seen.Recorded, got.ProcessingStatus); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	seen.Input = "grown"
	if got := Decide(seen).Status(Outcome{}); got.Steps != nil || got.Input != "" || got.Run != 1 {
		t.Errorf("steps of other facts: %+v", got)
	}
}

func TestStatus_IsAFixedPoint(t *testing.T) {
	seen := observation(steps(step("a"), step("b"), step("c")), child("a", fails), child("b", succeeds), child("c"))
	seen.Children[0].Result.Integrity, seen.Children[1].Result.Integrity = integrity(v1alpha1.IntegrityDamaged, 12), integrity(v1alpha1.IntegrityUnknown, 12)
	first := Decide(seen).Status(Outcome{})
	seen.Recorded, seen.Conditions, seen.Now = first.ProcessingStatus, first.Conditions, now.Add(time.Hour)
	if diff := cmp.Diff(first, Decide(seen).Status(Outcome{})); diff != "" {
		t.Errorf("a second look at the same changes the status (-first +second):\n%s", diff)
	}
}

// TestStatus_LongMessagesAreCut: the API server refuses a status with a longer message as a whole, and then nobody learns
// anything. An admission webhook may need a long text to say why it refuses a Job.
func TestStatus_LongMessagesAreCut(t *testing.T) {
	text := strings.Repeat("é", 1000)
	got := Decide(observation(steps(step("a")))).Status(Outcome{Problems: map[string]Problem{"a": {Reason: v1alpha1.ReasonJobInvalid, Message: text}}})
	if message := got.Steps[0].Message; len(message) > 512 || len(message) < 510 || !utf8.ValidString(message) || !strings.HasSuffix(message, "é...") {
		t.Errorf("a step's message of %d bytes", len(message))
	}
	for _, condition := range got.Conditions {
		if len(condition.Message) > 512 || !utf8.ValidString(condition.Message) {
			t.Errorf("a message of %d bytes in %s", len(condition.Message), condition.Type)
		}
	}
}

// TestStatus_StepsFit holds for all that workers say: an object stays small, whatever the pipeline, and a step that has
// not started still finds its input.
func TestStatus_StepsFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []v1alpha1.Step
		var children []Child
		for i := range rapid.IntRange(1, 16).Draw(t, "steps") {
			name := fmt.Sprintf("a-step-with-name-%02d", i)
			all = append(all, step(name))
			end := rapid.SampledFrom([]func(*Child){fails, succeeds}).Draw(t, "end")
			children = append(children, child(name, end, func(c *Child) {
				c.Result.Integrity = integrity(v1alpha1.IntegrityDamaged, 16)
				key := strings.Repeat("k", rapid.IntRange(1, 250).Draw(t, "key"))
				if c.Result.Failure != nil {
					c.Result.Failure.Message = strings.Repeat("m", rapid.IntRange(0, 4000).Draw(t, "message"))
					return
				}
				c.Result.Manifest = &v1alpha1.ManifestReference{URI: "s3://b/" + key, SHA256: strings.Repeat("a", 64), Outputs: 9, Files: 9}
				c.Result.Outputs = nil
				for range rapid.IntRange(1, v1alpha1.MaxOutputs).Draw(t, "outputs") {
					c.Result.Outputs = append(c.Result.Outputs, v1alpha1.Artifact{Name: "x.mp4", URI: "s3://b/" + key, Bucket: "b", Key: key, SHA256: strings.Repeat("b", 64)})
				}
			}))
		}
		last := step("hindered")
		last.Input = &v1alpha1.StepInput{Step: all[0].Name}
		seen := observation(append(all, last), children...)
		got := Decide(seen).Status(Outcome{})
		if !fits(got.Steps) {
			t.Fatal("the steps do not fit")
		}
		if first := got.Steps[0]; first.State == succeeded && len(first.Outputs) == 0 {
			t.Fatal("the output that a step waits for is left out")
		}
		seen.Recorded, seen.Conditions = got.ProcessingStatus, got.Conditions
		if diff := cmp.Diff(got.Steps, Decide(seen).Status(Outcome{}).Steps); diff != "" {
			t.Fatalf("a second look cuts again (-first +second):\n%s", diff)
		}
	})
}

func TestObserved_ChangesTheGenerationAlone(t *testing.T) {
	before := Decide(ended(succeeded)).Status(Outcome{}).Conditions
	after := Observed(before, 9)
	if after[0].ObservedGeneration != 9 || before[0].ObservedGeneration == 9 {
		t.Errorf("%+v became %+v", before[0], after[0])
	}
	after[0].ObservedGeneration = before[0].ObservedGeneration
	if diff := cmp.Diff(before[0], after[0]); diff != "" {
		t.Error(diff)
	}
}
