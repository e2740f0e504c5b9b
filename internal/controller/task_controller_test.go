// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// tell delivers an event of the task "task".
func tell(t *testing.T, namespace, digest string, event sparkrtc.Event) {
	t.Helper()
	event.AppID, event.TaskID = "app", "task"
	if _, err := ingester.Ingest(t.Context(), ingest.Delivery{Namespace: namespace, Source: "classroom", Digest: digest, Event: event}); err != nil {
		t.Fatal(err)
	}
}

// taskWith waits until the task has the given state and files.
func taskWith(t *testing.T, g Gomega, namespace string, state v1alpha1.TaskState, files string) *v1alpha1.RecordingTask {
	t.Helper()
	task := &v1alpha1.RecordingTask{}
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: ingest.TaskNames("classroom", "task")[0]}, task)).To(Succeed())
		g.Expect(task.Status.State).To(Equal(state))
		g.Expect(task.Status.Summary.Files).To(Equal(files))
	}, timeout, poll).Should(Succeed())
	return task
}

func recordedAs(object string) sparkrtc.Event {
	return sparkrtc.Event{Type: sparkrtc.Complete, RoomID: "room", StreamName: "stream",
		File: sparkrtc.File{Bucket: "recordings", Object: object, SizeBytes: 1 << 20, DurationSeconds: 60}}
}

// A task from its first START to its end, with a file that is missing until it is reported after all.
func TestTaskReconciler_FollowsATask(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	create(t, source(namespace))
	start := sparkrtc.Event{Type: sparkrtc.Start, RoomID: "room"}
	tell(t, namespace, "1000000000000000000000000000000a", start)
	taskWith(t, g, namespace, v1alpha1.TaskRecording, "0/1")
	tell(t, namespace, "2000000000000000000000000000000b", start)
	tell(t, namespace, "", recordedAs("a.m3u8"))
	taskWith(t, g, namespace, v1alpha1.TaskRecording, "1/2")
	tell(t, namespace, "", sparkrtc.Event{Type: sparkrtc.Over})
	task := taskWith(t, g, namespace, v1alpha1.TaskEnded, "1/2")
	g.Expect(task.Status.Summary.Room).To(Equal("room"))
	g.Expect(task.Status.Summary.Stream).To(Equal("stream"), "what no START says, the file does")
	g.Expect(task.Status.Summary.Duration).To(Equal("1m0s"))
	g.Expect(meta.FindStatusCondition(task.Status.Conditions, v1alpha1.ConditionFilesMissing)).To(BeNil(), "it may still come")

	// A minute passes; a changed source has its tasks looked at.
	taskClock.ahead.Add(int64(2 * time.Minute))
	t.Cleanup(func() { taskClock.ahead.Add(-int64(2 * time.Minute)) })
	reconcileTask(t, g, task)
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(task), task)).To(Succeed())
		g.Expect(meta.IsStatusConditionTrue(task.Status.Conditions, v1alpha1.ConditionFilesMissing)).To(BeTrue())
		kinds := map[string]bool{}
		var events eventsv1.EventList
		g.Expect(k8s.List(t.Context(), &events, client.InNamespace(namespace))).To(Succeed())
		for _, event := range events.Items {
			if event.Reason == v1alpha1.ReasonFilesMissing {
				kinds[event.Regarding.Kind] = true
			}
		}
		g.Expect(kinds).To(And(HaveKey("RecordingTask"), HaveKey("RecordingSource")))
	}, timeout, poll).Should(Succeed())

	tell(t, namespace, "", recordedAs("b.m3u8"))
	task = taskWith(t, g, namespace, v1alpha1.TaskEnded, "2")
	g.Expect(meta.FindStatusCondition(task.Status.Conditions, v1alpha1.ConditionFilesMissing)).To(BeNil())
	g.Expect(meta.IsStatusConditionTrue(task.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue())
	g.Expect(task.Status.SizeBytes).To(BeEquivalentTo(2 << 20))
}

// reconcileTask has the reconciler look at a task now, once the cache has it as it is.
func reconcileTask(t *testing.T, g Gomega, task *v1alpha1.RecordingTask) {
	t.Helper()
	g.Eventually(func(g Gomega) {
		live, cached := &v1alpha1.RecordingTask{}, &v1alpha1.RecordingTask{}
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(task), live)).To(Succeed())
		g.Expect(files.Client.Get(t.Context(), client.ObjectKeyFromObject(task), cached)).To(Succeed())
		g.Expect(cached.ResourceVersion).To(Equal(live.ResourceVersion))
	}, timeout, poll).Should(Succeed())
	_, err := tasks.Reconcile(t.Context(), requestOf(task))
	g.Expect(err).NotTo(HaveOccurred())
}

// A task whose end was never reported is silent once nothing came for openTimeout; a change of the source counts.
func TestTaskReconciler_SilentTask(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	patient := source(namespace)
	create(t, patient)
	tell(t, namespace, "1000000000000000000000000000000a", sparkrtc.Event{Type: sparkrtc.Start})
	task := taskWith(t, g, namespace, v1alpha1.TaskRecording, "0/1")
	taskClock.ahead.Add(int64(14 * time.Hour))
	t.Cleanup(func() { taskClock.ahead.Add(-int64(14 * time.Hour)) })
	reconcileTask(t, g, task)
	task = taskWith(t, g, namespace, v1alpha1.TaskSilent, "0/1")
	g.Expect(meta.IsStatusConditionTrue(task.Status.Conditions, v1alpha1.ConditionFilesMissing)).To(BeTrue())
	patch := client.MergeFrom(patient.DeepCopy())
	patient.Spec.OpenTimeout = durationOf(700 * time.Hour)
	g.Expect(k8s.Patch(t.Context(), patient, patch)).To(Succeed())
	taskWith(t, g, namespace, v1alpha1.TaskRecording, "0/1")
}

// A task whose START was lost is created for its file, once: one that is deleted later does not come back.
func TestFileReconciler_CreatesATaskOnce(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	task := taskWith(t, g, namespace, v1alpha1.TaskRecording, "1")
	g.Expect(task.Spec).To(Equal(v1alpha1.RecordingTaskSpec{SourceRef: v1alpha1.LocalReference{Name: "classroom"}, TaskID: "task"}),
		"what a task says follows from its STARTs and OVERs alone")
	g.Expect(task.OwnerReferences).To(BeEmpty())
	file := fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(file.OwnerReferences).To(BeEmpty(), "deleting a task deletes no recording")
	g.Expect(file.Status.TaskIDs).To(ConsistOf("task"))

	g.Expect(k8s.Delete(t.Context(), task)).To(Succeed())
	succeed(t, jobOf(t, g, namespace, "mp4"), "s3://archive/a.mp4")
	succeed(t, jobOf(t, g, namespace, "keep"), "s3://archive/a.m3u8")
	file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	file.Spec.Reported.Room = "zzz"
	g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
		g.Expect(file.Status.ObservedGeneration).To(Equal(file.Generation))
	}, timeout, poll).Should(Succeed())
	g.Expect(apierrors.IsNotFound(k8s.Get(t.Context(), client.ObjectKeyFromObject(task), task))).To(BeTrue())
}
