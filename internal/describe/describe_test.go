// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func TestNow_SaysWhatRunsElseWhatIsWaitedFor(t *testing.T) {
	file := &v1alpha1.RecordingFile{}
	check := func(want string) {
		t.Helper()
		if got := Now(file); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	check("")
	if status, _ := Status(file); status != v1alpha1.ReasonPending {
		t.Errorf("status %s", status)
	}
	file.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: v1alpha1.ReasonQueued, Message: "1 of 2 steps succeeded"}}
	check("1 of 2 steps succeeded")
	file.Status.Queue = &v1alpha1.QueueStatus{WaitingFor: "RecordingPipeline lecture: 8 of 8 files running"}
	check("RecordingPipeline lecture: 8 of 8 files running")
	file.Status.Steps = []v1alpha1.StepStatus{
		{Name: "mp4", State: v1alpha1.StepRunning, Progress: &v1alpha1.StepProgress{Percent: 57, Stage: v1alpha1.StageProcess, Rate: "3.4x"}},
		{Name: "small", State: v1alpha1.StepRunning, Message: "pulling the image"},
		{Name: "pictures", State: v1alpha1.StepPending, Message: "waiting"},
	}
	check("mp4 57% Process 3.4x, small pulling the image")
}

func TestStep_SaysHowItIs(t *testing.T) {
	at := func(seconds int64) *metav1.Time { return new(metav1.NewTime(time.Unix(seconds, 0))) }
	for want, step := range map[string]v1alpha1.StepStatus{
		"mp4  Pending":                          {State: v1alpha1.StepPending},
		"mp4  Succeeded in 7s":                  {State: v1alpha1.StepSucceeded, StartTime: at(10), CompletionTime: at(17)},
		"mp4  Failed in 60s, SegmentMissing":    {State: v1alpha1.StepFailed, StartTime: at(10), CompletionTime: at(70), Reason: "SegmentMissing"},
		"mp4  Running, 57% Fetch":               {State: v1alpha1.StepRunning, StartTime: at(10), Progress: &v1alpha1.StepProgress{Percent: 57, Stage: v1alpha1.StageFetch}},
		"mp4  Running, 57% Publish 12 MB/s":     {State: v1alpha1.StepRunning, Progress: &v1alpha1.StepProgress{Percent: 57, Stage: v1alpha1.StagePublish, Rate: "12 MB/s"}},
		"mp4  Queued, PipelineConcurrency":      {State: v1alpha1.StepQueued, Reason: v1alpha1.ReasonPipelineConcurrency},
		"mp4  Skipped, DependencyFailed":        {State: v1alpha1.StepSkipped, Reason: v1alpha1.ReasonDependencyFailed},
		"mp4  Suspended, StorageNotReady":       {State: v1alpha1.StepSuspended, Reason: v1alpha1.ReasonStorageNotReady},
		"mp4  Succeeded, Reused":                {State: v1alpha1.StepSucceeded, Reason: v1alpha1.ReasonReused},
		"mp4  Running, ContainersNotStarted":    {State: v1alpha1.StepRunning, Reason: v1alpha1.ReasonContainersNotStarted},
		"mp4  Failed, TriggerInvalid":           {State: v1alpha1.StepFailed, Reason: v1alpha1.ReasonTriggerInvalid},
		"mp4  Pending, ImagePullBackOff":        {State: v1alpha1.StepPending, Reason: v1alpha1.ReasonImagePull},
		"mp4  Running, Unschedulable, 0% Fetch": {State: v1alpha1.StepRunning, Reason: "Unschedulable", Progress: &v1alpha1.StepProgress{Stage: v1alpha1.StageFetch}},
	} {
		step.Name = "mp4"
		if got := Step(&step); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPod_NamesWhatIsInTheWay(t *testing.T) {
	waiting := corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "not found"}
	for want, status := range map[string]corev1.PodStatus{
		"Pending":                        {},
		"Pending, Unschedulable: no GPU": {Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no GPU"}}},
		"Pending, container fetch: ImagePullBackOff: not found": {InitContainerStatuses: []corev1.ContainerStatus{{Name: "fetch", State: corev1.ContainerState{Waiting: &waiting}}}},
		"Pending, container publish ended with exit code 3":     {ContainerStatuses: []corev1.ContainerStatus{{Name: "publish", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}}}},
		"Pending, container publish":                            {ContainerStatuses: []corev1.ContainerStatus{{Name: "publish", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}},
	} {
		status.Phase = corev1.PodPending
		if got := Pod(&corev1.Pod{Status: status}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
