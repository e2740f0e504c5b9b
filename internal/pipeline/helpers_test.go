// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func step(name string, dependsOn ...string) v1alpha1.Step {
	return v1alpha1.Step{Name: name, DependsOn: dependsOn, Output: &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: "archive"}}}
}

func steps(all ...v1alpha1.Step) []v1alpha1.Step { return all }

func child(step string, change ...func(*Child)) Child {
	c := Child{
		Name: "job-" + step, UID: types.UID("uid-" + step), ResourceVersion: "7", Step: step, Input: "in", Run: 1,
		CreationTime: metav1.NewTime(now.Add(-time.Minute)),
	}
	for _, each := range change {
		each(&c)
	}
	return c
}

func succeeds(c *Child) {
	c.State, c.CompletionTime = ChildSucceeded, new(metav1.NewTime(now.Add(-time.Second)))
	c.Result = &workerapi.Result{Outputs: []v1alpha1.Artifact{{Name: c.Step, URI: "s3://b/" + c.Step}}}
}

func fails(c *Child) {
	c.State, c.CompletionTime, c.FailedPods = ChildFailed, new(metav1.NewTime(now.Add(-time.Second))), 1
	c.Reason = "PodFailurePolicy"
	c.Result = &workerapi.Result{Failure: &workerapi.Failure{Reason: "FramesMissing", Message: "frames 3 to 9 are missing", Permanent: true}}
}

// isAbsent fails over what may pass.
func isAbsent(c *Child) {
	fails(c)
	c.Result = &workerapi.Result{Failure: &workerapi.Failure{Reason: workerapi.ReasonNotFound, Message: "a.m3u8: not found"}}
}

// hasNothingToDo ends the step as its kind decides.
func hasNothingToDo(c *Child) {
	fails(c)
	c.Result = &workerapi.Result{Failure: &workerapi.Failure{Reason: "NoVideo", Message: "no picture", Permanent: true, NothingToDo: true}}
}

func silent(c *Child) { c.Result = nil }

func old(c *Child) { c.Input, c.Run = "old", 0 }

// prepare names the Job after the step. A step that is called hindered cannot start.
func prepare(start Start) (*batchv1.Job, *Problem) {
	if start.Step.Name == "hindered" {
		return nil, &Problem{Reason: v1alpha1.ReasonBucketNotAllowed, Message: "bucket x"}
	}
	name := "job-" + start.Step.Name
	if start.Retry > 0 {
		name += fmt.Sprintf("-%d", start.Retry)
	}
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil
}

// ask is the question of a step of kind approve.
func ask(step *v1alpha1.Step) *Question {
	if step.Approve == nil {
		return nil
	}
	question := &Question{Text: step.Approve.Message, Command: "kubectl recordings approve " + step.Name, SkipOnTimeout: step.Approve.OnTimeout == v1alpha1.OnTimeoutSkip}
	if step.Approve.Timeout != nil {
		question.Timeout = step.Approve.Timeout.Duration
	}
	return question
}

// expressions are those of a recording of room r1.
var expressions = func() Expressions {
	conditions, err := expression.NewConditions()
	if err != nil {
		panic(err)
	}
	return conditions.For(expression.Recording{Room: "r1"})
}()

// observation is one of a file in its first run.
func observation(steps []v1alpha1.Step, children ...Child) *Observation {
	return &Observation{
		Generation: 3, Input: "in", Prepare: prepare, Ask: ask, Now: now, Children: children, Expressions: expressions,
		Pipeline: &Snapshot{PipelineSnapshot: v1alpha1.PipelineSnapshot{Name: "p", Revision: "p-1"}, Spec: &v1alpha1.RecordingPipelineSpec{Steps: steps}},
	}
}

// with makes these steps the status of the first run.
func (o *Observation) with(steps ...v1alpha1.StepStatus) *Observation {
	o.Recorded = v1alpha1.ProcessingStatus{Pipeline: &o.Pipeline.PipelineSnapshot, Input: "in", Run: 1, Steps: steps}
	return o
}

func (o *Observation) suspended() *Observation {
	o.Suspend = true
	return o
}

func inState(name string, state v1alpha1.StepState) v1alpha1.StepStatus {
	s := v1alpha1.StepStatus{Name: name, State: state}
	if state == v1alpha1.StepFailed {
		s.Reason, s.Message = "NotFound", "no such object"
	}
	if state == v1alpha1.StepSkipped {
		s.Reason, s.Message = v1alpha1.ReasonDependencyFailed, "step did not succeed"
	}
	return s
}

// wanted is a decision by the names of its steps and Jobs.
type wanted struct {
	Create, Delete, Suspend, Resume []string
	RecheckAfter                    time.Duration
}

func of(d *Decision) wanted {
	got := wanted{RecheckAfter: d.RecheckAfter}
	for _, creation := range d.Create {
		got.Create = append(got.Create, creation.Step.Name)
	}
	names := func(children []Child) (names []string) {
		for _, c := range children {
			names = append(names, c.Name)
		}
		return names
	}
	got.Delete, got.Suspend, got.Resume = names(d.Delete), names(d.Suspend), names(d.Resume)
	return got
}
