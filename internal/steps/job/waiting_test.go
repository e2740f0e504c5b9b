// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// at is so many seconds after the Job was created.
func at(seconds int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(seconds) * time.Second))
}

func waitingPod(change func(*corev1.Pod)) corev1.Pod {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", CreationTimestamp: at(1)}, Spec: corev1.PodSpec{NodeName: "n"},
		Status: corev1.PodStatus{Phase: corev1.PodPending}}
	change(&pod)
	return pod
}

func scheduledAt(status corev1.ConditionStatus, seconds int, reason, message string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: status, LastTransitionTime: at(seconds), Reason: reason, Message: message}}
	}
}

// onNode is a pod that a node has accepted, whose containers wait like this.
func onNode(reasons ...string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		scheduledAt(corev1.ConditionTrue, 3, "", "")(pod)
		for _, reason := range reasons {
			pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, corev1.ContainerStatus{
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "words of " + reason}}})
		}
	}
}

// TestObserve_SaysWhyAPodHasNotStarted walks through what keeps a pod from starting.
func TestObserve_SaysWhyAPodHasNotStarted(t *testing.T) {
	started := func(pod *corev1.Pod) {
		onNode()(pod)
		pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(5)}}}}
	}
	for name, test := range map[string]struct {
		job  func(*batchv1.Job)
		pods []func(*corev1.Pod)
		// reason "": it does not wait. message is a part of it, since in seconds.
		reason, message string
		since           int
	}{
		"a quota, limits or an admission policy refuse the pod": {reason: v1alpha1.ReasonPodNotCreated, message: "'kubectl describe job j' shows the reason"},
		"the same after a queue let it go":                      {job: func(j *batchv1.Job) { j.Status.StartTime = new(at(100)) }, reason: v1alpha1.ReasonPodNotCreated, since: 100},
		"a pause after a failed attempt": {pods: []func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed }},
			reason: v1alpha1.ReasonPodNotCreated, since: 601},
		"no node has room": {pods: []func(*corev1.Pod){scheduledAt(corev1.ConditionFalse, 2, "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu.")},
			reason: "Unschedulable", message: "0/1 nodes are available: 1 Insufficient cpu.", since: 2},
		"the claim is missing": {pods: []func(*corev1.Pod){scheduledAt(corev1.ConditionFalse, 2, "Unschedulable", `persistentvolumeclaim "nas" not found`)},
			reason: "Unschedulable", message: `persistentvolumeclaim "nas" not found`, since: 2},
		"a gate":                   {pods: []func(*corev1.Pod){scheduledAt(corev1.ConditionFalse, 2, "SchedulingGated", "gated")}, reason: "SchedulingGated", since: 2},
		"no scheduler":             {pods: []func(*corev1.Pod){func(*corev1.Pod) {}}, reason: v1alpha1.ReasonContainersNotStarted, message: "no scheduler", since: 1},
		"the image is not there":   {pods: []func(*corev1.Pod){onNode("ErrImagePull")}, reason: v1alpha1.ReasonImagePull, message: "words of ErrImagePull", since: 3},
		"and is tried again later": {pods: []func(*corev1.Pod){onNode("ImagePullBackOff")}, reason: v1alpha1.ReasonImagePull, since: 3},
		"a Secret of the environment is missing": {pods: []func(*corev1.Pod){onNode("CreateContainerConfigError", "PodInitializing")},
			reason: "CreateContainerConfigError", message: "words of CreateContainerConfigError", since: 3},
		"a Secret to mount is missing, or the image is pulled": {pods: []func(*corev1.Pod){onNode("PodInitializing", "ContainerCreating")},
			reason: v1alpha1.ReasonContainersNotStarted, message: "'kubectl describe pod p' shows", since: 3},
		"a lost node": {pods: []func(*corev1.Pod){func(pod *corev1.Pod) {
			started(pod)
			pod.DeletionTimestamp = new(at(30))
		}}, reason: v1alpha1.ReasonPodTerminating, message: `node "n" does not confirm`, since: 90},
		"a queue": {job: func(j *batchv1.Job) { j.Spec.Suspend = new(true) }}, // said by the Job alone
		"started": {pods: []func(*corev1.Pod){started}},
		"ended": {job: func(j *batchv1.Job) {
			j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: "True"}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "j", CreationTimestamp: at(0)}}
			if test.job != nil {
				test.job(job)
			}
			var pods []corev1.Pod
			for _, change := range test.pods {
				pods = append(pods, waitingPod(change))
			}
			got := Observe(job, pods).Waiting
			if test.reason == "" {
				if got != nil {
					t.Fatalf("it waits: %+v", got)
				}
				return
			}
			if got == nil || got.Reason != test.reason || !strings.Contains(got.Message, test.message) || !got.Since.Equal(at(test.since).Time) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestStage_ChangesWithTheNews and with nothing else: each change is a look at the file.
func TestStage_ChangesWithTheNews(t *testing.T) {
	stageOf := func(change func(*corev1.Pod)) string {
		pod := waitingPod(change)
		return Stage(&pod)
	}
	full := stageOf(scheduledAt(corev1.ConditionFalse, 2, "Unschedulable", "0/3 nodes are available: 3 Insufficient cpu."))
	if full != stageOf(scheduledAt(corev1.ConditionFalse, 9, "Unschedulable", "0/4 nodes are available: 4 Insufficient cpu.")) {
		t.Error("the numbers of nodes are news")
	}
	stages := []string{full, stageOf(scheduledAt(corev1.ConditionFalse, 2, "Unschedulable", `persistentvolumeclaim "nas" not found`)),
		stageOf(onNode("ErrImagePull")), stageOf(onNode("PodInitializing")), stageOf(onNode("CreateContainerConfigError"))}
	for i := range stages {
		for j := range i {
			if stages[i] == stages[j] {
				t.Errorf("stages %d and %d are both %q", i, j, stages[i])
			}
		}
	}
	if stageOf(onNode("ErrImagePull")) != stageOf(onNode("ImagePullBackOff")) {
		t.Error("each try to pull is news")
	}
	if stageOf(func(*corev1.Pod) {}) != stageOf(onNode("ContainerCreating")) {
		t.Error("each way to a node is news")
	}
}

// TestObserve_TimeoutCountsWhileAPodRuns: a pod that ran for too long is told from one that never started.
func TestObserve_TimeoutCountsWhileAPodRuns(t *testing.T) {
	job := &batchv1.Job{}
	job.Spec.Template.Spec.ActiveDeadlineSeconds = new(int64(600))
	for want, containers := range map[string][]corev1.ContainerStatus{
		podDeadline + ": the attempt took longer than its timeout of 10m0s":                       {ended(workerapi.ContainerFetch, workerapi.ExitTransient, "")},
		workerapi.ReasonNotStarted + ": the containers did not start within its timeout of 10m0s": nil,
	} {
		for i := range containers {
			containers[i].State.Terminated.StartedAt = at(5)
		}
		pod := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: podDeadline, InitContainerStatuses: containers}}
		failure := Observe(job, []corev1.Pod{pod}).Result.Failure
		if got := failure.Reason + ": " + failure.Message; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestObserve_ReadsTheRetry(t *testing.T) {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationRetry: "3", v1alpha1.AnnotationStorage: "archive/2"}}}
	if seen := Observe(job, nil); seen.Retry != 3 || seen.Storage != "archive/2" {
		t.Errorf("%+v", seen)
	}
	job.Annotations[v1alpha1.AnnotationRetry] = "often"
	if seen := Observe(job, nil); seen.Retry != 0 || seen.State != pipeline.ChildActive {
		t.Errorf("%+v", seen)
	}
}
