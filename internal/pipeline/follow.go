// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// outcomeGrace is how long a finished Job's pod is waited for, since the two are seen through different watches.
const outcomeGrace = 30 * time.Second

// follow says what a step with a Job is. retry are its Jobs that failed before.
func (d *Decision) follow(step *v1alpha1.Step, child *Child, retry *v1alpha1.StepRetry) v1alpha1.StepStatus {
	state := v1alpha1.StepStatus{
		Name:      child.Step,
		JobName:   child.Name,
		StartTime: &child.CreationTime,
		Attempts:  child.FailedPods + 1,
		Retry:     underway(retry),
	}
	if child.State == ChildFailed {
		state.Attempts = max(child.FailedPods, 1)
	}
	if child.State != ChildActive && !reported(child) && child.Reason != batchv1.JobReasonDeadlineExceeded {
		// The pod's result may still be on its way; but a pod that is gone never reports.
		if wait := outcomeGrace - sinceEnd(child, d.seen.Now); wait > 0 {
			d.recheck(wait)
			state.State = v1alpha1.StepRunning
			state.Progress = d.progressOf(child, &state)
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
		state.Reason, state.Message = failure(child)
		if child.Result != nil {
			state.Integrity, state.Object = child.Result.Integrity, child.Result.Object
		}
		if state.State == v1alpha1.StepFailed {
			d.retryFailed(step, child, &state)
		}
	case ChildActive:
		d.steer(child, &state)
	}
	return state
}

// recordSuccess says what a step has published. The step's output says where, not the pod.
func recordSuccess(step *v1alpha1.Step, child *Child, state *v1alpha1.StepStatus) {
	state.State = v1alpha1.StepSucceeded
	state.CompletionTime, state.SpecDigest = child.CompletionTime, specDigest(step)
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

// steer suspends or resumes an active Job as the subject's spec wants it. A Job that somebody else suspended is left to
// them, and one in a queue is left to Kueue altogether.
func (d *Decision) steer(child *Child, state *v1alpha1.StepStatus) {
	state.State = v1alpha1.StepRunning
	switch {
	case child.Queue != "" && child.Suspended:
		d.queued(state, v1alpha1.ReasonLocalQueue, "LocalQueue "+child.Queue)
		return
	case child.Queue != "":
	case d.seen.Suspend:
		state.State = v1alpha1.StepSuspended
		if !child.Suspended {
			d.Suspend = append(d.Suspend, *child)
		}
	case child.Suspended && child.SuspendedByUs:
		d.Resume = append(d.Resume, *child)
	case child.Suspended:
		state.State = v1alpha1.StepSuspended
		state.Message = "the Job is suspended, and not by spec.suspend: it runs when whatever suspended it resumes it"
		return
	}
	if child.FailedPods > 0 && child.Result != nil && child.Result.Failure != nil {
		state.Reason = child.Result.Failure.Reason
		state.Message = "retrying after: " + child.Result.Failure.Message
	}
	if state.State == v1alpha1.StepRunning {
		d.sayWaiting(child, state)
	}
	if state.State == v1alpha1.StepRunning {
		state.Progress = d.progressOf(child, state)
	}
}

// progressOf is how far an attempt is. What the status has of the same attempt is kept until there is more: a manager that
// has just begun knows nothing, and a pod that has just ended cannot be asked.
func (d *Decision) progressOf(child *Child, state *v1alpha1.StepStatus) *v1alpha1.StepProgress {
	recorded := find(d.seen.recordedSteps(), child.Step)
	if recorded == nil || recorded.Progress == nil || recorded.JobName != child.Name || recorded.Attempts != state.Attempts ||
		recorded.Progress.UpdateTime.Before(&child.AttemptTime) {
		return child.Progress
	}
	if child.Progress == nil || child.Progress.Percent < recorded.Progress.Percent {
		return recorded.Progress
	}
	return child.Progress
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

func sinceEnd(child *Child, now time.Time) time.Duration {
	if child.CompletionTime == nil {
		return outcomeGrace
	}
	return now.Sub(child.CompletionTime.Time)
}
