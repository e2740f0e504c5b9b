// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package approve is the step kind approve, which waits for a person. It has no Job, and so no folder on the worker's side.
package approve

import (
	"fmt"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/pipeline"
)

// maxText is how many bytes of the message are shown: the command and the times behind it must fit into a condition too.
const maxText = 160

// Kind is the kind.
type Kind struct{}

// Name is that of the field in v1alpha1.Step.
func (Kind) Name() string { return "approve" }

// Is says whether the step is of this kind.
func (Kind) Is(step *v1alpha1.Step) bool { return step.Approve != nil }

// MakesMedia is false: a decision is no file.
func (Kind) MakesMedia(*v1alpha1.Step) bool { return false }

// ReadsFiles is false: a person reads them.
func (Kind) ReadsFiles() bool { return false }

// Validate has nothing to add to what the API server checks.
func (Kind) Validate(*v1alpha1.Step) error { return nil }

// Ask gives what a person decides about a file.
func (Kind) Ask(file *v1alpha1.RecordingFile, step *v1alpha1.Step) *pipeline.Question {
	question := &pipeline.Question{
		Text:          bounded.Bytes(step.Approve.Message, maxText),
		Command:       fmt.Sprintf("kubectl recordings approve -n %s %s %s", file.Namespace, file.Name, step.Name),
		SkipOnTimeout: step.Approve.OnTimeout == v1alpha1.OnTimeoutSkip,
	}
	if timeout := step.Approve.Timeout; timeout != nil {
		question.Timeout = timeout.Duration
	}
	return question
}
