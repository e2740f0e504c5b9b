// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	corev1 "k8s.io/api/core/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// hints say what would help a step that waits, by the reason that it gives. docs/reference/conditions.md says more.
var hints = map[string]string{
	v1alpha1.ReasonQueued:                "more quota where the message names one; otherwise it is tried again within a minute",
	corev1.PodReasonUnschedulable:        "room in the cluster, other resources, nodeSelector or tolerations of the step, or a claim that is missing",
	v1alpha1.ReasonImagePull:             "another image, or access to its registry",
	"InvalidImageName":                   "another image",
	"ErrImageNeverPull":                  "another image, or one that is on the node",
	"CreateContainerConfigError":         "the Secret that the message names",
	v1alpha1.ReasonPodNotCreated:         "more quota, or a LimitRange or admission policy that lets the pod in",
	v1alpha1.ReasonStorageNotReady:       "the StorageLocation or the Secret that the message names",
	v1alpha1.ReasonContainersNotStarted:  "what kubectl describe pod shows",
	v1alpha1.ReasonPodTerminating:        "the node that comes back, or kubectl delete node when it is gone for good",
	v1alpha1.ReasonPipelineConcurrency:   "time, or more spec.concurrency.files of the RecordingPipeline",
	v1alpha1.ReasonStepConcurrency:       "time, or more spec.concurrency.steps of the RecordingPipeline",
	v1alpha1.ReasonSourceConcurrency:     "time, or more spec.concurrency of the RecordingSource",
	v1alpha1.ReasonMaxActive:             "time, or more --max-active of the manager",
	v1alpha1.ReasonMaxActivePerNamespace: "time, or more --max-active-per-namespace of the manager",
	v1alpha1.ReasonLocalQueue:            "time, or more quota: kubectl describe workload shows what is missing",
}

// suspendedHint says why a suspended subject waits, and what would help.
const suspendedHint = "spec.suspend is true: set it to false, or run kubectl recordings resume"

// retryHint is what would help a step that is tried again.
const retryHint = "what the step's message names; a StorageLocation that is changed, or becomes Ready, has it tried at once"

// hintFor is what would help a step that waits; empty: nothing but time.
func hintFor(step *v1alpha1.StepStatus) string {
	if isRetried(step.Retry) {
		return retryHint
	}
	return hints[step.Reason]
}
