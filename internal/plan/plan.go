// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan decides what is to be done for a file: which Jobs to create, stop, suspend and wait for. It is pure:
// the same observation always gives the same plan, and carrying out a plan that is already carried out changes nothing.
package plan

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// outcomeGrace is how long a finished Job's pod is waited for, since the two are seen through different watches.
const outcomeGrace = 30 * time.Second

// JobState is what a Job is doing.
type JobState int

const (
	// JobActive runs or is about to.
	JobActive JobState = iota
	// JobSucceeded is complete.
	JobSucceeded
	// JobFailed has failed for good.
	JobFailed
)

// Job is a step's Job as it was observed.
type Job struct {
	Name  string
	Step  string
	Input string
	// Revision is the snapshot of the pipeline that the Job was made from.
	Revision string
	State    JobState
	// Suspended says that spec.suspend is true.
	Suspended bool
	// Deleting says that the Job is going away; until it is gone, no other may take its place.
	Deleting bool
	// FailedPods is how many attempts failed.
	FailedPods     int32
	CreationTime   metav1.Time
	CompletionTime *metav1.Time
	// Result is what the last pod said; nil when no pod was seen to end.
	Result *workerapi.Result
	// Reason and Message are the Job's own word on its failure, for example DeadlineExceeded.
	Reason, Message string
}

// Observation is everything that a plan is made from.
type Observation struct {
	// Steps of the pipeline's snapshot.
	Steps []v1alpha1.Step
	// Input is the digest of the file's facts as they are now.
	Input string
	// Recorded is what the status already says of the steps, for the same Input. A step that ended stays ended, also
	// when its Job is gone.
	Recorded []v1alpha1.StepStatus
	// Jobs that belong to the file, of any input.
	Jobs []Job
	// Suspend is what the file's spec wants.
	Suspend bool
	Now     time.Time
}

// Plan is what to do, and what the steps are once it is done.
type Plan struct {
	Steps []v1alpha1.StepStatus
	// Create names the steps to create a Job for.
	Create []string
	// Delete names the Jobs to stop: those of facts or steps that are no more.
	Delete []string
	// Suspend and Resume name the Jobs to suspend and to resume.
	Suspend, Resume []string
	// RecheckAfter asks for another look when nothing else happens; 0: none.
	RecheckAfter time.Duration
}

// Make decides.
func Make(seen Observation) Plan {
	var result Plan
	waiting := result.stopStale(seen)
	states := make(map[string]v1alpha1.StepStatus, len(seen.Steps))
	ordered, cyclic := order(seen.Steps)
	for _, step := range ordered {
		states[step.Name] = result.settle(seen, step, states, waiting[step.Name])
	}
	for _, name := range cyclic {
		states[name] = v1alpha1.StepStatus{Name: name, State: v1alpha1.StepPending, Message: "the steps wait for each other"}
	}
	for _, step := range seen.Steps {
		result.Steps = append(result.Steps, states[step.Name])
	}
	return result
}

// Dependencies names the steps that must have succeeded before the step starts: dependsOn and its input.
func Dependencies(step *v1alpha1.Step) []string {
	names := slices.Clone(step.DependsOn)
	if step.Input != nil && !slices.Contains(names, step.Input.Step) {
		names = append(names, step.Input.Step)
	}
	return names
}

// Cycle names the steps that wait for each other, or for a step that is not there; none: every step can run.
func Cycle(steps []v1alpha1.Step) []string {
	_, cyclic := order(steps)
	return cyclic
}

// order lists the steps so that each comes after those that it depends on, and names those for which that cannot be.
func order(steps []v1alpha1.Step) (ordered []*v1alpha1.Step, cyclic []string) {
	placed := map[string]bool{}
	for range steps {
		for i := range steps {
			step := &steps[i]
			ready := !slices.ContainsFunc(Dependencies(step), func(name string) bool { return !placed[name] })
			if ready && !placed[step.Name] {
				placed[step.Name] = true
				ordered = append(ordered, step)
			}
		}
	}
	for _, step := range steps {
		if !placed[step.Name] {
			cyclic = append(cyclic, step.Name)
		}
	}
	return ordered, cyclic
}

// stopStale deletes the Jobs that work on facts or steps that are no more, and says which steps have to wait for them.
func (p *Plan) stopStale(seen Observation) map[string]bool {
	blocked := map[string]bool{}
	for _, job := range seen.Jobs {
		current := job.Input == seen.Input && slices.ContainsFunc(seen.Steps, func(s v1alpha1.Step) bool { return s.Name == job.Step })
		if job.Deleting {
			blocked[job.Step] = true
			continue
		}
		if current {
			continue
		}
		if job.State == JobActive {
			p.Delete = append(p.Delete, job.Name)
			blocked[job.Step] = true
		}
	}
	return blocked
}

// settle says what a step is, given the steps that it depends on, and adds what is to be done for it to the plan.
func (p *Plan) settle(seen Observation, step *v1alpha1.Step, states map[string]v1alpha1.StepStatus, waiting bool) v1alpha1.StepStatus {
	if recorded, ok := recordedStep(seen.Recorded, step.Name); ok && Ended(recorded.State) {
		return recorded
	}
	if job, ok := currentJob(seen, step.Name); ok && !job.Deleting {
		return p.follow(seen, job)
	}
	state := v1alpha1.StepStatus{Name: step.Name, State: v1alpha1.StepPending}
	for _, name := range Dependencies(step) {
		switch states[name].State {
		case v1alpha1.StepSucceeded:
		case v1alpha1.StepFailed, v1alpha1.StepSkipped:
			state.State = v1alpha1.StepSkipped
			state.Message = fmt.Sprintf("step %q did not succeed", name)
			return state
		case v1alpha1.StepPending, v1alpha1.StepRunning, v1alpha1.StepSuspended:
			state.Message = fmt.Sprintf("waiting for step %q", name)
			return state
		}
	}
	switch {
	case waiting:
		state.Message = "waiting for the previous Job of this step to end"
	case seen.Suspend:
		state.State = v1alpha1.StepSuspended
	default:
		p.Create = append(p.Create, step.Name)
		state.State = v1alpha1.StepRunning
		state.Attempts = 1
	}
	return state
}

// follow says what a step with a Job is.
func (p *Plan) follow(seen Observation, job Job) v1alpha1.StepStatus {
	state := v1alpha1.StepStatus{
		Name:      job.Step,
		JobName:   job.Name,
		StartTime: &job.CreationTime,
		Attempts:  job.FailedPods + 1,
	}
	if job.State != JobActive && !spoken(job) {
		// The pod's word may still be on its way; but a pod that is gone never speaks.
		if wait := outcomeGrace - sinceEnd(job, seen.Now); wait > 0 {
			p.recheck(wait)
			state.State = v1alpha1.StepRunning
			return state
		}
	}
	switch job.State {
	case JobSucceeded:
		state.State = v1alpha1.StepSucceeded
		state.CompletionTime = job.CompletionTime
		if spoken(job) {
			state.Manifest, state.Outputs, state.Integrity = job.Result.Manifest, job.Result.Outputs, job.Result.Integrity
		} else {
			state.Message = "the step succeeded, but its pod was gone before its word on the outputs was read; the manifest at the destination lists them"
		}
	case JobFailed:
		state.State = v1alpha1.StepFailed
		state.CompletionTime = job.CompletionTime
		state.Attempts = max(job.FailedPods, 1)
		state.Reason, state.Message = failure(job)
		if job.Result != nil {
			state.Integrity = job.Result.Integrity
		}
	case JobActive:
		p.steer(seen.Suspend, job, &state)
	}
	return state
}

// spoken says whether the pod that ended the Job has been heard. What an earlier, failed pod said is not the word on a
// Job that succeeded.
func spoken(job Job) bool {
	return job.Result != nil && (job.State != JobSucceeded || job.Result.Failure == nil)
}

// steer suspends or resumes an active Job as the file's spec wants it.
func (p *Plan) steer(suspend bool, job Job, state *v1alpha1.StepStatus) {
	state.State = v1alpha1.StepRunning
	if suspend {
		state.State = v1alpha1.StepSuspended
	}
	switch {
	case suspend && !job.Suspended:
		p.Suspend = append(p.Suspend, job.Name)
	case !suspend && job.Suspended:
		p.Resume = append(p.Resume, job.Name)
	}
	if job.FailedPods > 0 && job.Result != nil && job.Result.Failure != nil {
		state.Reason = job.Result.Failure.Reason
		state.Message = "retrying after: " + job.Result.Failure.Message
	}
}

// failure is the worker's word when there is one that says more than the Job's.
func failure(job Job) (reason, message string) {
	if job.Reason == "DeadlineExceeded" {
		return job.Reason, "the step took longer than its timeout"
	}
	if job.Result != nil && job.Result.Failure != nil {
		return job.Result.Failure.Reason, job.Result.Failure.Message
	}
	return job.Reason, job.Message
}

func (p *Plan) recheck(after time.Duration) {
	if p.RecheckAfter == 0 || after < p.RecheckAfter {
		p.RecheckAfter = after
	}
}

func sinceEnd(job Job, now time.Time) time.Duration {
	if job.CompletionTime == nil {
		return outcomeGrace
	}
	return now.Sub(job.CompletionTime.Time)
}

// Ended says whether a step's state is final.
func Ended(state v1alpha1.StepState) bool {
	return state == v1alpha1.StepSucceeded || state == v1alpha1.StepFailed || state == v1alpha1.StepSkipped
}

func recordedStep(recorded []v1alpha1.StepStatus, name string) (v1alpha1.StepStatus, bool) {
	i := slices.IndexFunc(recorded, func(s v1alpha1.StepStatus) bool { return s.Name == name })
	if i < 0 {
		return v1alpha1.StepStatus{}, false
	}
	return recorded[i], true
}

func currentJob(seen Observation, step string) (Job, bool) {
	i := slices.IndexFunc(seen.Jobs, func(j Job) bool { return j.Step == step && j.Input == seen.Input })
	if i < 0 {
		return Job{}, false
	}
	return seen.Jobs[i], true
}
