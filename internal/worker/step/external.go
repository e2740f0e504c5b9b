// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// External is a kind whose result an image of the tenant's makes, between fetch and publish, with the settings of one step.
type External interface {
	// Prepare writes what the image finds beside its inputs into dir.
	Prepare(dir string, inputs []workerapi.InputDocument) error
	// Collect checks what the image has left in dir, and says what is to be published. Its files have their final names in
	// the folder workerapi.OutputDir.
	Collect(dir string) (Product, []v1alpha1.StepResult, error)
}
