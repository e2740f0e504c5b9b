// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Labels that the operator sets. All of them can be used in selectors.
const (
	// LabelSource is on every RecordingFile and RecordingTask that the operator created: the name of its RecordingSource.
	LabelSource = "recording.sparkrtc.dev/source"
	// LabelFile is on every Job and Pod of a step: the name of the RecordingFile.
	LabelFile = "recording.sparkrtc.dev/file"
	// LabelStep is on every Job and Pod of a step: the name of the step.
	LabelStep = "recording.sparkrtc.dev/step"
	// LabelPipeline is on every ControllerRevision that keeps a pipeline as it was: the name of the RecordingPipeline.
	LabelPipeline = "recording.sparkrtc.dev/pipeline"
	// LabelManagedBy is Kubernetes' recommended label; its value here is ManagedBy.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "recording-operator"
)

// Annotations that the operator sets.
const (
	// AnnotationRevision is on every Job of a step: the ControllerRevision that the Job was made from.
	AnnotationRevision = "recording.sparkrtc.dev/pipeline-revision"
	// AnnotationInput is on every Job of a step: a digest of the facts of the file that the Job processes.
	AnnotationInput = "recording.sparkrtc.dev/input"
)
