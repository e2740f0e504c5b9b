// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	pending   = v1alpha1.StepPending
	running   = v1alpha1.StepRunning
	suspended = v1alpha1.StepSuspended
	succeeded = v1alpha1.StepSucceeded
	failed    = v1alpha1.StepFailed
	skipped   = v1alpha1.StepSkipped
)

func TestDecide(t *testing.T) {
	two := steps(step("mp4"), step("keep", "mp4"))
	small := step("small")
	small.Input = &v1alpha1.StepInput{Step: "mp4"}
	when := func(s v1alpha1.Step, when string) v1alpha1.Step {
		s.When = when
		return s
	}
	last := func(seen *Observation, finally ...v1alpha1.Step) *Observation {
		seen.Pipeline.Spec.Finally = finally
		return seen
	}
	byOthers := func(c *Child) { c.Suspended = true }
	byUs := func(c *Child) { c.Suspended, c.SuspendedByUs = true, true }
	tests := map[string]struct {
		seen *Observation
		want wanted
		// states are the steps' states in order; messages of the steps are not compared.
		states []v1alpha1.StepState
	}{
		"first step starts, the second waits":             {observation(two), wanted{Create: []string{"mp4"}}, []v1alpha1.StepState{running, pending}},
		"independent steps start together":                {observation(steps(step("a"), step("b"))), wanted{Create: []string{"a", "b"}}, []v1alpha1.StepState{running, running}},
		"a running step is followed, not created again":   {observation(two, child("mp4")), wanted{}, []v1alpha1.StepState{running, pending}},
		"the second step starts when the first succeeded": {observation(two, child("mp4", succeeds)), wanted{Create: []string{"keep"}}, []v1alpha1.StepState{succeeded, running}},
		"an order that the list does not have":            {observation(steps(step("keep", "mp4"), step("mp4")), child("mp4", succeeds)), wanted{Create: []string{"keep"}}, []v1alpha1.StepState{running, succeeded}},
		"an input is waited for like a dependency":        {observation(steps(step("mp4"), small), child("mp4")), wanted{}, []v1alpha1.StepState{running, pending}},
		"an input without an output is a problem": {observation(steps(step("mp4"), small), child("mp4", succeeds, func(c *Child) { c.Result.Outputs = nil })),
			wanted{}, []v1alpha1.StepState{succeeded, pending}},
		"what depends on a failed step is skipped":    {observation(two, child("mp4", fails)), wanted{}, []v1alpha1.StepState{failed, skipped}},
		"a step that cannot start stays pending":      {observation(steps(step("hindered"), step("b"))), wanted{Create: []string{"b"}}, []v1alpha1.StepState{pending, running}},
		"a recorded end outlives its Job":             {observation(two).with(inState("mp4", succeeded)), wanted{Create: []string{"keep"}}, []v1alpha1.StepState{succeeded, running}},
		"a recorded run without its Job is run again": {observation(two).with(inState("mp4", running)), wanted{Create: []string{"mp4"}}, []v1alpha1.StepState{running, pending}},
		"a finished Job waits for its pod's result":   {observation(two, child("mp4", succeeds, silent)), wanted{RecheckAfter: 29 * time.Second}, []v1alpha1.StepState{running, pending}},
		"the result of an earlier, failed pod is not the one that is waited for": {observation(two, child("mp4", succeeds, func(c *Child) {
			c.FailedPods, c.Result = 1, &workerapi.Result{Failure: &workerapi.Failure{Reason: "StorageUnavailable"}}
		})), wanted{RecheckAfter: 29 * time.Second}, []v1alpha1.StepState{running, pending}},
		"but not for ever": {observation(two, child("mp4", succeeds, silent, func(c *Child) { c.CompletionTime = new(metav1.NewTime(now.Add(-time.Hour))) })),
			wanted{Create: []string{"keep"}}, []v1alpha1.StepState{succeeded, running}},
		"suspend creates nothing and suspends what runs": {observation(steps(step("a"), step("b")), child("a")).suspended(),
			wanted{Suspend: []string{"job-a"}}, []v1alpha1.StepState{suspended, suspended}},
		"what is suspended stays so":                              {observation(two, child("mp4", byUs)).suspended(), wanted{}, []v1alpha1.StepState{suspended, pending}},
		"what we suspended is resumed":                            {observation(two, child("mp4", byUs)), wanted{Resume: []string{"job-mp4"}}, []v1alpha1.StepState{running, pending}},
		"what others suspended is left to them":                   {observation(two, child("mp4", byOthers)), wanted{}, []v1alpha1.StepState{suspended, pending}},
		"a Job of facts that changed is stopped, then waited for": {observation(two, child("mp4", old)), wanted{Delete: []string{"job-mp4"}}, []v1alpha1.StepState{pending, pending}},
		"a Job that goes away is waited for":                      {observation(two, child("mp4", old, func(c *Child) { c.Deleting = true })), wanted{}, []v1alpha1.StepState{pending, pending}},
		"a finished Job of old facts is no hindrance":             {observation(two, child("mp4", succeeds, old)), wanted{Create: []string{"mp4"}}, []v1alpha1.StepState{running, pending}},
		"a Job of the same facts in an earlier run is not this run's": {observation(two, child("mp4", succeeds, func(c *Child) { c.Run = 0 })),
			wanted{Create: []string{"mp4"}}, []v1alpha1.StepState{running, pending}},
		"a running Job of a removed step is stopped": {observation(two, child("gone")), wanted{Create: []string{"mp4"}, Delete: []string{"job-gone"}}, []v1alpha1.StepState{running, pending}},
		"a false condition skips, and what depends on it": {observation(steps(when(step("a"), "recording.room == 'r2'"), step("b", "a"), step("c", "b"))),
			wanted{}, []v1alpha1.StepState{skipped, skipped, skipped}},
		"a true condition runs": {observation(steps(when(step("a"), "recording.room == 'r1'"))), wanted{Create: []string{"a"}}, []v1alpha1.StepState{running}},
		"a step that a condition reads is waited for": {observation(steps(step("a"), when(step("b"), "steps.a.state == 'Failed'")), child("a")),
			wanted{}, []v1alpha1.StepState{running, pending}},
		"a condition decides over what it reads": {observation(steps(step("a"), when(step("b", "a"), "steps.a.reason == 'FramesMissing'")), child("a", fails)),
			wanted{Create: []string{"b"}}, []v1alpha1.StepState{failed, running}},
		"and over nothing else": {observation(steps(step("a"), step("c"), when(step("b", "c"), "steps.a.state == 'Failed'")), child("a", fails), child("c", fails)),
			wanted{}, []v1alpha1.StepState{failed, failed, skipped}},
		"an input is needed although a condition reads it": {observation(steps(step("mp4"), when(small, "steps['mp4'].state == 'Failed'")), child("mp4", fails)),
			wanted{}, []v1alpha1.StepState{failed, skipped}},
		"a condition that cannot be evaluated fails": {observation(steps(when(step("a"), "recording.room.split('')[99] == 'x'"))), wanted{}, []v1alpha1.StepState{failed}},
		"a step that has nothing to do is skipped":   {observation(two, child("mp4", hasNothingToDo)), wanted{}, []v1alpha1.StepState{skipped, skipped}},
		"finally waits for every step":               {last(observation(two, child("mp4", succeeds)), step("tell")), wanted{Create: []string{"keep"}}, []v1alpha1.StepState{succeeded, running, pending}},
		"finally runs whatever happened":             {last(observation(two, child("mp4", fails)), step("tell")), wanted{Create: []string{"tell"}}, []v1alpha1.StepState{failed, skipped, running}},
		"finally knows the outcome": {last(observation(two, child("mp4", fails)), when(step("good"), "outcome == 'Succeeded'"), when(step("bad"), "outcome == 'Failed'")),
			wanted{Create: []string{"bad"}}, []v1alpha1.StepState{failed, skipped, skipped, running}},
		"finally may work on an output": {last(observation(steps(step("mp4")), child("mp4", succeeds)), small), wanted{Create: []string{"small"}}, []v1alpha1.StepState{succeeded, running}},
		"steps that wait for each other never start": {observation(steps(step("a", "b"), step("b", "a"), step("c"))),
			wanted{Create: []string{"c"}}, []v1alpha1.StepState{pending, pending, running}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Decide(test.seen)
			var states []v1alpha1.StepState
			for _, s := range got.Status(Outcome{}).Steps {
				states = append(states, s.State)
			}
			if diff := cmp.Diff(test.states, states); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, of(got)); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecide_ChangedFactsAreTheNextRun: a Job of the first run has another name and another run than one of the second,
// also when facts come back that were processed before.
func TestDecide_ChangedFactsAreTheNextRun(t *testing.T) {
	seen := observation(steps(step("mp4")), child("mp4", succeeds)).with(inState("mp4", succeeded))
	seen.Recorded.Input = "grown"
	var started Start
	seen.Prepare = func(start Start) (*batchv1.Job, *Problem) {
		started = start
		return prepare(start)
	}
	got := Decide(seen)
	if started.Run != 2 || started.InputDigest != "in" || len(got.Create) != 1 {
		t.Errorf("started %+v", started)
	}
	if status := got.Status(Outcome{}); status.Run != 2 || status.Input != "in" {
		t.Errorf("status of run %d", status.Run)
	}
}

// TestDecide_StartsWithTheInputsOutputs as the step's output says where they are, whatever the pod said.
func TestDecide_StartsWithTheInputsOutputs(t *testing.T) {
	small := step("small")
	small.Input = &v1alpha1.StepInput{Step: "mp4"}
	seen := observation(steps(step("mp4"), small), child("mp4", succeeds, func(c *Child) {
		c.Result.Outputs[0].StorageRef.Name = "elsewhere"
	}))
	var started Start
	seen.Prepare = func(start Start) (*batchv1.Job, *Problem) {
		started = start
		return prepare(start)
	}
	Decide(seen)
	want := []Input{{Step: "mp4", Artifact: v1alpha1.Artifact{Name: "mp4", URI: "s3://b/mp4", StorageRef: v1alpha1.LocalReference{Name: "archive"}}}}
	if diff := cmp.Diff(want, started.Inputs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDecide_StartsWithTheRecordingAndOutputsOfSteps, in the order in which the step names them. The recording alone is nothing
// to wait for.
func TestDecide_StartsWithTheRecordingAndOutputsOfSteps(t *testing.T) {
	for name, inputs := range map[string][]string{
		"first": {v1alpha1.InputRecording, "mp4"}, "last": {"mp4", v1alpha1.InputRecording}, "alone": {v1alpha1.InputRecording},
	} {
		t.Run(name, func(t *testing.T) {
			burn := step("burn")
			for _, input := range inputs {
				burn.Inputs = append(burn.Inputs, v1alpha1.StepInput{Step: input})
			}
			var got []string
			see := func(changes ...func(*Child)) {
				seen := observation(steps(step("mp4"), burn), child("mp4", changes...))
				seen.Prepare = func(start Start) (*batchv1.Job, *Problem) {
					for _, input := range start.Inputs {
						if (input.Name == "") != (input.Step == v1alpha1.InputRecording) {
							t.Errorf("input %+v", input)
						}
						got = append(got, input.Step)
					}
					return prepare(start)
				}
				Decide(seen)
			}
			see()
			if (got != nil) != (len(inputs) == 1) {
				t.Errorf("while mp4 runs: %v", got)
			}
			got = nil
			if see(succeeds); !slices.Equal(got, inputs) {
				t.Errorf("%v, want %v", got, inputs)
			}
		})
	}
}

// TestDecide_StartsWithTheOutputsOfSeveralSteps, in the order in which the step names them, when all of them have succeeded.
func TestDecide_StartsWithTheOutputsOfSeveralSteps(t *testing.T) {
	burn := step("burn")
	burn.Inputs = []v1alpha1.StepInput{{Step: "words"}, {Step: "mp4"}}
	spec := steps(step("mp4"), step("words"), burn)
	for name, test := range map[string]struct {
		words []func(*Child)
		// want are the steps whose outputs it starts with; state is its own when it does not start.
		want   []string
		state  v1alpha1.StepState
		reason string
	}{
		"both succeed":          {words: []func(*Child){succeeds}, want: []string{"words", "mp4"}, state: running},
		"one goes on":           {state: pending},
		"one fails":             {words: []func(*Child){fails}, state: skipped, reason: v1alpha1.ReasonDependencyFailed},
		"one published nothing": {words: []func(*Child){succeeds, func(c *Child) { c.Result.Outputs = nil }}, state: pending, reason: v1alpha1.ReasonInputMissing},
	} {
		t.Run(name, func(t *testing.T) {
			seen := observation(spec, child("mp4", succeeds), child("words", test.words...))
			var got []string
			seen.Prepare = func(start Start) (*batchv1.Job, *Problem) {
				for _, input := range start.Inputs {
					if input.Name != input.Step || input.StorageRef.Name != "archive" {
						t.Errorf("input %+v", input)
					}
					got = append(got, input.Step)
				}
				return prepare(start)
			}
			status := Decide(seen).Status(Outcome{}).Steps[2]
			if diff := cmp.Diff(test.want, got); diff != "" || status.State != test.state || status.Reason != test.reason {
				t.Errorf("the step is %+v, inputs (-want +got):\n%s", status, diff)
			}
		})
	}
}

// TestDecide_IntegrityIsThatOfTheResult holds that a step says what was found, however it ended.
func TestDecide_IntegrityIsThatOfTheResult(t *testing.T) {
	found := &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged, More: 3}
	for name, end := range map[string]func(*Child){"succeeded": succeeds, "failed": fails} {
		ended := child("mp4", end, func(c *Child) { c.Result.Integrity = found })
		if got := Decide(observation(steps(step("mp4")), ended)).Status(Outcome{}).Steps[0].Integrity; !cmp.Equal(got, found) {
			t.Errorf("%s: the step says %+v", name, got)
		}
	}
	retried := child("mp4", fails, func(c *Child) { c.State, c.Result.Integrity = ChildActive, found })
	if Decide(observation(steps(step("mp4")), retried)).Status(Outcome{}).Steps[0].Integrity != nil {
		t.Error("a step that is tried again says what an earlier attempt found")
	}
}

func TestDecide_FailureIsThatOfTheWorker(t *testing.T) {
	tests := map[string]struct {
		change          func(*Child)
		reason, message string
	}{
		"the worker's":            {fails, "FramesMissing", "frames 3 to 9 are missing"},
		"the Job's without a pod": {func(c *Child) { fails(c); c.Result = nil; c.Message = "x"; c.CompletionTime = nil }, "PodFailurePolicy", "x"},
		"the time-out":            {func(c *Child) { fails(c); c.Reason = "DeadlineExceeded" }, "DeadlineExceeded", "the step took longer than its timeout"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Decide(observation(steps(step("a")), child("a", test.change))).Status(Outcome{}).Steps[0]
			if got.Reason != test.reason || got.Message != test.message {
				t.Errorf("got %s: %s; want %s: %s", got.Reason, got.Message, test.reason, test.message)
			}
		})
	}
}
