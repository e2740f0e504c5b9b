// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestPodResult holds that whatever ended a step is said in one sentence with what to do, without the log's words.
func TestPodResult(t *testing.T) {
	word := func(permanent bool) string {
		return result(t, workerapi.Result{Failure: &workerapi.Failure{Reason: workerapi.ReasonTranscodeFailed, Message: "ffmpeg was killed", Permanent: permanent},
			Integrity: &v1alpha1.Integrity{State: v1alpha1.IntegrityIntact, Checked: v1alpha1.CheckedStructure}})
	}
	because := func(status corev1.ContainerStatus, reason string) corev1.ContainerStatus {
		status.State.Terminated.Reason = reason
		return status
	}
	const outOfMemory = `container "process" needed more than its limit of 512Mi of memory; raise resources.limits.memory of step "mp4" in the pipeline`
	for name, test := range map[string]struct {
		status          corev1.PodStatus
		unlimited       bool
		reason, message string
	}{
		"killed for its memory": {
			status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{because(ended(workerapi.ContainerProcess, 137, "log"), "OOMKilled")}},
			reason: workerapi.ReasonOutOfMemory, message: outOfMemory,
		},
		"a program was killed for its memory, and the worker says so in other words": {
			status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{because(ended(workerapi.ContainerProcess, workerapi.ExitTransient, word(false)), "OOMKilled")}},
			reason: workerapi.ReasonOutOfMemory, message: outOfMemory,
		},
		"a program was killed for its memory, and then something else failed for good": {
			status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{because(ended(workerapi.ContainerProcess, workerapi.ExitPermanent, word(true)), "OOMKilled")}},
			reason: workerapi.ReasonTranscodeFailed, message: "ffmpeg was killed",
		},
		"no limit, and the node had no memory": {
			unlimited: true,
			status:    corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{because(ended(workerapi.ContainerProcess, 137, ""), "OOMKilled")}},
			reason:    workerapi.ReasonOutOfMemory, message: `the node had too little memory for container "process"; raise resources.requests.memory of step "mp4" in the pipeline`,
		},
		"a crash": {
			status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended(workerapi.ContainerFetch, 2, "goroutine 1 [running]:\n0xc000123456")}},
			reason: "Error", message: `container "fetch" ended with exit code 2 and no result; see kubectl logs job/film-mp4 -c fetch`,
		},
		"an image without the worker": {
			status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{because(ended(workerapi.ContainerFetch, 128, "exec: \"fetch\": not found\nmore"), "StartError")}},
			reason: "StartError", message: `container "fetch" ended with exit code 128 and no result: exec: "fetch": not found`,
		},
		"evicted": {
			status: corev1.PodStatus{Reason: "Evicted", Message: `Usage of EmptyDir volume "work" exceeds the limit "9Gi".`,
				ContainerStatuses: []corev1.ContainerStatus{ended(workerapi.ContainerProcess, 137, "")}},
			reason: "Evicted", message: `Usage of EmptyDir volume "work" exceeds the limit "9Gi".`,
		},
		"never run": {status: corev1.PodStatus{}, reason: workerapi.ReasonInterrupted, message: "the pod ended without running"},
	} {
		t.Run(name, func(t *testing.T) {
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "film-mp4", Labels: map[string]string{v1alpha1.LabelStep: "mp4"}}}
			container := corev1.Container{Name: workerapi.ContainerProcess}
			if !test.unlimited {
				container.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")}
			}
			job.Spec.Template.Spec.InitContainers = []corev1.Container{container}
			got := podResult(job, &corev1.Pod{Status: test.status})
			if got.Failure == nil || got.Failure.Reason != test.reason || got.Failure.Message != test.message {
				t.Errorf("got %+v, want %s: %s", got.Failure, test.reason, test.message)
			}
		})
	}
}

// TestPodResult_LongWordsOfTheRuntimeAreCut holds for a runtime that says much.
func TestPodResult_LongWordsOfTheRuntimeAreCut(t *testing.T) {
	status := ended(workerapi.ContainerFetch, 128, strings.Repeat("é", 4000))
	status.State.Terminated.Reason = "ContainerCannotRun"
	got := podResult(&batchv1.Job{}, &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{status}}})
	if message := got.Failure.Message; len(message) > 512 || !strings.Contains(message, "éé") {
		t.Errorf("%d bytes: %s", len(message), message)
	}
}
