// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Step says in one line how a step is: its name and state, how long it took, why, and how far it is.
func Step(step *v1alpha1.StepStatus) string {
	text := step.Name + "  " + string(step.State)
	if took := Took(step); took != "" {
		text += " in " + took
	}
	if step.Reason != "" {
		text += ", " + step.Reason
	}
	if progress := step.Progress; progress != nil {
		text += fmt.Sprintf(", %d%% %s", progress.Percent, Stage(progress))
	}
	return text
}

// AsksPerson says that a step waits for the decision of a person.
func AsksPerson(step *v1alpha1.StepStatus) bool {
	return step.Reason == v1alpha1.ReasonWaitingForApproval
}

// Took is how long a step took that has ended, for example 7s; empty: it has not.
func Took(step *v1alpha1.StepStatus) string {
	if step.StartTime == nil || step.CompletionTime == nil {
		return ""
	}
	return duration.HumanDuration(step.CompletionTime.Sub(step.StartTime.Time))
}

// Stage says what a step does at the moment, and how fast: Process 3.4x.
func Stage(progress *v1alpha1.StepProgress) string {
	return Words(string(progress.Stage), progress.Rate)
}

// MoreOutputs is how many outputs of a step only its manifest lists.
func MoreOutputs(step *v1alpha1.StepStatus) int {
	if step.Manifest == nil {
		return 0
	}
	return int(step.Manifest.Outputs) - len(step.Outputs)
}

// Job says how a Job is.
func Job(job *batchv1.Job) string {
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		switch condition.Type {
		case batchv1.JobComplete:
			return "Complete"
		case batchv1.JobFailed:
			return With("Failed", condition.Reason)
		case batchv1.JobSuspended:
			return "Suspended"
		case batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet:
		}
	}
	return "Running"
}

// Pod is the phase of a pod, and of the container that does not run the reason.
func Pod(pod *corev1.Pod) string {
	for _, container := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if waiting := container.State.Waiting; waiting != nil && waiting.Reason != "PodInitializing" && waiting.Reason != "ContainerCreating" {
			return fmt.Sprintf("%s, container %s: %s", pod.Status.Phase, container.Name, With(waiting.Reason, waiting.Message))
		}
		if ended := container.State.Terminated; ended != nil && ended.ExitCode != 0 {
			return fmt.Sprintf("%s, container %s ended with exit code %d", pod.Status.Phase, container.Name, ended.ExitCode)
		}
		if container.State.Running != nil {
			return fmt.Sprintf("%s, container %s", pod.Status.Phase, container.Name)
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return fmt.Sprintf("%s, %s", pod.Status.Phase, With(condition.Reason, condition.Message))
		}
	}
	return string(pod.Status.Phase)
}
