// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func step(name string, dependsOn ...string) v1alpha1.Step {
	return v1alpha1.Step{Name: name, DependsOn: dependsOn}
}

func job(step string, change ...func(*Job)) Job {
	j := Job{Name: "job-" + step, Step: step, Input: "in", CreationTime: metav1.NewTime(now.Add(-time.Minute))}
	for _, c := range change {
		c(&j)
	}
	return j
}

func succeeded(j *Job) {
	j.State, j.CompletionTime = JobSucceeded, new(metav1.NewTime(now.Add(-time.Second)))
	j.Result = &workerapi.Result{Outputs: []v1alpha1.Artifact{{URI: "s3://b/" + j.Step}}}
}

func failed(j *Job) {
	j.State, j.CompletionTime, j.FailedPods = JobFailed, new(metav1.NewTime(now.Add(-time.Second))), 1
	j.Reason = "PodFailurePolicy"
	j.Result = &workerapi.Result{Failure: &workerapi.Failure{Reason: "SegmentMissing", Message: "segment 3 is missing", Permanent: true}}
}

// TestMake_IntegrityIsThatOfTheResult holds that a step says what was found, however it ended.
func TestMake_IntegrityIsThatOfTheResult(t *testing.T) {
	found := &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged, More: 3}
	for name, end := range map[string]func(*Job){"succeeded": succeeded, "failed": failed} {
		ended := job("mp4", end, func(j *Job) { j.Result.Integrity = found })
		made := Make(Observation{Steps: []v1alpha1.Step{step("mp4")}, Input: "in", Jobs: []Job{ended}, Now: now})
		if made.Steps[0].Integrity != found {
			t.Errorf("%s: the step says %+v", name, made.Steps[0].Integrity)
		}
	}
	retried := job("mp4", failed, func(j *Job) { j.State, j.Result.Integrity = JobActive, found })
	if made := Make(Observation{Steps: []v1alpha1.Step{step("mp4")}, Input: "in", Jobs: []Job{retried}, Now: now}); made.Steps[0].Integrity != nil {
		t.Error("a step that is tried again says what an earlier attempt found")
	}
}

func TestMake(t *testing.T) {
	two := []v1alpha1.Step{step("mp4"), step("keep", "mp4")}
	tests := map[string]struct {
		seen Observation
		want Plan
		// states are the steps' states in order; messages of the steps are not compared.
		states []v1alpha1.StepState
	}{
		"first step starts, the second waits": {
			seen: Observation{Steps: two}, want: Plan{Create: []string{"mp4"}},
			states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepPending},
		},
		"independent steps start together": {
			seen: Observation{Steps: []v1alpha1.Step{step("a"), step("b")}}, want: Plan{Create: []string{"a", "b"}},
			states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepRunning},
		},
		"a running step is followed, not created again": {
			seen:   Observation{Steps: two, Jobs: []Job{job("mp4")}},
			states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepPending},
		},
		"the second step starts when the first succeeded": {
			seen: Observation{Steps: two, Jobs: []Job{job("mp4", succeeded)}}, want: Plan{Create: []string{"keep"}},
			states: []v1alpha1.StepState{v1alpha1.StepSucceeded, v1alpha1.StepRunning},
		},
		"an order that the list does not have": {
			seen:   Observation{Steps: []v1alpha1.Step{step("keep", "mp4"), step("mp4")}, Jobs: []Job{job("mp4", succeeded)}},
			want:   Plan{Create: []string{"keep"}},
			states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepSucceeded},
		},
		"an input is waited for like a dependency": {
			seen:   Observation{Steps: []v1alpha1.Step{step("mp4"), {Name: "small", Input: &v1alpha1.StepInput{Step: "mp4"}}}, Jobs: []Job{job("mp4")}},
			states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepPending},
		},
		"what depends on a failed step is skipped": {
			seen:   Observation{Steps: two, Jobs: []Job{job("mp4", failed)}},
			states: []v1alpha1.StepState{v1alpha1.StepFailed, v1alpha1.StepSkipped},
		},
		"a recorded end outlives its Job": {
			seen: Observation{Steps: two, Recorded: []v1alpha1.StepStatus{{Name: "mp4", State: v1alpha1.StepSucceeded}}},
			want: Plan{Create: []string{"keep"}}, states: []v1alpha1.StepState{v1alpha1.StepSucceeded, v1alpha1.StepRunning},
		},
		"a recorded run without its Job is run again": {
			seen: Observation{Steps: two, Recorded: []v1alpha1.StepStatus{{Name: "mp4", State: v1alpha1.StepRunning}}},
			want: Plan{Create: []string{"mp4"}}, states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepPending},
		},
		"a finished Job waits for its pod's word": {
			seen:   Observation{Steps: two, Jobs: []Job{job("mp4", succeeded, func(j *Job) { j.Result = nil })}},
			want:   Plan{RecheckAfter: 29 * time.Second},
			states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepPending},
		},
		"the word of an earlier, failed pod is not the one that is waited for": {
			seen: Observation{Steps: two, Jobs: []Job{job("mp4", succeeded, func(j *Job) {
				j.FailedPods, j.Result = 1, &workerapi.Result{Failure: &workerapi.Failure{Reason: "StorageUnavailable"}}
			})}},
			want:   Plan{RecheckAfter: 29 * time.Second},
			states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepPending},
		},
		"but not for ever": {
			seen: Observation{Steps: two, Jobs: []Job{job("mp4", succeeded, func(j *Job) {
				j.Result, j.CompletionTime = nil, new(metav1.NewTime(now.Add(-time.Hour)))
			})}},
			want:   Plan{Create: []string{"keep"}},
			states: []v1alpha1.StepState{v1alpha1.StepSucceeded, v1alpha1.StepRunning},
		},
		"suspend creates nothing and suspends what runs": {
			seen: Observation{Steps: []v1alpha1.Step{step("a"), step("b")}, Jobs: []Job{job("a")}, Suspend: true},
			want: Plan{Suspend: []string{"job-a"}}, states: []v1alpha1.StepState{v1alpha1.StepSuspended, v1alpha1.StepSuspended},
		},
		"resume": {
			seen: Observation{Steps: two, Jobs: []Job{job("mp4", func(j *Job) { j.Suspended = true })}},
			want: Plan{Resume: []string{"job-mp4"}}, states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepPending},
		},
		"a Job of facts that have grown is stopped before a new one starts": {
			seen: Observation{Steps: two, Jobs: []Job{job("mp4", func(j *Job) { j.Input = "old" })}},
			want: Plan{Delete: []string{"job-mp4"}}, states: []v1alpha1.StepState{v1alpha1.StepPending, v1alpha1.StepPending},
		},
		"and waited for": {
			seen:   Observation{Steps: two, Jobs: []Job{job("mp4", func(j *Job) { j.Input, j.Deleting = "old", true })}},
			states: []v1alpha1.StepState{v1alpha1.StepPending, v1alpha1.StepPending},
		},
		"a finished Job of old facts is no hindrance": {
			seen: Observation{Steps: two, Jobs: []Job{job("mp4", succeeded, func(j *Job) { j.Input = "old" })}},
			want: Plan{Create: []string{"mp4"}}, states: []v1alpha1.StepState{v1alpha1.StepRunning, v1alpha1.StepPending},
		},
		"steps that wait for each other never start": {
			seen:   Observation{Steps: []v1alpha1.Step{step("a", "b"), step("b", "a"), step("c")}},
			want:   Plan{Create: []string{"c"}},
			states: []v1alpha1.StepState{v1alpha1.StepPending, v1alpha1.StepPending, v1alpha1.StepRunning},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.seen.Input, test.seen.Now = "in", now
			got := Make(test.seen)
			var states []v1alpha1.StepState
			for _, s := range got.Steps {
				states = append(states, s.State)
			}
			if diff := cmp.Diff(test.states, states); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Plan{}, "Steps")); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailureSaysWhatTheWorkerSaid(t *testing.T) {
	tests := map[string]struct {
		change          func(*Job)
		reason, message string
	}{
		"the worker's word":       {failed, "SegmentMissing", "segment 3 is missing"},
		"the Job's without a pod": {func(j *Job) { failed(j); j.Result = nil; j.Message = "x"; j.CompletionTime = nil }, "PodFailurePolicy", "x"},
		"the time-out":            {func(j *Job) { failed(j); j.Reason = "DeadlineExceeded" }, "DeadlineExceeded", "the step took longer than its timeout"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Make(Observation{Steps: []v1alpha1.Step{step("a")}, Input: "in", Jobs: []Job{job("a", test.change)}, Now: now}).Steps[0]
			if got.Reason != test.reason || got.Message != test.message {
				t.Errorf("got %s: %s; want %s: %s", got.Reason, got.Message, test.reason, test.message)
			}
		})
	}
}

// TestRolloutRunsEveryStepOnce simulates whole rollouts of random pipelines, in which Jobs end in any order, some fail,
// the operator forgets its status between two looks, and the file is suspended and resumed.
func TestRolloutRunsEveryStepOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := drawSteps(t)
		jobs := map[string]*Job{}
		created := map[string]int{}
		var recorded []v1alpha1.StepStatus
		suspend := false
		look := func() Plan {
			seen := Observation{Steps: steps, Input: "in", Recorded: recorded, Suspend: suspend, Now: now}
			for _, s := range steps {
				if j := jobs[s.Name]; j != nil {
					seen.Jobs = append(seen.Jobs, *j)
				}
			}
			return Make(seen)
		}
		for round := 0; ; round++ {
			if round > 1000 {
				t.Fatal("the rollout does not end")
			}
			suspend = round < 50 && rapid.IntRange(0, 4).Draw(t, "suspend") == 0
			made := look()
			if suspend && len(made.Create) > 0 {
				t.Fatalf("suspended, and yet %v are created", made.Create)
			}
			carryOut(t, made, steps, jobs, created)
			if again := look(); len(again.Create)+len(again.Suspend)+len(again.Resume)+len(again.Delete) > 0 {
				t.Fatalf("a plan that was carried out wants more: %+v", again)
			}
			if rapid.Bool().Draw(t, "status is written") {
				recorded = made.Steps
			}
			endSome(t, jobs)
			if !slices.ContainsFunc(made.Steps, func(s v1alpha1.StepStatus) bool { return !Ended(s.State) }) {
				return
			}
		}
	})
}

func drawSteps(t *rapid.T) []v1alpha1.Step {
	n := rapid.IntRange(1, 6).Draw(t, "steps")
	var steps []v1alpha1.Step
	for i := range n {
		s := step(string(rune('a' + i)))
		for d := range i {
			if rapid.IntRange(0, 2).Draw(t, "depends") == 0 {
				s.DependsOn = append(s.DependsOn, string(rune('a'+d)))
			}
		}
		steps = append(steps, s)
	}
	return rapid.Permutation(steps).Draw(t, "order")
}

func carryOut(t *rapid.T, made Plan, steps []v1alpha1.Step, jobs map[string]*Job, created map[string]int) {
	for _, name := range made.Create {
		created[name]++
		if created[name] > 1 {
			t.Fatalf("step %s is created twice", name)
		}
		s := steps[slices.IndexFunc(steps, func(s v1alpha1.Step) bool { return s.Name == name })]
		for _, d := range s.DependsOn {
			if jobs[d] == nil || jobs[d].State != JobSucceeded {
				t.Fatalf("step %s starts before %s has succeeded", name, d)
			}
		}
		jobs[name] = new(job(name))
	}
	for _, j := range jobs {
		if slices.Contains(made.Suspend, j.Name) {
			j.Suspended = true
		}
		if slices.Contains(made.Resume, j.Name) {
			j.Suspended = false
		}
	}
}

func endSome(t *rapid.T, jobs map[string]*Job) {
	names := make([]string, 0, len(jobs))
	for name := range jobs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		j := jobs[name]
		if j.State != JobActive || j.Suspended {
			continue
		}
		switch rapid.IntRange(0, 5).Draw(t, "end") {
		case 0:
			failed(j)
		case 1, 2:
			succeeded(j)
		}
	}
}
