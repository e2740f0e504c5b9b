// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const defaultTTL = 24 * time.Hour

// Work is everything that a step's Job is made from.
type Work struct {
	// Start is the step, the run, and the artifacts that the step works on.
	pipeline.Start
	File *v1alpha1.RecordingFile
	// Facts are what is known of the recording.
	Facts  recording.Facts
	Source *v1alpha1.RecordingSource
	// InputStorage is the StorageLocation that the source names; nil: the recording is downloaded by its URL.
	InputStorage *v1alpha1.StorageLocation
	// InputStorages are the StorageLocations that Inputs of other steps were published to, by name.
	InputStorages map[string]*v1alpha1.StorageLocation
	// OutputStorage is the StorageLocation that the step's output names.
	OutputStorage *v1alpha1.StorageLocation
	// Pipeline and Revision are the RecordingPipeline and the ControllerRevision that Step was read from.
	Pipeline, Revision string
	// QueueName and PriorityClass are the LocalQueue and the WorkloadPriorityClass of Kueue; empty: none.
	QueueName, PriorityClass string
	// Defaults are the pipeline's; nil: it has none.
	Defaults *v1alpha1.StepSettings
	// TTL is how long the finished Job is kept; 0: a day.
	TTL time.Duration
	// StorageVersion changes with the StorageLocations that the step uses.
	StorageVersion string
	// DeniedNetworks are never connected to by a step, neither for its input nor for its output.
	DeniedNetworks []netip.Prefix
	// WorkerImage is the image of the worker.
	WorkerImage string
	// TriggerImage is the image of the steps of kind trigger, and TriggerAccount the ServiceAccount that the pipeline names
	// for them now; empty: there is none any more.
	TriggerImage, TriggerAccount string
	// RequireLandlock has the step fail on a node without Landlock.
	RequireLandlock bool
}

// Kind is what a kind of step adds.
type Kind struct {
	// Name of the kind, on both sides.
	Name string
	// Settings are the kind's part of the step, with all defaults.
	Settings any
	// Needs are the resources that the step has by default.
	Needs Needs
	// Main runs an image of the tenant's, in place of the worker's process; nil: the worker makes the result.
	Main *Main
}

const (
	// maxSpecBytes is the longest StepSpec: Linux takes 128 KiB for an environment variable, with its name, = and a NUL at
	// the end (MAX_ARG_STRLEN, execve(2)). With a longer one no container starts.
	maxSpecBytes = 128<<10 - len(workerapi.EnvStep) - 2
	// maxJobBytes is the largest Job, encoded as the API server stores it. It leaves room for a status and managed fields
	// below the 1.5 MiB that etcd takes, and its command line and environment below the 2 MiB that Linux takes.
	maxJobBytes = 1 << 20
)

// Build builds the Job for one step, or says what a person has to correct first.
func Build(work *Work, kind Kind) (*batchv1.Job, *pipeline.Problem) {
	spec, problem := newStepSpec(work, kind)
	if problem != nil {
		return nil, problem
	}
	encoded, err := EncodeSpec(spec)
	if err != nil {
		return nil, problemf(v1alpha1.ReasonJobInvalid, "%v", err)
	}
	pod := podSpec(work, kind, spec, encoded)
	if kind.Main != nil {
		pod = podWithMain(work, kind, spec, encoded)
	}
	made := Around(work, kind.Name, pod)
	made.Annotations[v1alpha1.AnnotationDestination] = destinationOf(spec.Destination)
	made.Annotations[v1alpha1.AnnotationDestinationURI] = uriOf(spec.Destination)
	if size := made.Size(); size > maxJobBytes {
		return nil, problemf(v1alpha1.ReasonJobInvalid, "the step's Job has %d bytes; at most %d are allowed: shorten its command, args and env", size, maxJobBytes)
	}
	return made, nil
}

// Around is the Job around the pod of a step.
func Around(work *Work, kind string, pod corev1.PodSpec) *batchv1.Job {
	labels := map[string]string{
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
		v1alpha1.LabelSource:    work.File.Spec.SourceRef.Name,
		v1alpha1.LabelPipeline:  work.Pipeline,
		v1alpha1.LabelFile:      work.File.Name,
		v1alpha1.LabelStep:      work.Step.Name,
		v1alpha1.LabelStepKind:  kind,
	}
	ttl := work.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	annotations := map[string]string{
		v1alpha1.AnnotationInput:    work.InputDigest,
		v1alpha1.AnnotationRun:      fmt.Sprint(work.Run),
		v1alpha1.AnnotationRevision: work.Revision,
	}
	if work.StorageVersion != "" {
		annotations[v1alpha1.AnnotationStorage] = work.StorageVersion
	}
	if work.Retry > 0 {
		annotations[v1alpha1.AnnotationRetry] = fmt.Sprint(work.Retry)
	}
	// Waiting for a node, a quota or a queue is not working: the pod has the deadline, and the Job has none.
	pod.ActiveDeadlineSeconds = new(int64(work.timeout().Seconds()))
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Name:        Name(work.File, &work.Start),
			Namespace:   work.File.Namespace,
			Labels:      withQueue(labels, work),
			Annotations: annotations,
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(work.File, v1alpha1.GroupVersion.WithKind("RecordingFile")),
			},
		},
		Spec: batchv1.JobSpec{
			BackoffLimit:            new(work.retries()),
			TTLSecondsAfterFinished: new(int32(ttl.Seconds())),
			PodReplacementPolicy:    new(batchv1.Failed), // never two pods of one step at once
			PodFailurePolicy:        failurePolicy(),
			Template:                corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
		},
	}
}

// withQueue adds the labels of Kueue. They are the Job's alone: by a pod's own Kueue would queue it once more.
func withQueue(labels map[string]string, work *Work) map[string]string {
	if work.QueueName == "" {
		return labels
	}
	labels = maps.Clone(labels)
	labels[v1alpha1.LabelQueueName] = work.QueueName
	if work.PriorityClass != "" {
		labels[v1alpha1.LabelQueuePriorityClass] = work.PriorityClass
	}
	return labels
}

// EncodeSpec writes the StepSpec as JSON without a dollar sign: the kubelet expands $(NAME) and $$ in the environment,
// and an object's key may hold either.
func EncodeSpec(spec *workerapi.StepSpec) (string, error) {
	encoded, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("encode the step: %w", err)
	}
	escaped := strings.ReplaceAll(string(encoded), "$", `\u0024`)
	if len(escaped) > maxSpecBytes {
		return "", fmt.Errorf("what the step's containers are told has %d bytes; at most %d are allowed, and each $ counts as six",
			len(escaped), maxSpecBytes)
	}
	return escaped, nil
}

// failurePolicy ends the Job at once when another attempt cannot succeed or there is nothing to do, and does not count attempts that the
// cluster took away (eviction, preemption, drain).
func failurePolicy() *batchv1.PodFailurePolicy {
	return &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
		{
			Action: batchv1.PodFailurePolicyActionFailJob,
			OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
				Operator: batchv1.PodFailurePolicyOnExitCodesOpIn,
				Values:   []int32{workerapi.ExitPermanent, workerapi.ExitSkipped},
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

func newStepSpec(work *Work, kind Kind) (*workerapi.StepSpec, *pipeline.Problem) {
	settings, err := json.Marshal(kind.Settings)
	if err != nil {
		return nil, problemf(v1alpha1.ReasonJobInvalid, "encode the step's settings: %v", err)
	}
	if work.Step.Output == nil || work.OutputStorage == nil {
		return nil, problemf(v1alpha1.ReasonPipelineInvalid, "step %q has no output", work.Step.Name)
	}
	inputs, problem := newInputs(work, kind.Main != nil)
	if problem != nil {
		return nil, problem
	}
	denied := make([]string, len(work.DeniedNetworks))
	for i, network := range work.DeniedNetworks {
		denied[i] = network.String()
	}
	return &workerapi.StepSpec{
		Namespace: work.File.Namespace,
		File:      work.File.Name,
		UID:       string(work.File.UID),
		Step:      work.Step.Name,
		Kind:      kind.Name,
		Settings:  settings,
		Inputs:    inputs,
		Destination: workerapi.Destination{
			Storage: workerapi.Storage{Name: work.OutputStorage.Name, Spec: work.OutputStorage.Spec},
			Path:    expandPath(work.Step.Output.Path, work.File, work.Facts, work.Step.Name),
		},
		DeniedNetworks:  denied,
		RequireLandlock: work.RequireLandlock,
	}, nil
}
