// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package archive is the operator's side of the step kind archive, which keeps a recording as it is.
package archive

import (
	batchv1 "k8s.io/api/batch/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps/job"
)

// Kind is the kind.
type Kind struct{ job.Observer }

// Name is that of the field in v1alpha1.Step.
func (Kind) Name() string { return "archive" }

// Is says whether the step is of this kind.
func (Kind) Is(step *v1alpha1.Step) bool { return step.Archive != nil }

// MakesMedia is true: what was archived can be the input of another step.
func (Kind) MakesMedia(*v1alpha1.Step) bool { return true }

// ReadsFiles is false: the step reads media.
func (Kind) ReadsFiles() bool { return false }

// Validate has nothing to add to what the API server checks.
func (Kind) Validate(*v1alpha1.Step) error { return nil }

// Build builds the Job.
func (k Kind) Build(work *job.Work) (*batchv1.Job, *pipeline.Problem) {
	return job.Build(work, job.Kind{Name: k.Name(), Settings: work.Step.Archive, Needs: job.Copying(1)})
}
