// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package trigger is the operator's side of the step kind trigger, which creates an object in the cluster. The pod of the
// step does so, with the rights of a ServiceAccount of the tenant's; the operator has no right to.
package trigger

import (
	"fmt"
	"sync"

	"github.com/go-openapi/jsonpointer"
	batchv1 "k8s.io/api/batch/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps/job"
)

// Kind is the kind.
type Kind struct{ job.Observer }

// Name is that of the field in v1alpha1.Step.
func (Kind) Name() string { return "trigger" }

// Is says whether the step is of this kind.
func (Kind) Is(step *v1alpha1.Step) bool { return step.Trigger != nil }

// MakesMedia is false: a trigger publishes no file.
func (Kind) MakesMedia(*v1alpha1.Step) bool { return false }

// ReadsFiles is false: the step reads media.
func (Kind) ReadsFiles() bool { return false }

// newObjects makes what checks the expressions of wait, once.
var newObjects = sync.OnceValues(expression.NewObjects)

// Validate checks every path and every expression. What set reads is checked with the pipeline.
func (Kind) Validate(step *v1alpha1.Step) error {
	for _, set := range step.Trigger.Set {
		if _, err := jsonpointer.New(set.Path); err != nil {
			return fmt.Errorf("trigger.set[%s].path: %w", set.Path, err)
		}
	}
	wait := step.Trigger.Wait
	if wait == nil {
		return nil
	}
	objects, err := newObjects()
	if err != nil {
		return err
	}
	if err := objects.CheckBool(wait.Success); err != nil {
		return fmt.Errorf("trigger.wait.success: %w", err)
	}
	if wait.Failure != "" {
		if err := objects.CheckBool(wait.Failure); err != nil {
			return fmt.Errorf("trigger.wait.failure: %w", err)
		}
	}
	if wait.Message != "" {
		if err := objects.CheckString(wait.Message); err != nil {
			return fmt.Errorf("trigger.wait.message: %w", err)
		}
	}
	for _, result := range wait.Results {
		if err := objects.CheckString(result.Value); err != nil {
			return fmt.Errorf("trigger.wait.results[%s].value: %w", result.Name, err)
		}
	}
	return nil
}

// Build builds the Job.
func (k Kind) Build(work *job.Work) (*batchv1.Job, *pipeline.Problem) {
	if work.TriggerAccount == "" {
		return nil, &pipeline.Problem{Reason: v1alpha1.ReasonTriggerRefused,
			Message: "the pipeline was deleted, or its spec.triggerServiceAccountName has changed since processing began; a trigger only uses the account that its pipeline names now"}
	}
	object, problem := build(work)
	if problem != nil {
		return nil, problem
	}
	spec, err := pod(work, object)
	if err != nil {
		return nil, refused("%v", err)
	}
	return job.Around(work, k.Name(), spec), nil
}
