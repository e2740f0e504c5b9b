// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Labels that the operator sets. All of them can be used in selectors.
const (
	// LabelSource is on every RecordingFile and RecordingTask that the operator created, and on every Job and Pod of a step:
	// the name of the RecordingSource.
	LabelSource = "recording.sparkrtc.dev/source"
	// LabelFile is on every Job and Pod of a step: the name of the RecordingFile.
	LabelFile = "recording.sparkrtc.dev/file"
	// LabelStep is on every Job and Pod of a step: the name of the step.
	LabelStep = "recording.sparkrtc.dev/step"
	// LabelStepKind is on every Job and Pod of a step: the kind of the step, for example transcode.
	LabelStepKind = "recording.sparkrtc.dev/step-kind"
	// LabelPipeline is on every ControllerRevision that keeps a pipeline as it was, and on every Job and Pod of a step: the
	// name of the RecordingPipeline.
	LabelPipeline = "recording.sparkrtc.dev/pipeline"
	// LabelCallbackKey, with the value "true", is on every Secret whose callback key the operator may register with SparkRTC,
	// generate and rotate. People set it on Secrets of their own.
	LabelCallbackKey = "recording.sparkrtc.dev/callback-key"
	// LabelManagedBy is Kubernetes' recommended label; its value here is ManagedBy.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "recording-operator"
)

// Labels of Kueue. They are on the Jobs of a pipeline with a queueName.
const (
	// LabelQueueName names the LocalQueue that Kueue takes the Job from.
	LabelQueueName = "kueue.x-k8s.io/queue-name"
	// LabelQueuePriorityClass names the WorkloadPriorityClass that Kueue orders the Job by.
	LabelQueuePriorityClass = "kueue.x-k8s.io/priority-class"
)

// Annotations that the operator sets.
const (
	// AnnotationRevision is on every Job of a step: the ControllerRevision that the Job was made from.
	AnnotationRevision = "recording.sparkrtc.dev/pipeline-revision"
	// AnnotationRun is on every Job of a step: the number of the run that the Job is part of.
	AnnotationRun = "recording.sparkrtc.dev/run"
	// AnnotationRetry is on a Job that tries a step again: how many Jobs of the step failed before, in the same run.
	AnnotationRetry = "recording.sparkrtc.dev/retry"
	// AnnotationStorage is on every Job of a step: the StorageLocations that it uses, with their generations.
	AnnotationStorage = "recording.sparkrtc.dev/storage"
	// AnnotationSuspended is on a Job that the operator suspended because of spec.suspend. A suspended Job without it was
	// suspended by somebody else, for example Kueue, and is never resumed by the operator.
	AnnotationSuspended = "recording.sparkrtc.dev/suspended"
	// AnnotationDestination is on every Job of a step with an output: the bucket, which is empty for a volume, a slash, and
	// the folder that the step publishes to. Nothing elsewhere counts as its output.
	AnnotationDestination = "recording.sparkrtc.dev/destination"
	// AnnotationDestinationURI is the URI of that folder, with the claim and the subPath of a volume. It ends in a slash.
	AnnotationDestinationURI = "recording.sparkrtc.dev/destination-uri"
	// AnnotationTriggeredBy is on every object that a step of kind trigger created: the step, the run and the file that it
	// belongs to.
	AnnotationTriggeredBy = "recording.sparkrtc.dev/triggered-by"
	// AnnotationKeyID is on a RecordingFile or RecordingTask that was written for a callback which the next key of a source
	// signed: the ID of that key. Keys that do not rotate leave no mark.
	AnnotationKeyID = "recording.sparkrtc.dev/key-id"
	// AnnotationInput is on every Job of a step: a digest of the facts of the file that the Job processes.
	AnnotationInput = "recording.sparkrtc.dev/input"
)
