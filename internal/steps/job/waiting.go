// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
)

const (
	// jobBackoff is the longest that the Job controller waits before it creates another pod after one that failed.
	jobBackoff = 10 * time.Minute
	// lostNode is how long a deleted pod may stay beyond its grace period before its node counts as lost.
	lostNode = time.Minute
)

// waiting says why the pod of an active Job has not started; nil: it has. The words are Kubernetes' own where a pod's
// status has them. What the Job controller and the kubelet say in events alone is not read, since that takes a right to
// all events of a namespace: there the message names the command that shows them.
func waiting(job *batchv1.Job, pods []corev1.Pod) *pipeline.Waiting {
	i := slices.IndexFunc(pods, func(pod corev1.Pod) bool { return !hasEnded(&pod) })
	if i < 0 {
		return withoutPod(job, pods)
	}
	pod := &pods[i]
	if at := pod.DeletionTimestamp; at != nil {
		return &pipeline.Waiting{Reason: v1alpha1.ReasonPodTerminating, Since: at.Add(lostNode), Message: fmt.Sprintf(
			"pod %q was deleted, but node %q does not confirm that it has ended; the step goes on when the node is back, or, if it is gone for good, after 'kubectl delete node %s'",
			pod.Name, pod.Spec.NodeName, pod.Spec.NodeName)}
	}
	if scheduled := scheduling(pod); scheduled != nil && scheduled.Status == corev1.ConditionFalse {
		return &pipeline.Waiting{Reason: nonEmpty(scheduled.Reason, corev1.PodReasonUnschedulable), Message: scheduled.Message, Since: scheduled.LastTransitionTime.Time}
	}
	reason, message := containerWaits(pod)
	switch {
	case reason != "":
		return &pipeline.Waiting{Reason: reason, Message: message, Since: beganToWait(pod)}
	case hasStarted(pod):
		return nil
	}
	message = fmt.Sprintf("a node has accepted pod %[1]q, and pulls the image or mounts the volumes; 'kubectl describe pod %[1]s' shows what it waits for", pod.Name)
	if scheduling(pod) == nil {
		message = fmt.Sprintf("no scheduler has looked at pod %q", pod.Name)
	}
	return &pipeline.Waiting{Reason: v1alpha1.ReasonContainersNotStarted, Message: message, Since: beganToWait(pod)}
}

// withoutPod is what a Job without a live pod waits for. After a failed attempt the Job controller pauses.
func withoutPod(job *batchv1.Job, pods []corev1.Pod) *pipeline.Waiting {
	since := job.CreationTimestamp.Time
	if started := job.Status.StartTime; started != nil && started.After(since) {
		since = started.Time // it was suspended before
	}
	for i := range pods {
		if ended := beganToWait(&pods[i]).Add(jobBackoff); ended.After(since) {
			since = ended
		}
	}
	return &pipeline.Waiting{Reason: v1alpha1.ReasonPodNotCreated, Since: since, Message: fmt.Sprintf(
		"the Job controller has created no pod: a ResourceQuota, a LimitRange or an admission policy may refuse it; 'kubectl describe job %s' shows the reason", job.Name)}
}

// Stage says in a word or two how far a pod is on its way to its containers; it changes when there is something new to
// say of it. Empty: nothing yet.
func Stage(pod *corev1.Pod) string {
	reason, _ := containerWaits(pod)
	scheduled := scheduling(pod)
	switch {
	case hasEnded(pod):
		return "Ended"
	case pod.DeletionTimestamp != nil:
		return v1alpha1.ReasonPodTerminating
	case scheduled != nil && scheduled.Status == corev1.ConditionFalse:
		return scheduled.Reason + pipeline.Gist(scheduled.Message)
	case reason != "":
		return reason
	case hasStarted(pod):
		return "Started"
	}
	return ""
}

// containerWaits is why a container cannot start, in the kubelet's words; empty: nothing keeps it from starting.
func containerWaits(pod *corev1.Pod) (reason, message string) {
	for _, container := range containersOf(pod) {
		wait := container.State.Waiting
		if wait == nil {
			continue
		}
		switch wait.Reason {
		case "", "ContainerCreating", "PodInitializing":
		case "ErrImagePull": // the two take turns
			return v1alpha1.ReasonImagePull, wait.Message
		default:
			return wait.Reason, wait.Message
		}
	}
	return "", ""
}

// beganToWait is when the last container ended, or else the pod was scheduled, or else created.
func beganToWait(pod *corev1.Pod) time.Time {
	since := pod.CreationTimestamp.Time
	if scheduled := scheduling(pod); scheduled != nil && scheduled.LastTransitionTime.After(since) {
		since = scheduled.LastTransitionTime.Time
	}
	for _, container := range containersOf(pod) {
		if ended := container.State.Terminated; ended != nil && ended.FinishedAt.After(since) {
			since = ended.FinishedAt.Time
		}
	}
	return since
}

func scheduling(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodScheduled {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// IsRunning says that a container of a pod runs.
func IsRunning(pod *corev1.Pod) bool {
	return !hasEnded(pod) && slices.ContainsFunc(containersOf(pod), func(container corev1.ContainerStatus) bool { return container.State.Running != nil })
}

// hasStarted says that a container has run.
func hasStarted(pod *corev1.Pod) bool {
	return slices.ContainsFunc(containersOf(pod), func(container corev1.ContainerStatus) bool {
		ended := container.State.Terminated
		return container.State.Running != nil || ended != nil && !ended.StartedAt.IsZero()
	})
}

func containersOf(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}
