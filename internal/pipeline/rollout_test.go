// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// rollout is a cluster in which nothing but this one file is processed.
type rollout struct {
	steps   []v1alpha1.Step
	finally []v1alpha1.Step
	// children are the Jobs of the steps; past are those that were followed by another try.
	children map[string]*Child
	past     []Child
	created  map[string]int
	now      time.Time
	recorded v1alpha1.ProcessingStatus
	suspend  bool
	// approvals are what people have decided.
	approvals []v1alpha1.Approval
}

func (r *rollout) observe() *Observation {
	seen := observation(r.steps)
	seen.Recorded, seen.Suspend, seen.Now, seen.Approvals = r.recorded, r.suspend, r.now, r.approvals
	seen.Pipeline.Spec.Finally = r.finally
	for _, s := range Steps(seen.Pipeline.Spec) {
		if c := r.children[s.Name]; c != nil {
			seen.Children = append(seen.Children, *c)
		}
	}
	seen.Children = append(seen.Children, r.past...)
	return seen
}

// TestRollout_RunsEveryStepOnce simulates whole rollouts of random pipelines with conditions and finally, in which Jobs end
// in any order, some fail for good or over what passes, or have nothing to do, pods wait, Jobs expire, the operator forgets its status between two looks, the file is suspended
// and resumed, a queue suspends Jobs too, and people approve, reject or let the time pass. What became of each step is compared with what its dependencies mean for it.
func TestRollout_RunsEveryStepOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &rollout{children: map[string]*Child{}, created: map[string]int{}, now: now}
		r.steps = drawSteps(t)
		r.finally = drawFinally(t, r.steps)
		for round := 0; ; round++ {
			if round > 1000 {
				t.Fatal("the rollout does not end")
			}
			r.suspend = round < 50 && rapid.IntRange(0, 4).Draw(t, "suspend") == 0
			made := Decide(r.observe())
			if r.suspend && len(made.Create) > 0 {
				t.Fatalf("suspended, and yet %v are created", of(made).Create)
			}
			status := made.Status(Outcome{})
			r.carryOut(t, made, status)
			r.checkQuestions(t, made, status)
			if again := of(Decide(r.observe())); len(again.Create)+len(again.Suspend)+len(again.Resume)+len(again.Delete) > 0 {
				t.Fatalf("a decision that was carried out wants more: %+v", again)
			}
			if rapid.Bool().Draw(t, "status is written") {
				r.recorded = status.ProcessingStatus
			}
			r.now = r.now.Add(time.Duration(rapid.IntRange(0, 40*60).Draw(t, "seconds pass")) * time.Second)
			r.endSome(t, round)
			r.decideSome(t, status, round)
			r.queue(t, round)
			r.expire(t)
			if !slices.ContainsFunc(status.Steps, func(s v1alpha1.StepStatus) bool { return !Ended(s.State) }) {
				r.checkEnd(t, status)
				return
			}
		}
	})
}

// The conditions that are drawn, by what they are called.
const (
	ifFailed    = "steps.%s.state == 'Failed'"
	ifSucceeded = "steps.%s.state == 'Succeeded'"
	ifRoom      = "recording.room == 'r1'"
	ifOther     = "recording.room == 'r2'"
	ifBad       = "outcome == 'Failed'"
)

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
		if i > 0 {
			other := string(rune('a' + rapid.IntRange(0, i-1).Draw(t, "other")))
			switch rapid.IntRange(0, 7).Draw(t, "when") {
			case 0:
				s.When = fmt.Sprintf(ifFailed, other)
			case 1:
				s.When = fmt.Sprintf(ifSucceeded, other)
			case 2:
				if publishes(drawn, other) {
					s.Input = &v1alpha1.StepInput{Step: other}
				}
			case 3:
				s.When = rapid.SampledFrom([]string{ifRoom, ifOther}).Draw(t, "room")
			case 4:
				for name := range strings.SplitSeq(other+" a", " ") {
					if publishes(drawn, name) && !slices.Contains(s.InputSteps(), name) {
						s.Inputs = append(s.Inputs, v1alpha1.StepInput{Step: name})
					}
				}
				if rapid.Bool().Draw(t, "recording") {
					s.Inputs = append(s.Inputs, v1alpha1.StepInput{Step: v1alpha1.InputRecording})
				}
			}
		}
		if len(s.InputNames()) == 0 && rapid.IntRange(0, 4).Draw(t, "asks") == 0 {
			s.Output, s.Approve = nil, drawQuestion(t)
		}
		s.Optional = rapid.IntRange(0, 3).Draw(t, "optional") == 0
		s.Background = rapid.IntRange(0, 3).Draw(t, "background") == 0
		drawn = append(drawn, s)
	}
	return rapid.Permutation(drawn).Draw(t, "order")
}

func drawFinally(t *rapid.T, main []v1alpha1.Step) []v1alpha1.Step {
	var drawn []v1alpha1.Step
	for i := range rapid.IntRange(0, 2).Draw(t, "finally") {
		s := step(string(rune('y' + i)))
		switch rapid.IntRange(0, 3).Draw(t, "when") {
		case 0:
			s.When = ifBad
		case 1:
			s.When = fmt.Sprintf(ifFailed, main[0].Name)
		case 2:
			if publishes(main, main[0].Name) {
				s.Input = &v1alpha1.StepInput{Step: main[0].Name}
			}
		}
		drawn = append(drawn, s)
	}
	return drawn
}

// checkEnd compares what became of each step with what ran, by rules of its own.
func (r *rollout) checkEnd(t *rapid.T, status Status) {
	ends := map[string]v1alpha1.StepState{}
	broken := map[string]bool{} // failed, or not run since another failed
	outcome := "Succeeded"
	for _, s := range status.Steps {
		ends[s.Name] = s.State
		broken[s.Name] = s.State == failed || s.Reason == v1alpha1.ReasonDependencyFailed
	}
	for _, s := range r.steps {
		if broken[s.Name] && !s.Optional {
			outcome = "Failed"
		}
	}
	for _, s := range append(slices.Clone(r.steps), r.finally...) {
		ran := r.children[s.Name] != nil
		if s.Approve != nil {
			ran = r.checkAnswer(t, &s, find(status.Steps, s.Name))
		}
		if r.runs(&s, ends, outcome) != ran {
			t.Fatalf("step %+v has run: %t; the steps ended as %+v", s, ran, status.Steps)
		}
		if s.Approve == nil && r.created[s.Name] == 0 && ends[s.Name] != skipped {
			t.Fatalf("step %s is %s and had no Job", s.Name, ends[s.Name])
		}
	}
}

// runs says whether a step should have run.
func (r *rollout) runs(s *v1alpha1.Step, ends map[string]v1alpha1.StepState, outcome string) bool {
	decides := ""
	holds := true
	switch {
	case s.When == ifOther:
		holds = false
	case s.When == ifBad:
		holds = outcome == "Failed"
	case strings.HasPrefix(s.When, "steps."):
		decides = s.When[len("steps."):][:1]
		holds = ends[decides] == failed
		if strings.HasSuffix(s.When, "'Succeeded'") {
			holds = ends[decides] == succeeded
		}
	}
	for _, name := range s.InputSteps() {
		if ends[name] != succeeded {
			return false
		}
	}
	for _, name := range s.DependsOn {
		if name != decides && ends[name] != succeeded {
			return false
		}
	}
	return holds
}

func (r *rollout) carryOut(t *rapid.T, made *Decision, status Status) {
	for _, creation := range made.Create {
		name := creation.Step.Name
		before := r.children[name]
		r.children[name] = new(child(name, func(c *Child) {
			c.Name, c.CreationTime, c.Retry = creation.Job.Name, metav1.NewTime(r.now), r.retry(creation.Job.Name)
		}))
		if before != nil {
			r.checkRetry(t, before, r.children[name])
			r.past = append(r.past, *before)
		}
		r.created[name]++
		if r.created[name] > int(r.children[name].Retry)+1 {
			t.Fatalf("step %s is created twice", name)
		}
		if slices.ContainsFunc(r.finally, func(s v1alpha1.Step) bool { return s.Name == name }) {
			for _, s := range status.Steps {
				if !Ended(s.State) && s.Name < "y" {
					t.Fatalf("step %s of finally starts while %s is %s", name, s.Name, s.State)
				}
			}
		}
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

// retry reads which try a Job is from its name.
func (r *rollout) retry(job string) int32 {
	var step string
	var retry int32
	if _, err := fmt.Sscanf(strings.ReplaceAll(job, "-", " "), "job %s %d", &step, &retry); err != nil {
		return 0
	}
	return retry
}

// checkRetry: a step has at most one Job that is not over, and the next try comes after a failure, and not too soon.
func (r *rollout) checkRetry(t *rapid.T, before, next *Child) {
	switch {
	case before.State != ChildFailed || before.Result.Failure.Permanent:
		t.Fatalf("step %s has a second Job after one in state %d", before.Step, before.State)
	case next.Retry != before.Retry+1:
		t.Fatalf("try %d of step %s follows try %d", next.Retry, before.Step, before.Retry)
	case r.now.Sub(before.CompletionTime.Time) < backoff(before.Retry):
		t.Fatalf("step %s is tried again after %s", before.Step, r.now.Sub(before.CompletionTime.Time))
	}
}

// expire deletes the Jobs of earlier tries, as their TTL does, once the status has them.
func (r *rollout) expire(t *rapid.T) {
	r.past = slices.DeleteFunc(r.past, func(c Child) bool {
		recorded := find(r.recorded.Steps, c.Step)
		return recorded != nil && recorded.Retry != nil && recorded.Retry.Count > c.Retry && rapid.Bool().Draw(t, "expires")
	})
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

func (r *rollout) endSome(t *rapid.T, round int) {
	for _, name := range r.names() {
		c := r.children[name]
		if c.State != ChildActive || c.Suspended {
			continue
		}
		c.Waiting = nil
		switch rapid.IntRange(0, 7).Draw(t, "end") {
		case 0:
			fails(c)
		case 3:
			hasNothingToDo(c)
		case 1, 2:
			succeeds(c)
		case 4:
			if round < 50 {
				isAbsent(c)
				c.CompletionTime = new(metav1.NewTime(r.now))
			}
		case 5:
			c.Waiting = &Waiting{Reason: "Unschedulable", Message: "no room", Since: r.now}
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
