/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package controller

import (
	"context"
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/plan"
	"sparkrtc.dev/recording-operator/internal/task"
)

// observeJob is the Job as the plan sees it.
func observeJob(job *batchv1.Job, result *task.Result) plan.Job {
	observed := plan.Job{
		Name:         job.Name,
		Step:         job.Labels[v1alpha1.LabelStep],
		Input:        job.Annotations[v1alpha1.AnnotationInput],
		Revision:     job.Annotations[v1alpha1.AnnotationRevision],
		Suspended:    job.Spec.Suspend != nil && *job.Spec.Suspend,
		Deleting:     !job.DeletionTimestamp.IsZero(),
		FailedPods:   job.Status.Failed,
		CreationTime: job.CreationTimestamp,
		Result:       result,
	}
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		ended := condition.LastTransitionTime
		switch condition.Type {
		case batchv1.JobComplete:
			observed.State = plan.JobSucceeded
			observed.CompletionTime = &ended
		case batchv1.JobFailed:
			observed.State = plan.JobFailed
			observed.CompletionTime = &ended
			observed.Reason, observed.Message = condition.Reason, condition.Message
		case batchv1.JobSuspended, batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet:
			// On the way; the Job is still active.
		}
	}
	return observed
}

// observeResult is what the last pod of the Job that ended has said; nil when none has.
func (r *FileReconciler) observeResult(ctx context.Context, job *batchv1.Job) (*task.Result, error) {
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, client.InNamespace(job.Namespace), client.MatchingFields{indexJob: job.Name}); err != nil {
		return nil, fmt.Errorf("list pods of job %s: %w", job.Name, err)
	}
	var last *corev1.Pod
	for i := range pods.Items {
		pod := &pods.Items[i]
		if ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed; !ended {
			continue
		}
		if last == nil || last.Status.Phase == corev1.PodFailed && (pod.Status.Phase == corev1.PodSucceeded ||
			last.CreationTimestamp.Before(&pod.CreationTimestamp)) {
			last = pod
		}
	}
	if last == nil {
		return nil, nil //nolint:nilnil // no pod has spoken, which is no error
	}
	return podResult(last), nil
}

// podResult reads the word of the container that failed, or of the last one.
func podResult(pod *corev1.Pod) *task.Result {
	containers := append(append([]corev1.ContainerStatus{}, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...)
	for _, container := range containers {
		ended := container.State.Terminated
		if ended == nil {
			continue
		}
		if ended.ExitCode == 0 && container.Name != task.ContainerPublish {
			continue
		}
		result, err := task.DecodeResult(ended.Message)
		if err == nil && (ended.ExitCode == 0 || result.Failure != nil) {
			return &result
		}
		return &task.Result{Failure: unspoken(container.Name, ended)}
	}
	message := pod.Status.Message
	if message == "" {
		message = "the pod ended without running"
	}
	return &task.Result{Failure: &task.Failure{Reason: nonEmpty(pod.Status.Reason, task.ReasonInterrupted), Message: message}}
}

// unspoken describes a container that ended without a result of its own, for example killed for its memory.
func unspoken(name string, ended *corev1.ContainerStateTerminated) *task.Failure {
	message := fmt.Sprintf("container %q ended with exit code %d", name, ended.ExitCode)
	if ended.Reason == "OOMKilled" {
		message += " because it ran out of memory; raise the step's resources.limits.memory"
	}
	if said := strings.TrimSpace(ended.Message); said != "" {
		const keep = 512
		if len(said) > keep {
			said = strings.ToValidUTF8(said[len(said)-keep:], "")
		}
		message += ": " + said
	}
	return &task.Failure{Reason: nonEmpty(ended.Reason, task.ReasonInternal), Message: message}
}

func nonEmpty(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
