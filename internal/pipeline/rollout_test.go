// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// rollout is a cluster in which nothing but this one file is processed.
type rollout struct {
	steps    []v1alpha1.Step
	children map[string]*Child
	created  map[string]int
	recorded v1alpha1.ProcessingStatus
	suspend  bool
}

func (r *rollout) observe() *Observation {
	seen := observation(r.steps)
	seen.Recorded, seen.Suspend = r.recorded, r.suspend
	for _, s := range r.steps {
		if c := r.children[s.Name]; c != nil {
			seen.Children = append(seen.Children, *c)
		}
	}
	return seen
}

// TestRollout_RunsEveryStepOnce simulates whole rollouts of random pipelines, in which Jobs end in any order, some fail,
// the operator forgets its status between two looks, the file is suspended and resumed, and a queue suspends Jobs too.
func TestRollout_RunsEveryStepOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &rollout{steps: drawSteps(t), children: map[string]*Child{}, created: map[string]int{}}
		for round := 0; ; round++ {
			if round > 1000 {
				t.Fatal("the rollout does not end")
			}
			r.suspend = round < 50 && rapid.IntRange(0, 4).Draw(t, "suspend") == 0
			made := Decide(r.observe())
			if r.suspend && len(made.Create) > 0 {
				t.Fatalf("suspended, and yet %v are created", of(made).Create)
			}
			r.carryOut(t, made)
			if again := of(Decide(r.observe())); len(again.Create)+len(again.Suspend)+len(again.Resume)+len(again.Delete) > 0 {
				t.Fatalf("a decision that was carried out wants more: %+v", again)
			}
			status := made.Status(Outcome{})
			if rapid.Bool().Draw(t, "status is written") {
				r.recorded = status.ProcessingStatus
			}
			r.endSome(t)
			r.queue(t, round)
			if !slices.ContainsFunc(status.Steps, func(s v1alpha1.StepStatus) bool { return !Ended(s.State) }) {
				return
			}
		}
	})
}

func drawSteps(t *rapid.T) []v1alpha1.Step {
	n := rapid.IntRange(1, 6).Draw(t, "steps")
	var drawn []v1alpha1.Step
	for i := range n {
		s := step(string(rune('a' + i)))
		for d := range i {
			if rapid.IntRange(0, 2).Draw(t, "depends") == 0 {
				s.DependsOn = append(s.DependsOn, string(rune('a'+d)))
			}
		}
		drawn = append(drawn, s)
	}
	return rapid.Permutation(drawn).Draw(t, "order")
}

func (r *rollout) carryOut(t *rapid.T, made *Decision) {
	for _, creation := range made.Create {
		name := creation.Step.Name
		r.created[name]++
		if r.created[name] > 1 {
			t.Fatalf("step %s is created twice", name)
		}
		for _, d := range creation.Step.DependsOn {
			if r.children[d] == nil || r.children[d].State != ChildSucceeded {
				t.Fatalf("step %s starts before %s has succeeded", name, d)
			}
		}
		r.children[name] = new(child(name))
	}
	for _, c := range made.Suspend {
		r.children[c.Step].Suspended, r.children[c.Step].SuspendedByUs = true, true
	}
	for _, c := range made.Resume {
		if !r.children[c.Step].SuspendedByUs {
			t.Fatalf("Job %s is resumed, which others suspended", c.Name)
		}
		r.children[c.Step].Suspended, r.children[c.Step].SuspendedByUs = false, false
	}
}

// names in an order that does not change, since the draws follow it.
func (r *rollout) names() []string {
	names := make([]string, 0, len(r.children))
	for name := range r.children {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r *rollout) endSome(t *rapid.T) {
	for _, name := range r.names() {
		c := r.children[name]
		if c.State != ChildActive || c.Suspended {
			continue
		}
		switch rapid.IntRange(0, 5).Draw(t, "end") {
		case 0:
			fails(c)
		case 1, 2:
			succeeds(c)
		}
	}
}

// queue suspends what runs, and resumes what it suspended.
func (r *rollout) queue(t *rapid.T, round int) {
	for _, name := range r.names() {
		c := r.children[name]
		switch {
		case c.State != ChildActive || c.SuspendedByUs:
		case c.Suspended:
			c.Suspended = round < 50 && rapid.Bool().Draw(t, "waits in the queue")
		case round < 50 && rapid.IntRange(0, 5).Draw(t, "is preempted") == 0:
			c.Suspended = true
		}
	}
}
