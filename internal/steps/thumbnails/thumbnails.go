// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package thumbnails is the operator's side of the step kind thumbnails, which makes still pictures of a recording.
package thumbnails

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps/job"
)

// Kind is the kind.
type Kind struct{ job.Observer }

// Name is that of the field in v1alpha1.Step.
func (Kind) Name() string { return "thumbnails" }

// Is says whether the step is of this kind.
func (Kind) Is(step *v1alpha1.Step) bool { return step.Thumbnails != nil }

// MakesMedia is false: no step reads pictures.
func (Kind) MakesMedia(*v1alpha1.Step) bool { return false }

// ReadsFiles is false: the step reads media.
func (Kind) ReadsFiles() bool { return false }

// Validate refuses two times that are the same one, such as 60s and 1m, since they would have the same file.
func (Kind) Validate(step *v1alpha1.Step) error {
	known := map[time.Duration]v1alpha1.PictureTime{}
	for _, text := range step.Thumbnails.Times {
		at, err := time.ParseDuration(string(text))
		if err != nil {
			return fmt.Errorf("thumbnails.times: %w", err)
		}
		at = at.Round(time.Millisecond)
		if other, ok := known[at]; ok {
			return fmt.Errorf("thumbnails.times: %s and %s are the same time", other, text)
		}
		known[at] = text
	}
	return nil
}

// Build builds the Job. Decoding one picture after another takes what decoding all takes; the picture's track is copied
// into an MP4 first.
func (k Kind) Build(work *job.Work) (*batchv1.Job, *pipeline.Problem) {
	settings := *work.Step.Thumbnails
	settings.Default()
	return job.Build(work, job.Kind{Name: k.Name(), Settings: settings, Needs: job.Copying(2)})
}
