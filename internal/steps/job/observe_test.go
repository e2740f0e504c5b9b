// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestPodResult says in one sentence why a step ended and what to do, without the log's text.
func TestPodResult(t *testing.T) {
	message := func(permanent bool) string {
		return encodeResult(t, workerapi.Result{Failure: &workerapi.Failure{Reason: workerapi.ReasonTranscodeFailed, Message: "ffmpeg was killed", Permanent: permanent},
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
		"a program was killed for its memory, and the worker reports another reason": {
			status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{because(ended(workerapi.ContainerProcess, workerapi.ExitTransient, message(false)), "OOMKilled")}},
			reason: workerapi.ReasonOutOfMemory, message: outOfMemory,
		},
		"a program was killed for its memory, and then something else failed for good": {
			status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{because(ended(workerapi.ContainerProcess, workerapi.ExitPermanent, message(true)), "OOMKilled")}},
			reason: workerapi.ReasonTranscodeFailed, message: "ffmpeg was killed",
		},
		"no limit, and the node had no memory": {
			unlimited: true,
			status:    corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{because(ended(workerapi.ContainerProcess, 137, ""), "OOMKilled")}},
			reason:    workerapi.ReasonOutOfMemory, message: `the node had too little memory for container "process"; raise resources.requests.memory of step "mp4" in the pipeline`,
		},
		"a crash": {
			status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended(workerapi.ContainerFetch, 2, "goroutine 1 [running]:\n0xc000123456")}},
			reason: "Error", message: `container "fetch" ended with exit code 2 and no result; see kubectl logs job/call-mp4 -c fetch`,
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
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "call-mp4", Labels: map[string]string{v1alpha1.LabelStep: "mp4"}}}
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

func ended(container string, exitCode int32, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: container, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: exitCode, Message: message, Reason: map[bool]string{true: "Completed", false: "Error"}[exitCode == 0],
	}}}
}

func encodeResult(t *testing.T, r workerapi.Result) string {
	t.Helper()
	encoded, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// TestObserve_SuspendedByUsOnlyWithOurAnnotation: a queue suspends Jobs too.
func TestObserve_SuspendedByUsOnlyWithOurAnnotation(t *testing.T) {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "j", UID: "u", ResourceVersion: "5", Annotations: map[string]string{v1alpha1.AnnotationRun: "3"}},
		Spec: batchv1.JobSpec{Suspend: new(true)}}
	if seen := Observe(job, nil); !seen.Suspended || seen.SuspendedByUs || seen.Run != 3 || seen.UID != "u" || seen.ResourceVersion != "5" {
		t.Errorf("%+v", seen)
	}
	job.Annotations[v1alpha1.AnnotationSuspended] = "spec.suspend"
	if seen := Observe(job, nil); !seen.SuspendedByUs {
		t.Errorf("%+v", seen)
	}
	for _, run := range []string{"", "first", "99999999999"} {
		job.Annotations[v1alpha1.AnnotationRun] = run
		if seen := Observe(job, nil); seen.Run != 0 {
			t.Errorf("run %q is read as %d", run, seen.Run)
		}
	}
}

// TestObserve_LastPodCounts, and one that succeeded before any that failed.
func TestObserve_LastPodCounts(t *testing.T) {
	pod := func(phase corev1.PodPhase, minute int, message string) corev1.Pod {
		code := int32(0)
		if phase == corev1.PodFailed {
			code = workerapi.ExitTransient
		}
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC))},
			Status:     corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{ended(workerapi.ContainerPublish, code, message)}},
		}
	}
	failed := func(message string) string {
		return encodeResult(t, workerapi.Result{Failure: &workerapi.Failure{Reason: workerapi.ReasonInternal, Message: message}})
	}
	published := encodeResult(t, workerapi.Result{Outputs: []v1alpha1.Artifact{{Name: "a.mp4", URI: "s3://archive/a/a.mp4", Bucket: "archive", Key: "a/a.mp4"}}})
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationDestination: "archive/a/", v1alpha1.AnnotationDestinationURI: "s3://archive/a/"}}}
	one, two, done := pod(corev1.PodFailed, 1, failed("one")), pod(corev1.PodFailed, 2, failed("two")), pod(corev1.PodSucceeded, 0, published)
	runs := pod(corev1.PodRunning, 9, "")
	for _, pods := range [][]corev1.Pod{{one, two, runs}, {two, one}} {
		if got := Observe(&batchv1.Job{}, pods).Result; got == nil || got.Failure.Message != "two" {
			t.Errorf("%+v", got)
		}
	}
	for _, pods := range [][]corev1.Pod{{one, done, two}, {done, two}} {
		if got := Observe(job, pods).Result; got == nil || got.Failure != nil || got.Outputs[0].Name != "a.mp4" {
			t.Errorf("%+v", got)
		}
	}
	if got := Observe(&batchv1.Job{}, []corev1.Pod{runs}).Result; got != nil {
		t.Errorf("a pod that runs has reported %+v", got)
	}
}
