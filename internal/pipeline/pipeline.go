// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pipeline decides how an object goes through its pipeline, and what its status says. It is pure: the same
// Observation always gives the same Decision, and carrying out a decision that is already carried out changes nothing.
//
// A controller observes, calls Decide, carries the decision out without changing it, and writes the Status that follows
// from it and from what came of it.
package pipeline

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Problem says why something cannot go on.
type Problem struct {
	// Reason is one of the Reason constants of the API.
	Reason string
	// Message says what is wrong and what to do, for a person.
	Message string
	// Passing says that no person is needed: it is tried again.
	Passing bool
	// Final says that the step has failed: nothing that a person can change makes it work.
	Final bool
}

// Snapshot is the pipeline that processing began with.
type Snapshot struct {
	v1alpha1.PipelineSnapshot
	Spec *v1alpha1.RecordingPipelineSpec
}

// ChildState is what a child is doing.
type ChildState int

const (
	// ChildActive runs or is about to.
	ChildActive ChildState = iota
	// ChildSucceeded is complete.
	ChildSucceeded
	// ChildFailed has failed for good.
	ChildFailed
)

// Child is the Job of a step as it was observed.
type Child struct {
	// Name, UID and ResourceVersion are the Job as it was seen; it is changed and deleted only as such.
	Name            string
	UID             types.UID
	ResourceVersion string
	// Step, Input and Run are what the Job was created for, and Revision is the snapshot of the pipeline.
	Step, Input, Revision string
	Run                   int32
	// Retry is how many Jobs of the step failed before, in the same run.
	Retry int32
	// Storage is the Version of the StorageLocations that the Job was created with.
	Storage string
	State   ChildState
	// Waiting says why the pod of an active Job has not started; nil: it has, or it is not known.
	Waiting *Waiting
	// Suspended says that spec.suspend is true, and SuspendedByUs that nobody else has set it.
	Suspended, SuspendedByUs bool
	// Queue is the LocalQueue of Kueue that the Job is in, so that Kueue suspends and resumes it; empty: none.
	Queue string
	// Deleting says that the Job is going away; until it is gone, no other may take its place.
	Deleting bool
	// FailedPods is how many attempts failed.
	FailedPods     int32
	CreationTime   metav1.Time
	CompletionTime *metav1.Time
	// Result is that of the last pod; nil when no pod was seen to end.
	Result *workerapi.Result
	// AttemptTime is when the pod was created that runs; zero: none does. Progress is how far it is; nil: it is not known.
	AttemptTime metav1.Time
	Progress    *v1alpha1.StepProgress
	// Reason and Message are why the Job itself says that it failed, for example DeadlineExceeded.
	Reason, Message string
}

// Input is an artifact that a step works on, or the recording itself.
type Input struct {
	// Step is the one that has published it, or v1alpha1.InputRecording, which has no artifact.
	Step string
	v1alpha1.Artifact
}

// Start is a step that can start.
type Start struct {
	Step *v1alpha1.Step
	// Run is the number of the run, Retry how many Jobs of the step failed in it before, and InputDigest that of the facts
	// that it processes.
	Run, Retry  int32
	InputDigest string
	// Inputs are what the step says that it works on; none: the recording itself.
	Inputs []Input
	// Value evaluates an expression over the recording and the steps that have ended.
	Value func(expression string) (any, error)
}

// Observation is everything that a decision is made from.
type Observation struct {
	// Generation of the subject, which is the object that is processed. Conditions and Recorded are its status so far.
	Generation int64
	Conditions []metav1.Condition
	Recorded   v1alpha1.ProcessingStatus
	// Suspend is what the subject's spec wants.
	Suspend bool
	// Rerun is what the subject's spec asks for; nil: nothing.
	Rerun *v1alpha1.Rerun
	// Approvals are what the subject's spec says that people decided.
	Approvals []v1alpha1.Approval
	// Pipeline that processes the subject; nil: none was chosen.
	Pipeline *Snapshot
	// Blocked says why processing cannot begin; nil: it can.
	Blocked *Problem
	// Input is the digest of the subject's facts as they are now.
	Input string
	// Children are the Jobs that belong to the subject, of any run.
	Children []Child
	// Prepare gives the Job for a step that can start, or says what stands in the way. It is pure.
	Prepare func(Start) (*batchv1.Job, *Problem)
	// Ask gives what a person decides about a step; nil: the step has a Job. It is pure.
	Ask func(*v1alpha1.Step) *Question
	// Storage says what is known of the StorageLocations that a step uses; nil: nothing. It is pure.
	Storage func(*v1alpha1.Step) Storage
	// Expressions evaluates the when of steps. It is pure, and knows the recording.
	Expressions Expressions
	// Now is one moment for all that is decided.
	Now time.Time
}

// run is the number of the run that processes the facts as they are now.
func (o *Observation) run() int32 {
	if o.Pipeline != nil && (o.Recorded.Input != o.Input || o.RerunAsked()) {
		return o.Recorded.Run + 1
	}
	return o.Recorded.Run
}

// recordedSteps are the steps of the current run, as the status has them, or as a new run keeps them. A step that ended
// stays ended, also when its Job is gone.
func (o *Observation) recordedSteps() []v1alpha1.StepStatus {
	switch {
	case o.Recorded.Input != o.Input:
		return nil
	case o.Pipeline != nil && o.RerunAsked():
		return o.kept()
	}
	return o.Recorded.Steps
}

// Begun is the revision of the pipeline that work on these facts has begun with; empty: it has not. A child says it as
// well as the status does, since the operator may have died between creating the one and writing the other.
func (o *Observation) Begun() string {
	if o.Recorded.Pipeline != nil && o.Recorded.Input == o.Input && !o.RerunAsked() {
		return o.Recorded.Pipeline.Revision
	}
	for _, child := range o.Children {
		if child.Input == o.Input && child.Run == o.Recorded.Run+1 && child.Revision != "" {
			return child.Revision
		}
	}
	return ""
}

// Finished says whether every step has ended for the facts as they are.
func Finished(recorded *v1alpha1.ProcessingStatus, input string) bool {
	if recorded.Pipeline == nil || recorded.Input != input || len(recorded.Steps) == 0 {
		return false
	}
	for i := range recorded.Steps {
		if !Ended(recorded.Steps[i].State) {
			return false
		}
	}
	return true
}

// Ended says whether a step's state is final.
func Ended(state v1alpha1.StepState) bool {
	return state == v1alpha1.StepSucceeded || state == v1alpha1.StepFailed || state == v1alpha1.StepSkipped
}
