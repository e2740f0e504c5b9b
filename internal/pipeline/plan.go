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

// outcomeGrace is how long a finished Job's pod is waited for, since the two are seen through different watches.
const outcomeGrace = 30 * time.Second

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
	// problems are those of steps that could start, by name.
	problems map[string]Problem
}

// Decide decides.
func Decide(seen *Observation) *Decision {
	d := &Decision{seen: seen, run: seen.run(), problems: map[string]Problem{}}
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
	for i := range d.seen.Children {
		if child := &d.seen.Children[i]; child.Step == n.Name && d.current(child) && !child.Deleting {
			return d.follow(n.Step, child)
		}
	}
	state := v1alpha1.StepStatus{Name: n.Name, State: v1alpha1.StepPending}
	if wait := unended(n, states); wait != "" {
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
	default:
		d.start(n, states, &state)
	}
	return state
}

// unended says which steps the step waits for; empty: none.
func unended(n *node, states map[string]v1alpha1.StepStatus) string {
	for _, name := range n.dependencies {
		if Ended(states[name].State) {
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
	start := Start{Step: step, Run: d.run, InputDigest: d.seen.Input, Value: func(expression string) (any, error) {
		return d.seen.Expressions.Value(expression, states, outcomeOf(n, d.seen.Pipeline.Spec, states))
	}}
	if step.Input != nil {
		start.Inputs = states[step.Input.Step].Outputs
		if len(start.Inputs) == 0 {
			d.problems[step.Name] = Problem{Reason: v1alpha1.ReasonInputMissing,
				Message: fmt.Sprintf("step %q, which is the input, has reported no output", step.Input.Step)}
			return
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
	state.State, state.Attempts, state.JobName = v1alpha1.StepRunning, 1, job.Name
}

// follow says what a step with a Job is.
func (d *Decision) follow(step *v1alpha1.Step, child *Child) v1alpha1.StepStatus {
	state := v1alpha1.StepStatus{
		Name:      child.Step,
		JobName:   child.Name,
		StartTime: &child.CreationTime,
		Attempts:  child.FailedPods + 1,
	}
	if child.State != ChildActive && !reported(child) {
		// The pod's result may still be on its way; but a pod that is gone never reports.
		if wait := outcomeGrace - sinceEnd(child, d.seen.Now); wait > 0 {
			d.recheck(wait)
			state.State = v1alpha1.StepRunning
			return state
		}
	}
	switch child.State {
	case ChildSucceeded:
		recordSuccess(step, child, &state)
	case ChildFailed:
		state.State = v1alpha1.StepFailed
		if child.Result != nil && child.Result.Failure != nil && child.Result.Failure.NothingToDo {
			state.State = v1alpha1.StepSkipped
		}
		state.CompletionTime = child.CompletionTime
		state.Attempts = max(child.FailedPods, 1)
		state.Reason, state.Message = failure(child)
		if child.Result != nil {
			state.Integrity, state.Object = child.Result.Integrity, child.Result.Object
		}
	case ChildActive:
		d.steer(child, &state)
	}
	return state
}

// recordSuccess says what a step has published. The step's output says where, not the pod.
func recordSuccess(step *v1alpha1.Step, child *Child, state *v1alpha1.StepStatus) {
	state.State = v1alpha1.StepSucceeded
	state.CompletionTime = child.CompletionTime
	if !reported(child) {
		state.Message = "Step succeeded, but its pod was deleted before its result was read."
		if step.Output != nil {
			state.Message += " See manifest.json at the destination for the outputs."
		}
		return
	}
	state.Manifest, state.Integrity = child.Result.Manifest, child.Result.Integrity
	state.Object, state.Results = child.Result.Object, slices.Clone(child.Result.Results)
	if step.Output == nil {
		return
	}
	state.Outputs = slices.Clone(child.Result.Outputs)
	for i := range state.Outputs {
		state.Outputs[i].StorageRef = step.Output.StorageRef
	}
}

// reported says whether the result of the pod that ended the Job is known. That of an earlier, failed pod says nothing
// of a Job that succeeded.
func reported(child *Child) bool {
	return child.Result != nil && (child.State != ChildSucceeded || child.Result.Failure == nil)
}

// steer suspends or resumes an active Job as the subject's spec wants it. A Job that somebody else suspended, for example
// Kueue, is left to them.
func (d *Decision) steer(child *Child, state *v1alpha1.StepStatus) {
	state.State = v1alpha1.StepRunning
	switch {
	case d.seen.Suspend:
		state.State = v1alpha1.StepSuspended
		if !child.Suspended {
			d.Suspend = append(d.Suspend, *child)
		}
	case child.Suspended && child.SuspendedByUs:
		d.Resume = append(d.Resume, *child)
	case child.Suspended:
		state.State = v1alpha1.StepSuspended
		state.Message = "the Job is suspended, and not by spec.suspend: it runs when whatever suspended it, for example a queue, resumes it"
		return
	}
	if child.FailedPods > 0 && child.Result != nil && child.Result.Failure != nil {
		state.Reason = child.Result.Failure.Reason
		state.Message = "retrying after: " + child.Result.Failure.Message
	}
}

// failure is the worker's reason when it says more than the Job's.
func failure(child *Child) (reason, message string) {
	if child.Reason == batchv1.JobReasonDeadlineExceeded {
		return child.Reason, "the step took longer than its timeout"
	}
	if child.Result != nil && child.Result.Failure != nil {
		return child.Result.Failure.Reason, child.Result.Failure.Message
	}
	return child.Reason, child.Message
}

func (d *Decision) recheck(after time.Duration) {
	if d.RecheckAfter == 0 || after < d.RecheckAfter {
		d.RecheckAfter = after
	}
}

func sinceEnd(child *Child, now time.Time) time.Duration {
	if child.CompletionTime == nil {
		return outcomeGrace
	}
	return now.Sub(child.CompletionTime.Time)
}

// find is the step of this name; nil: there is none.
func find(steps []v1alpha1.StepStatus, name string) *v1alpha1.StepStatus {
	i := slices.IndexFunc(steps, func(s v1alpha1.StepStatus) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &steps[i]
}
