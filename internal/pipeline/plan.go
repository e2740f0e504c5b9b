// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Creation is a Job to create for a step.
type Creation struct {
	Step *v1alpha1.Step
	Job  *batchv1.Job
}

// Decision is what to do. It is carried out as it is.
type Decision struct {
	// Create are the Jobs to create.
	Create []Creation
	// Delete are the Jobs to stop: those of facts or steps that are no more.
	Delete []Child
	// Suspend and Resume are the Jobs to suspend and to resume.
	Suspend, Resume []Child
	// RecheckAfter asks for another look when nothing else happens; 0: none.
	RecheckAfter time.Duration

	seen *Observation
	run  int32
	// steps are what the steps are once the decision is carried out.
	steps []v1alpha1.StepStatus
	// waitingFor says what the steps wait for that are queued, by name.
	waitingFor map[string]string
	// problems are those of steps that could start, by name.
	problems map[string]Problem
	// unwritten are the steps that a person's decision, or the lack of one, ends: nothing follows them before the status has it.
	unwritten map[string]bool
}

// Decide decides.
func Decide(seen *Observation) *Decision {
	d := &Decision{seen: seen, run: seen.run(), problems: map[string]Problem{}, unwritten: map[string]bool{}}
	switch {
	case seen.Blocked != nil:
		d.steps = slices.Clone(seen.recordedSteps()) // what stands in the way takes nothing back of what was done
	case seen.Pipeline != nil:
		d.plan()
	}
	return d
}

// plan goes through the steps so that each comes after those that it depends on.
func (d *Decision) plan() {
	all := nodes(d.seen.Pipeline.Spec, d.reads)
	waiting := d.stopStale()
	states := make(map[string]v1alpha1.StepStatus, len(all))
	ordered, cyclic := order(all)
	for _, n := range ordered {
		states[n.Name] = d.settle(&n, states, waiting[n.Name])
	}
	for _, name := range cyclic {
		states[name] = v1alpha1.StepStatus{Name: name, State: v1alpha1.StepPending, Message: "the steps wait for each other"}
	}
	for _, n := range all {
		d.steps = append(d.steps, states[n.Name])
	}
}

func (d *Decision) reads(when string) []string { return d.seen.Expressions.Reads(when) }

// current says whether a child works for a step of the current run.
func (d *Decision) current(child *Child) bool {
	return child.Input == d.seen.Input && child.Run == d.run &&
		slices.ContainsFunc(Steps(d.seen.Pipeline.Spec), func(s *v1alpha1.Step) bool { return s.Name == child.Step })
}

// stopStale deletes the Jobs of earlier runs and of steps that are no more, and says which steps have to wait for them.
func (d *Decision) stopStale() map[string]bool {
	waiting := map[string]bool{}
	for i := range d.seen.Children {
		child := &d.seen.Children[i]
		switch {
		case child.Deleting:
			waiting[child.Step] = true
		case !d.current(child) && child.State == ChildActive:
			d.Delete = append(d.Delete, *child)
			waiting[child.Step] = true
		}
	}
	return waiting
}

// settle says what a step is, given the steps that it depends on, and adds what is to be done for it.
func (d *Decision) settle(n *node, states map[string]v1alpha1.StepStatus, waiting bool) v1alpha1.StepStatus {
	if recorded := find(d.seen.recordedSteps(), n.Name); recorded != nil && Ended(recorded.State) {
		return *recorded
	}
	state, following := d.observed(n)
	if following {
		return state
	}
	if wait := d.unended(n, states); wait != "" {
		state.Message = wait
		return state
	}
	if d.isDecided(n, states, &state) {
		return state
	}
	switch {
	case waiting:
		state.Message = "waiting for the previous Job of this step to end"
	case d.seen.Suspend:
		state.State = v1alpha1.StepSuspended
	case d.isLater(state.Retry):
	default:
		d.begin(n, states, &state)
	}
	return state
}

// begin has a step wait for a person, or prepares its Job.
func (d *Decision) begin(n *node, states map[string]v1alpha1.StepStatus, state *v1alpha1.StepStatus) {
	if question := d.seen.Ask(n.Step); question != nil {
		d.ask(question, state)
		return
	}
	d.start(n, states, state)
}

// observed says what a step's Job shows. following: there is nothing to start.
func (d *Decision) observed(n *node) (state v1alpha1.StepStatus, following bool) {
	retry := d.retryOf(n.Name)
	if child := d.childOf(n.Name, retries(retry)); child != nil {
		state = d.follow(n.Step, child, retry)
		return state, !isRetried(state.Retry)
	}
	if recorded := find(d.seen.recordedSteps(), n.Name); recorded != nil && isRetried(recorded.Retry) {
		state = *recorded
		state.State, state.Retry = v1alpha1.StepPending, d.wake(n.Step, recorded)
		return state, false
	}
	return v1alpha1.StepStatus{Name: n.Name, State: v1alpha1.StepPending, Retry: underway(retry)}, false
}

// unended says which steps the step waits for; empty: none.
func (d *Decision) unended(n *node, states map[string]v1alpha1.StepStatus) string {
	for _, name := range n.dependencies {
		if Ended(states[name].State) && !d.unwritten[name] {
			continue
		}
		if n.finally {
			return "waiting for every step of spec.steps to end"
		}
		return fmt.Sprintf("waiting for step %q", name)
	}
	return ""
}

// isDecided says that a step whose dependencies have ended does not run, with what it is instead.
func (d *Decision) isDecided(n *node, states map[string]v1alpha1.StepStatus, state *v1alpha1.StepStatus) bool {
	for _, name := range n.needs {
		switch dependency := states[name]; {
		case dependency.State == v1alpha1.StepFailed || dependency.Reason == v1alpha1.ReasonDependencyFailed:
			state.State, state.Reason = v1alpha1.StepSkipped, v1alpha1.ReasonDependencyFailed
			state.Message = fmt.Sprintf("step %q did not succeed", name)
			return true
		case dependency.State == v1alpha1.StepSkipped:
			state.State, state.Reason = v1alpha1.StepSkipped, v1alpha1.ReasonDependencySkipped
			state.Message = fmt.Sprintf("step %q was skipped", name)
			return true
		}
	}
	if n.When == "" {
		return false
	}
	holds, err := d.seen.Expressions.Holds(n.When, states, outcomeOf(n, d.seen.Pipeline.Spec, states))
	switch {
	case err != nil:
		state.State, state.Reason = v1alpha1.StepFailed, v1alpha1.ReasonConditionInvalid
		state.Message = "when: " + err.Error()
		return true
	case !holds:
		state.State, state.Reason = v1alpha1.StepSkipped, v1alpha1.ReasonConditionFalse
		state.Message = "when is false: " + n.When
		return true
	}
	return false
}

// outcomeOf is what a step of finally reads as outcome: Failed when a step failed that is not optional. It is empty for
// other steps.
func outcomeOf(n *node, spec *v1alpha1.RecordingPipelineSpec, states map[string]v1alpha1.StepStatus) string {
	if !n.finally {
		return ""
	}
	for i := range spec.Steps {
		if step := &spec.Steps[i]; !step.Optional && hasFailed(states[step.Name]) {
			return v1alpha1.ReasonFailed
		}
	}
	return v1alpha1.ReasonSucceeded
}

// hasFailed says that a step failed, or was skipped because another failed.
func hasFailed(step v1alpha1.StepStatus) bool {
	return step.State == v1alpha1.StepFailed || step.State == v1alpha1.StepSkipped && step.Reason == v1alpha1.ReasonDependencyFailed
}

// start prepares the Job of a step.
func (d *Decision) start(n *node, states map[string]v1alpha1.StepStatus, state *v1alpha1.StepStatus) {
	step := n.Step
	start := Start{Step: step, Run: d.run, Retry: retries(state.Retry), InputDigest: d.seen.Input, Value: func(expression string) (any, error) {
		return d.seen.Expressions.Value(expression, states, outcomeOf(n, d.seen.Pipeline.Spec, states))
	}}
	for _, name := range step.InputNames() {
		if name == v1alpha1.InputRecording {
			start.Inputs = append(start.Inputs, Input{Step: name})
			continue
		}
		outputs := states[name].Outputs
		if len(outputs) == 0 {
			d.problems[step.Name] = Problem{Reason: v1alpha1.ReasonInputMissing,
				Message: fmt.Sprintf("step %q, which is the input, has reported no output", name)}
			return
		}
		for _, output := range outputs {
			start.Inputs = append(start.Inputs, Input{Step: name, Artifact: output})
		}
	}
	job, problem := d.seen.Prepare(start)
	switch {
	case problem != nil && problem.Final:
		state.State, state.Reason, state.Message = v1alpha1.StepFailed, problem.Reason, problem.Message
		return
	case problem != nil:
		d.problems[step.Name] = *problem
		return
	}
	d.Create = append(d.Create, Creation{Step: step, Job: job})
	*state = v1alpha1.StepStatus{Name: step.Name, State: v1alpha1.StepRunning, Attempts: 1, JobName: job.Name, Retry: underway(state.Retry)}
}

func (d *Decision) recheck(after time.Duration) {
	if d.RecheckAfter == 0 || after < d.RecheckAfter {
		d.RecheckAfter = after
	}
}

// find is the step of this name; nil: there is none.
func find(steps []v1alpha1.StepStatus, name string) *v1alpha1.StepStatus {
	i := slices.IndexFunc(steps, func(s v1alpha1.StepStatus) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &steps[i]
}
