// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Observer is embedded by kinds whose steps run as Jobs of the worker.
type Observer struct{}

// Observe reads a Job and its pods.
func (Observer) Observe(job *batchv1.Job, pods []corev1.Pod) pipeline.Child {
	return Observe(job, pods)
}

// Observe is a Job, with its pods, as a decision is made from it.
func Observe(job *batchv1.Job, pods []corev1.Pod) pipeline.Child {
	run, err := strconv.ParseInt(job.Annotations[v1alpha1.AnnotationRun], 10, 32)
	if err != nil {
		run = 0 // no run has this number
	}
	retry, err := strconv.ParseInt(job.Annotations[v1alpha1.AnnotationRetry], 10, 32)
	if err != nil {
		retry = 0
	}
	_, suspendedByUs := job.Annotations[v1alpha1.AnnotationSuspended]
	observed := pipeline.Child{
		Name:            job.Name,
		UID:             job.UID,
		ResourceVersion: job.ResourceVersion,
		Step:            job.Labels[v1alpha1.LabelStep],
		Input:           job.Annotations[v1alpha1.AnnotationInput],
		Run:             int32(run),
		Retry:           int32(retry),
		Storage:         job.Annotations[v1alpha1.AnnotationStorage],
		Revision:        job.Annotations[v1alpha1.AnnotationRevision],
		Queue:           job.Labels[v1alpha1.LabelQueueName],
		Suspended:       job.Spec.Suspend != nil && *job.Spec.Suspend,
		SuspendedByUs:   suspendedByUs,
		Deleting:        !job.DeletionTimestamp.IsZero(),
		FailedPods:      job.Status.Failed,
		CreationTime:    job.CreationTimestamp,
		Result:          result(job, pods),
	}
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		ended := condition.LastTransitionTime
		switch condition.Type {
		case batchv1.JobComplete:
			observed.State = pipeline.ChildSucceeded
			observed.CompletionTime = &ended
		case batchv1.JobFailed:
			observed.State = pipeline.ChildFailed
			observed.CompletionTime = &ended
			observed.Reason, observed.Message = condition.Reason, condition.Message
		case batchv1.JobSuspended, batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet:
			// On the way; the Job is still active.
		}
	}
	if observed.State == pipeline.ChildActive && !observed.Suspended && !observed.Deleting {
		observed.Waiting = waiting(job, pods)
	}
	refuseMisplaced(job, &observed)
	return observed
}

// result is that of the last pod that ended; nil when none has.
func result(job *batchv1.Job, pods []corev1.Pod) *workerapi.Result {
	var last *corev1.Pod
	for i := range pods {
		pod := &pods[i]
		if !hasEnded(pod) {
			continue
		}
		if last == nil || last.Status.Phase == corev1.PodFailed && (pod.Status.Phase == corev1.PodSucceeded ||
			last.CreationTimestamp.Before(&pod.CreationTimestamp)) {
			last = pod
		}
	}
	if last == nil {
		return nil
	}
	return podResult(job, last)
}

// podResult reads the result of the container that failed, or of the last one.
func podResult(job *batchv1.Job, pod *corev1.Pod) *workerapi.Result {
	switch pod.Status.Reason {
	case podEvicted:
		return &workerapi.Result{Failure: &workerapi.Failure{Reason: podEvicted, Message: nonEmpty(pod.Status.Message, "the node took the pod away")}}
	case podDeadline:
		return &workerapi.Result{Failure: tookTooLong(job, pod)}
	}
	for _, container := range containersOf(pod) {
		ended := container.State.Terminated
		if ended == nil {
			continue
		}
		if ended.ExitCode == 0 && !isLast(container.Name) {
			continue
		}
		if container.Name == workerapi.ContainerMain {
			return &workerapi.Result{Failure: mainResult(job, ended)}
		}
		return workerResult(job, container.Name, ended)
	}
	return &workerapi.Result{Failure: &workerapi.Failure{
		Reason: nonEmpty(pod.Status.Reason, workerapi.ReasonInterrupted), Message: nonEmpty(pod.Status.Message, "the pod ended without running")}}
}

// workerResult reads the result of a container of the worker's.
func workerResult(job *batchv1.Job, name string, ended *corev1.ContainerStateTerminated) *workerapi.Result {
	result, err := workerapi.DecodeResult(ended.Message)
	reported := err == nil && (ended.ExitCode == 0 || result.Failure != nil)
	permanent := reported && result.Failure != nil && result.Failure.Permanent
	switch {
	case ended.ExitCode != 0 && ended.Reason == containerOutOfMemory && !permanent:
		// The worker may have survived the program that was killed, and not know why that one died. But a failure that
		// it calls permanent has another cause.
		return &workerapi.Result{Failure: outOfMemory(job, name), Integrity: result.Integrity}
	case reported:
		return &result
	}
	return &workerapi.Result{Failure: silent(job, name, ended)}
}

// isLast says that a container is the last of its pod: of those that succeed it alone is heard.
func isLast(name string) bool {
	return name == workerapi.ContainerPublish || name == workerapi.ContainerTrigger
}

// Reasons that Kubernetes gives.
const (
	// podEvicted: the kubelet ended the pod, because it used more disk than it may, or the node ran short of something.
	podEvicted = "Evicted"
	// podDeadline: the kubelet ended the pod, because it took longer than its activeDeadlineSeconds.
	podDeadline = "DeadlineExceeded"
	// containerOutOfMemory: a process of the container was killed for its memory.
	containerOutOfMemory = "OOMKilled"
	// containerError: the container ended with an exit code that is not 0. What it said is in its log.
	containerError = "Error"
)

// tookTooLong says whether a pod whose time is over has worked at all.
func tookTooLong(job *batchv1.Job, pod *corev1.Pod) *workerapi.Failure {
	timeout := "its timeout"
	if seconds := job.Spec.Template.Spec.ActiveDeadlineSeconds; seconds != nil {
		timeout += " of " + (time.Duration(*seconds) * time.Second).String()
	}
	if !hasStarted(pod) {
		return &workerapi.Failure{Reason: workerapi.ReasonNotStarted,
			Message: "the containers did not start within " + timeout + ": the node could not pull the image or mount a volume"}
	}
	return &workerapi.Failure{Reason: podDeadline, Message: "the attempt took longer than " + timeout}
}

// outOfMemory says what to do about a container that needed more memory than it may have.
func outOfMemory(job *batchv1.Job, container string) *workerapi.Failure {
	step := job.Labels[v1alpha1.LabelStep]
	failure := &workerapi.Failure{Reason: workerapi.ReasonOutOfMemory}
	if limit := limitOf(job, container); limit != "" {
		failure.Message = fmt.Sprintf("container %q needed more than its limit of %s of memory; raise resources.limits.memory of step %q in the pipeline",
			container, limit, step)
	} else {
		failure.Message = fmt.Sprintf("the node had too little memory for container %q; raise resources.requests.memory of step %q in the pipeline",
			container, step)
	}
	return failure
}

// limitOf is the memory limit of a container; empty: it has none.
func limitOf(job *batchv1.Job, name string) string {
	pod := &job.Spec.Template.Spec
	for _, container := range append(append([]corev1.Container{}, pod.InitContainers...), pod.Containers...) {
		if limit, ok := container.Resources.Limits[corev1.ResourceMemory]; ok && container.Name == name {
			return limit.String()
		}
	}
	return ""
}

// silent describes a container that ended without a result of its own. Its log stays where it is: the message is for a
// person who wants to know what to do.
func silent(job *batchv1.Job, name string, ended *corev1.ContainerStateTerminated) *workerapi.Failure {
	message := fmt.Sprintf("container %q ended with exit code %d and no result", name, ended.ExitCode)
	if said := strings.TrimSpace(ended.Message); said != "" && ended.Reason != containerError {
		// It never ran, and this is the message of the container runtime, which is in no log.
		message += ": " + firstLine(said)
	} else {
		message += fmt.Sprintf("; see kubectl logs job/%s -c %s", job.Name, name)
	}
	return &workerapi.Failure{Reason: nonEmpty(ended.Reason, workerapi.ReasonInternal), Message: message}
}

// firstLine is the first line of a text, of at most 256 bytes.
func firstLine(text string) string {
	const most = 256
	line, _, _ := strings.Cut(text, "\n")
	return strings.ToValidUTF8(line[:min(len(line), most)], "")
}

func nonEmpty(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
