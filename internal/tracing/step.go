// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	corev1 "k8s.io/api/core/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Step is a step that ended.
type Step struct {
	// Status is what is reported of it.
	Status *v1alpha1.StepStatus
	// Kind is its kind, for example transcode.
	Kind string
	// Ready is when nothing but a slot was left to wait for: the file was there, and the steps before it had ended.
	Ready time.Time
	// JobCreated is when its last Job was created; zero: it had none, or that is gone.
	JobCreated time.Time
	// Asked is when it began to wait for a person; zero: it did not. It has no Job then.
	Asked time.Time
	// Pods are those of its Jobs, with the states of their containers.
	Pods []corev1.Pod
}

// StepEnded records what a step spent its time on: waiting for a slot (queue), starting pods (start), each container (fetch,
// process or main, publish), a person's decision (approval), and until the status said it (reconcile). now is when that was
// written.
func (t *Tracer) StepEnded(recording Recording, step Step, now time.Time) {
	begun := step.JobCreated
	if begun.IsZero() {
		begun = step.Asked
	}
	if t == nil || begun.IsZero() || step.Status.CompletionTime == nil {
		return
	}
	completed := step.Status.CompletionTime.Time
	whole := span{name: "step " + step.Status.Name, start: step.Ready, end: now, attributes: []attribute.KeyValue{
		attribute.String("recording.step.kind", step.Kind), attribute.String("recording.step.state", string(step.Status.State)),
	}}
	if !step.JobCreated.IsZero() {
		whole.attributes = append(whole.attributes, attribute.Int("recording.step.attempts", int(step.Status.Attempts)), attribute.String("k8s.job.name", step.Status.JobName))
	}
	if step.Status.State == v1alpha1.StepFailed {
		whole.failed = step.Status.Reason
	}
	under := t.record(recording.under(), whole)
	t.record(under, span{name: "queue", start: step.Ready, end: begun})
	if !step.Asked.IsZero() {
		t.record(under, span{name: "approval", start: step.Asked, end: completed})
	}
	t.podsEnded(under, step.Pods)
	t.record(under, span{name: "reconcile", start: completed, end: now})
}

// podsEnded records the containers of pods, and how long each took to start.
func (t *Tracer) podsEnded(under context.Context, pods []corev1.Pod) {
	for i := range pods {
		pod := &pods[i]
		from := pod.CreationTimestamp.Time
		for _, container := range ended(pod) {
			run := container.State.Terminated
			if !from.IsZero() {
				t.record(under, span{name: "start " + container.Name, start: from, end: run.StartedAt.Time, attributes: []attribute.KeyValue{attribute.String("k8s.pod.name", pod.Name)}})
			}
			one := span{name: container.Name, start: run.StartedAt.Time, end: run.FinishedAt.Time, attributes: []attribute.KeyValue{
				attribute.String("k8s.pod.name", pod.Name), attribute.String("k8s.container.name", container.Name), attribute.Int("process.exit.code", int(run.ExitCode)),
			}}
			if run.ExitCode != 0 {
				one.failed = run.Reason
			}
			t.record(under, one)
			from = run.FinishedAt.Time
		}
	}
}

// ended are a pod's containers that ran and ended, in the order in which they ran.
func ended(pod *corev1.Pod) []corev1.ContainerStatus {
	var found []corev1.ContainerStatus
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			if run := statuses[i].State.Terminated; run != nil && !run.StartedAt.IsZero() {
				found = append(found, statuses[i])
			}
		}
	}
	return found
}

// RecordingEnded records the root of a trace: a run of a file whose last step has ended. begin is when the file was created
// or the run began.
func (t *Tracer) RecordingEnded(recording Recording, status *v1alpha1.ProcessingStatus, source, reason string, begin, now time.Time) {
	if t == nil {
		return
	}
	whole := span{name: "recording", start: begin, end: now, attributes: []attribute.KeyValue{
		attribute.String("recording.namespace", recording.Namespace), attribute.String("recording.file", recording.Name),
		attribute.String("recording.source", source), attribute.Int("recording.run", int(max(recording.Run, 1))), attribute.String("recording.reason", reason),
	}}
	if status.Pipeline != nil {
		whole.attributes = append(whole.attributes, attribute.String("recording.pipeline", status.Pipeline.Name))
	}
	if reason == v1alpha1.ReasonFailed {
		whole.failed = reason
	}
	t.record(recording.asRoot(), whole)
}
