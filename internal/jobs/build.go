// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	defaultRetries = 3
	defaultTimeout = 6 * time.Hour
	defaultTTL     = 24 * time.Hour

	formatHLS = "HLS"
	formatMP4 = "MP4"
)

// Work is everything that a step's Job is made from.
type Work struct {
	File *v1alpha1.RecordingFile
	// Facts are what is known of the recording.
	Facts  recording.Facts
	Step   *v1alpha1.Step
	Source *v1alpha1.RecordingSource
	// SourceStorage is the StorageLocation that the source names, or that InputFrom was published to; nil: the
	// recording is downloaded by its URL.
	SourceStorage *v1alpha1.StorageLocation
	// InputFrom is the output that the step works on; nil: the recording itself.
	InputFrom *v1alpha1.Artifact
	// DestinationStorage is the StorageLocation that the step's output names.
	DestinationStorage *v1alpha1.StorageLocation
	// Revision is the ControllerRevision that Step was read from.
	Revision string
	// TTL is how long the finished Job is kept; 0: a day.
	TTL time.Duration
	// DeniedNetworks are never connected to by a step that reads its source from a URL or a bucket.
	DeniedNetworks []netip.Prefix
	// WorkerImage is the image of the worker.
	WorkerImage string
	// RequireLandlock has the step fail on a node without Landlock.
	RequireLandlock bool
}

// Build makes the Job for one step, or says what a person has to correct first.
func Build(work Work) (*batchv1.Job, error) {
	spec, problem := newStepSpec(work)
	if problem != nil {
		return nil, problem
	}
	encoded, problem := encodeSpec(spec)
	if problem != nil {
		return nil, problem
	}
	input := work.Facts.Digest()
	labels := map[string]string{
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
		v1alpha1.LabelFile:      work.File.Name,
		v1alpha1.LabelStep:      work.Step.Name,
	}
	retries := int32(defaultRetries)
	if work.Step.Retries != nil {
		retries = *work.Step.Retries
	}
	timeout := defaultTimeout
	if work.Step.Timeout != nil {
		timeout = work.Step.Timeout.Duration
	}
	ttl := work.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Name:      Name(work.File, work.Step.Name, input),
			Namespace: work.File.Namespace,
			Labels:    labels,
			Annotations: map[string]string{
				v1alpha1.AnnotationInput:    input,
				v1alpha1.AnnotationRevision: work.Revision,
			},
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(work.File, v1alpha1.GroupVersion.WithKind("RecordingFile")),
			},
		},
		Spec: batchv1.JobSpec{
			BackoffLimit:            &retries,
			ActiveDeadlineSeconds:   new(int64(timeout.Seconds())),
			TTLSecondsAfterFinished: new(int32(ttl.Seconds())),
			PodReplacementPolicy:    new(batchv1.Failed), // never two pods of one step at once
			PodFailurePolicy:        failurePolicy(),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       podSpec(work, spec, encoded),
			},
		},
	}, nil
}

// encodeSpec writes the StepSpec as JSON without a dollar sign: the kubelet expands $(NAME) and $$ in the environment, and
// an object's key may hold either.
func encodeSpec(spec workerapi.StepSpec) (string, *Problem) {
	encoded, err := json.Marshal(spec)
	if err != nil {
		return "", problemf(v1alpha1.ReasonJobInvalid, "encode the StepSpec: %v", err)
	}
	return strings.ReplaceAll(string(encoded), "$", `\u0024`), nil
}

// failurePolicy ends the Job at once when another attempt cannot succeed, and does not count attempts that the
// cluster took away (eviction, preemption, drain); activeDeadlineSeconds bounds how often that may happen.
func failurePolicy() *batchv1.PodFailurePolicy {
	return &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
		{
			Action: batchv1.PodFailurePolicyActionFailJob,
			OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
				Operator: batchv1.PodFailurePolicyOnExitCodesOpIn,
				Values:   []int32{workerapi.ExitPermanent},
			},
		},
		{
			Action: batchv1.PodFailurePolicyActionIgnore,
			OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{
				{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue},
			},
		},
	}}
}

func newStepSpec(work Work) (workerapi.StepSpec, *Problem) {
	spec := workerapi.StepSpec{
		Namespace: work.File.Namespace,
		File:      work.File.Name,
		UID:       string(work.File.UID),
		Step:      work.Step.Name,
		Destination: workerapi.Destination{
			Storage: workerapi.Storage{Name: work.DestinationStorage.Name, Spec: work.DestinationStorage.Spec},
			Path:    expandPath(work.Step.Output.Path, work.File, work.Facts, work.Step.Name),
		},
		RequireLandlock: work.RequireLandlock,
	}
	var settings any
	switch {
	case work.Step.Transcode != nil:
		spec.Kind, settings = "transcode", work.Step.Transcode
	case work.Step.Thumbnails != nil:
		spec.Kind, settings = "thumbnails", work.Step.Thumbnails
	default:
		spec.Kind, settings = "archive", work.Step.Archive
	}
	encoded, err := json.Marshal(settings)
	if err != nil {
		return spec, problemf(v1alpha1.ReasonJobInvalid, "encode the step's settings: %v", err)
	}
	spec.Settings = encoded
	var input workerapi.Input
	var problem *Problem
	if work.InputFrom != nil {
		input, problem = stepInput(work.Step.Input.Step, *work.InputFrom, work.SourceStorage)
	} else {
		input, problem = recordingInput(work.Facts, work.Source, work.SourceStorage)
	}
	if problem != nil {
		return spec, problem
	}
	if input.Storage == nil || input.Storage.Spec.S3 != nil {
		for _, network := range work.DeniedNetworks {
			input.DeniedNetworks = append(input.DeniedNetworks, network.String())
		}
	}
	if format := input.Format; format != formatHLS && format != formatMP4 {
		return spec, problemf(v1alpha1.ReasonFormatUnsupported,
			"the recording's format is %q; steps know HLS and MP4", format)
	}
	spec.Inputs = []workerapi.Input{input}
	return spec, nil
}
