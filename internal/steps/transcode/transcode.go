// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transcode is the operator's side of the step kind transcode, which makes an MP4 of a recording.
package transcode

import (
	batchv1 "k8s.io/api/batch/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps/job"
)

// Kind is the kind.
type Kind struct{ job.Observer }

// Name is that of the field in v1alpha1.Step.
func (Kind) Name() string { return "transcode" }

// Is says whether the step is of this kind.
func (Kind) Is(step *v1alpha1.Step) bool { return step.Transcode != nil }

// MakesMedia is true: its first output can be the input of another step.
func (Kind) MakesMedia(*v1alpha1.Step) bool { return true }

// ReadsFiles is false: the step reads media.
func (Kind) ReadsFiles() bool { return false }

// Validate has nothing to add to what the API server checks.
func (Kind) Validate(*v1alpha1.Step) error { return nil }

// encoding are the needs of preset H264: twice what ffmpeg needs with 16 threads. x264 veryfast takes 332 MiB at
// 1280x720, 683 MiB at 1920x1080 and 2062 MiB at 3840x2160.
var encoding = job.Needs{CPU: "1", Memory: 1 << 30, MemoryBase: 1 << 30, MemoryPerPixel: 384, Copies: 2}

// Build builds the Job.
func (k Kind) Build(work *job.Work) (*batchv1.Job, *pipeline.Problem) {
	settings := *work.Step.Transcode
	settings.Default()
	needs := job.Copying(2)
	if settings.Preset == v1alpha1.PresetH264 {
		needs = encoding
	}
	return job.Build(work, job.Kind{Name: k.Name(), Settings: settings, Needs: needs})
}
