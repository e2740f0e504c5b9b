// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// done records that the steps have ended like this, with outputs and digests.
func (o *Observation) done(states ...v1alpha1.StepState) *Observation {
	var recorded []v1alpha1.StepStatus
	for i, s := range Steps(o.Pipeline.Spec) {
		status := inState(s.Name, states[i])
		if states[i] == succeeded {
			status.SpecDigest, status.Outputs = specDigest(s), []v1alpha1.Artifact{{Name: s.Name}}
		}
		recorded = append(recorded, status)
	}
	return o.with(recorded...)
}

func TestRerun_KeepsWhatSucceeded(t *testing.T) {
	small := step("small")
	small.Input = &v1alpha1.StepInput{Step: "mp4"}
	all := steps(step("mp4"), small, step("keep"))
	other := func(o *Observation) { o.Pipeline.Spec.Steps[2].Output = &v1alpha1.StepOutput{Path: "elsewhere/"} }
	tests := map[string]struct {
		states []v1alpha1.StepState
		rerun  v1alpha1.Rerun
		change func(*Observation)
		// want are the steps that start in the first look.
		want []string
		ends []v1alpha1.StepState
	}{
		"what failed runs again, with what follows": {states: []v1alpha1.StepState{failed, skipped, succeeded}, want: []string{"mp4"}, ends: []v1alpha1.StepState{running, pending, succeeded}},
		"a step that failed alone":                  {states: []v1alpha1.StepState{succeeded, failed, succeeded}, want: []string{"small"}, ends: []v1alpha1.StepState{succeeded, running, succeeded}},
		"from a step on": {states: []v1alpha1.StepState{succeeded, succeeded, succeeded}, rerun: v1alpha1.Rerun{From: "mp4"},
			want: []string{"mp4"}, ends: []v1alpha1.StepState{running, pending, succeeded}},
		"everything": {states: []v1alpha1.StepState{succeeded, succeeded, succeeded}, rerun: v1alpha1.Rerun{IncludeSucceeded: true},
			want: []string{"mp4", "keep"}, ends: []v1alpha1.StepState{running, pending, running}},
		"a step that is another now": {states: []v1alpha1.StepState{succeeded, succeeded, succeeded}, change: other,
			want: []string{"keep"}, ends: []v1alpha1.StepState{succeeded, succeeded, running}},
		"a step whose outputs are not known": {states: []v1alpha1.StepState{succeeded, succeeded, succeeded}, change: func(o *Observation) { o.Recorded.Steps[0].Outputs = nil },
			want: []string{"mp4"}, ends: []v1alpha1.StepState{running, pending, succeeded}},
		"nothing": {states: []v1alpha1.StepState{succeeded, succeeded, succeeded}, ends: []v1alpha1.StepState{succeeded, succeeded, succeeded}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			seen := observation(slices.Clone(all)).done(test.states...)
			if test.change != nil {
				test.change(seen)
			}
			test.rerun.Token = "again"
			seen.Rerun = &test.rerun
			made := Decide(seen)
			status := made.Status(Outcome{})
			var states []v1alpha1.StepState
			for _, s := range status.Steps {
				states = append(states, s.State)
				if s.State == succeeded && (s.Reason != v1alpha1.ReasonReused || len(s.Outputs) == 0) {
					t.Errorf("%+v", s)
				}
			}
			if diff := cmp.Diff(test.want, of(made).Create); diff != "" {
				t.Errorf("created (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.ends, states); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if status.Run != 2 || status.Rerun.Token != "again" || status.Rerun.Run != 2 || len(status.History) != 1 || status.History[0].Run != 1 {
				t.Errorf("%+v", status)
			}
			// The token has been seen: nothing begins again.
			seen.Recorded, seen.Conditions = status.ProcessingStatus, status.Conditions
			for _, name := range of(made).Create {
				seen.Children = append(seen.Children, child(name, func(c *Child) { c.Run = 2 }))
			}
			if again := Decide(seen); len(again.Create)+len(again.Delete) > 0 || again.Status(Outcome{}).Run != 2 {
				t.Errorf("a second look wants %+v", of(again))
			}
		})
	}
}

// TestRerun_StopsTheRunBefore: at most one Job of a step is alive.
func TestRerun_StopsTheRunBefore(t *testing.T) {
	seen := observation(steps(step("mp4")), child("mp4")).with(inState("mp4", running))
	seen.Rerun = &v1alpha1.Rerun{Token: "again"}
	if diff := cmp.Diff(wanted{Delete: []string{"job-mp4"}}, of(Decide(seen))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ready := meta.FindStatusCondition(Decide(seen).Status(Outcome{}).Conditions, v1alpha1.ConditionReady)
	if !strings.Contains(ready.Message, "run 2: asked for by spec.rerun") {
		t.Errorf("%s", ready.Message)
	}
}

// TestRerun_WaitsForAPipeline: what stands in the way takes nothing back, and the file is not done.
func TestRerun_WaitsForAPipeline(t *testing.T) {
	seen := observation(steps(step("mp4"))).done(succeeded)
	seen.Rerun, seen.Pipeline, seen.Blocked = &v1alpha1.Rerun{Token: "again"}, nil, &Problem{Reason: v1alpha1.ReasonPipelineNotFound}
	status := Decide(seen).Status(Outcome{})
	if status.Done || status.Run != 1 || status.Rerun != nil || status.Steps[0].State != succeeded || seen.Begun() != "" {
		t.Errorf("%+v", status)
	}
}

// TestRerun_HistoryIsBounded and has the last runs first.
func TestRerun_HistoryIsBounded(t *testing.T) {
	seen := observation(steps(step("mp4"))).done(failed)
	for i := range int32(8) {
		seen.Rerun = &v1alpha1.Rerun{Token: string(rune('a' + i))}
		status := Decide(seen).Status(Outcome{})
		seen.Recorded, seen.Conditions = status.ProcessingStatus, status.Conditions
	}
	if h := seen.Recorded.History; seen.Recorded.Run != 9 || len(h) != v1alpha1.MaxHistory || h[0].Run != 8 || h[4].Run != 4 || h[0].Reason != v1alpha1.ReasonProcessing {
		t.Errorf("run %d: %+v", seen.Recorded.Run, h)
	}
}

// TestRollout_RerunRunsEveryStepOnce simulates second runs of random pipelines, over any ends of the first: no step that is
// kept has a Job, no other has two, and the operator may forget its status at any time.
func TestRollout_RerunRunsEveryStepOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawSteps(t)
		seen := observation(drawn)
		seen.Pipeline.Spec.Finally = drawFinally(t, drawn)
		all := Steps(seen.Pipeline.Spec)
		var states []v1alpha1.StepState
		for range all {
			states = append(states, rapid.SampledFrom([]v1alpha1.StepState{succeeded, failed, skipped, running}).Draw(t, "state"))
		}
		seen.done(states...)
		for i, s := range all {
			if states[i] == running {
				seen.Children = append(seen.Children, child(s.Name))
			}
		}
		seen.Rerun = &v1alpha1.Rerun{Token: "again", IncludeSucceeded: rapid.IntRange(0, 4).Draw(t, "all") == 0}
		if rapid.Bool().Draw(t, "from") {
			seen.Rerun.From = rapid.SampledFrom(drawn).Draw(t, "step").Name
		}
		for _, s := range drawn {
			if s.Approve != nil {
				find(seen.Recorded.Steps, s.Name).SpecDigest = "" // as statuses have it
				seen.Approvals = append(seen.Approvals, v1alpha1.Approval{Step: s.Name, Run: 1, By: "alice"})
			}
		}
		kept := map[string]bool{}
		for _, s := range seen.recordedSteps() {
			kept[s.Name] = true
		}
		for _, approval := range seen.Approvals {
			if kept[approval.Step] {
				t.Fatalf("the run does not ask again about step %s", approval.Step)
			}
		}
		created := map[string]int{}
		for round := 0; ; round++ {
			if round > 200 {
				t.Fatal("the run does not end")
			}
			made := Decide(seen)
			alive := slices.ContainsFunc(made.Create, func(c Creation) bool {
				return slices.ContainsFunc(seen.Children, func(o Child) bool { return o.Step == c.Step.Name && o.State == ChildActive })
			})
			if alive {
				t.Fatalf("a step of %v has a Job that is alive", of(made).Create)
			}
			for _, c := range made.Create {
				if created[c.Step.Name]++; created[c.Step.Name] > 1 || kept[c.Step.Name] {
					t.Fatalf("step %s is created %d times, kept: %t", c.Step.Name, created[c.Step.Name], kept[c.Step.Name])
				}
				seen.Children = append(seen.Children, child(c.Step.Name, func(c *Child) { c.Run = 2 }))
			}
			seen.Children = slices.DeleteFunc(seen.Children, func(c Child) bool { return c.Run == 1 && len(made.Delete) > 0 })
			status := made.Status(Outcome{})
			if status.Run != 2 {
				t.Fatalf("run %d", status.Run)
			}
			if rapid.Bool().Draw(t, "status is written") {
				seen.Recorded, seen.Conditions = status.ProcessingStatus, status.Conditions
			}
			if status.Done {
				return
			}
			for _, s := range status.Steps {
				if s.Reason == v1alpha1.ReasonWaitingForApproval && rapid.Bool().Draw(t, "approves") {
					seen.Approvals = append(seen.Approvals, v1alpha1.Approval{Step: s.Name, Run: 2, By: "bob"})
				}
				if (s.Reason == v1alpha1.ReasonApproved) && s.Message != "approved by bob" {
					t.Fatalf("step %s: %s", s.Name, s.Message)
				}
			}
			for i := range seen.Children {
				if c := &seen.Children[i]; c.State == ChildActive && c.Run == 2 {
					rapid.SampledFrom([]func(*Child){func(*Child) {}, succeeds, fails}).Draw(t, "end")(c)
				}
			}
		}
	})
}

// TestSpecDigest_CoversEveryKind: a kind whose settings were left out would keep what it made under other settings.
func TestSpecDigest_CoversEveryKind(t *testing.T) {
	empty := specDigest(&v1alpha1.Step{Name: "a"})
	step := reflect.TypeFor[v1alpha1.Step]()
	kinds := 0
	for i := range step.NumField() {
		field := step.Field(i)
		if field.Type.Kind() != reflect.Pointer {
			continue
		}
		kinds++
		changed := &v1alpha1.Step{Name: "a"}
		reflect.ValueOf(changed).Elem().Field(i).Set(reflect.New(field.Type.Elem()))
		if specDigest(changed) == empty {
			t.Errorf("%s does not change the digest", field.Name)
		}
	}
	if kinds < 6 { // four kinds, the input and the output
		t.Errorf("looked at %d fields", kinds)
	}
	how := &v1alpha1.Step{Name: "a", DependsOn: []string{"b"}, When: "true", Optional: true, Background: true,
		StepSettings: v1alpha1.StepSettings{Retries: new(int32(1))}}
	if specDigest(how) != empty {
		t.Error("how a step runs changes the digest")
	}
}
