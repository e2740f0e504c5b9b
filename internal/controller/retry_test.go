// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"maps"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestFileReconciler_RetriesWhatIsAbsent: the file is not failed, says when it goes on, and goes on at once when the
// StorageLocation is changed; the second try has a Job of its own, and what it publishes counts.
func TestFileReconciler_RetriesWhatIsAbsent(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, oneStep())
	create(t, recordingFile(namespace, recorded()))
	first := jobOf(t, g, namespace, "keep")
	g.Expect(first.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationStorage, "archive/1 recordings/1"))
	g.Expect(first.Spec.ActiveDeadlineSeconds).To(BeNil(), "waiting is not working")
	g.Expect(first.Spec.Template.Spec.ActiveDeadlineSeconds).To(HaveValue(BeEquivalentTo(6 * 60 * 60)))
	fail(t, first, workerapi.ReasonForbidden, "the storage refuses the credentials")
	file := fileWith(t, g, namespace, v1alpha1.ReasonQueued)
	step := file.Status.Steps[0]
	g.Expect(step.State).To(Equal(v1alpha1.StepPending))
	g.Expect(step.Message).To(Equal("the storage refuses the credentials"))
	g.Expect(step.Retry.Count).To(BeEquivalentTo(1))
	g.Expect(step.Retry.NextTime.Sub(step.CompletionTime.Time)).To(Equal(time.Minute))
	g.Expect(file.Status.Summary.Reason).To(Equal(workerapi.ReasonForbidden))
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionStalled)).To(BeNil())

	location := &v1alpha1.StorageLocation{}
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "recordings"}, location)).To(Succeed())
		location.Spec.S3.CredentialsSecretRef.Name = "other"
		g.Expect(k8s.Update(t.Context(), location)).To(Succeed())
	}, timeout, poll).Should(Succeed())
	var second batchv1.Job
	g.Eventually(func(g Gomega) {
		jobs := jobsOf(t, namespace, "keep")
		g.Expect(jobs).To(HaveLen(2))
		g.Expect(jobs).To(ContainElement(HaveField("Annotations", HaveKeyWithValue(v1alpha1.AnnotationRetry, "1")), &second))
	}, timeout, poll).Should(Succeed())
	g.Expect(second.Name).To(ContainSubstring("-keep-1-1-"))
	succeed(t, &second, "s3://archive/x/a.m3u8")
	file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Steps[0].JobName).To(Equal(second.Name))
	g.Expect(file.Status.Run).To(BeEquivalentTo(1))
}

// TestFileReconciler_ReadyStorageWakes what failed over it, for example when its Secret was corrected.
func TestFileReconciler_ReadyStorageWakes(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecturePipeline(namespace, oneStep()), source(namespace, toLecture("")))
	// Nothing reads the Secret of these locations, so that they are not Ready.
	for _, name := range []string{"recordings", "archive"} {
		g.Eventually(func(g Gomega) { g.Expect(readiness(t, namespace, name)).To(Equal("False/CredentialsNotFound")) }, timeout, poll).Should(Succeed())
	}
	create(t, recordingFile(namespace, recorded()))
	fail(t, jobOf(t, g, namespace, "keep"), workerapi.ReasonForbidden, "the storage refuses the credentials")
	fileWith(t, g, namespace, v1alpha1.ReasonQueued)

	for _, name := range []string{"recordings", "archive"} { // as the reconciler of locations writes it
		location := &v1alpha1.StorageLocation{}
		g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, location)).To(Succeed())
		meta.SetStatusCondition(&location.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue,
			Reason: v1alpha1.ReasonAvailable, LastTransitionTime: metav1.NewTime(time.Now().Add(2 * time.Second))})
		g.Expect(k8s.Status().Update(t.Context(), location)).To(Succeed())
	}
	g.Eventually(func(g Gomega) { g.Expect(jobsOf(t, namespace, "keep")).To(HaveLen(2)) }, timeout, poll).Should(Succeed())
}

func readiness(t *testing.T, namespace, name string) string {
	t.Helper()
	location := &v1alpha1.StorageLocation{}
	if err := k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, location); err != nil {
		t.Fatal(err)
	}
	ready := meta.FindStatusCondition(location.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return ""
	}
	return string(ready.Status) + "/" + ready.Reason
}

// TestFileReconciler_SaysWhyAPodWaits: in Kubernetes' own words, and no longer once it has started. One write for each.
func TestFileReconciler_SaysWhyAPodWaits(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, oneStep())
	create(t, recordingFile(namespace, recorded()))
	job := jobOf(t, g, namespace, "keep")
	fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: job.Name + "-", Labels: map[string]string{batchv1.JobNameLabel: job.Name},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}},
		Spec: job.Spec.Template.Spec,
	}
	maps.Copy(pod.Labels, job.Spec.Template.Labels)
	create(t, pod)
	minuteAgo := metav1.NewTime(time.Now().Add(-time.Minute))
	update := func(change func()) {
		change()
		g.Expect(k8s.Status().Update(t.Context(), pod)).To(Succeed())
	}
	update(func() {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable",
			Message: "0/1 nodes are available: 1 Insufficient memory.", LastTransitionTime: minuteAgo}}
	})
	file := fileWith(t, g, namespace, v1alpha1.ReasonQueued)
	g.Expect(file.Status.Steps[0].State).To(Equal(v1alpha1.StepPending))
	g.Expect(file.Status.Steps[0].Message).To(Equal("0/1 nodes are available: 1 Insufficient memory."))
	g.Expect(file.Status.Summary.Reason).To(Equal("Unschedulable"))
	update(func() { pod.Status.Conditions[0].Message = "0/2 nodes are available: 2 Insufficient memory." })
	update(func() {
		pod.Status.Conditions[0].Status = corev1.ConditionTrue
		pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: workerapi.ContainerFetch, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}}}
	})
	file = fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(file.Status.Steps[0].State).To(Equal(v1alpha1.StepRunning))
	g.Expect(file.Status.Steps[0].Message).To(BeEmpty())
	g.Eventually(func() int { return statusPatches.of(client.ObjectKeyFromObject(file)) }, timeout, poll).Should(Equal(3), "Processing, Queued, Processing")
	g.Consistently(func() int { return statusPatches.of(client.ObjectKeyFromObject(file)) }, time.Second, poll).Should(Equal(3), "changed numbers alone write nothing")
}

// TestFileReconciler_Reruns a file that is done: what failed runs again, what succeeded is kept, and a step that the
// pipeline does not have is said.
func TestFileReconciler_Reruns(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	succeed(t, jobOf(t, g, namespace, "mp4"), "s3://archive/mp4/a.mp4")
	fail(t, jobOf(t, g, namespace, "keep"), workerapi.ReasonFramesMissing, "frames 3 to 9 are missing")
	file := fileWith(t, g, namespace, v1alpha1.ReasonFailed)
	notCached(t, g, file)
	ask := func(rerun v1alpha1.Rerun) {
		g.Eventually(func(g Gomega) {
			g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
			file.Spec.Rerun = &rerun
			g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
		}, timeout, poll).Should(Succeed())
	}
	ask(v1alpha1.Rerun{Token: "1", From: "mp5"})
	g.Eventually(func(g Gomega) {
		file = fileWith(t, g, namespace, v1alpha1.ReasonFailed)
		g.Expect(file.Status.Summary.Reason).To(Equal(v1alpha1.ReasonRerunInvalid))
	}, timeout, poll).Should(Succeed())
	g.Expect(file.Status.Steps[0].State).To(Equal(v1alpha1.StepSucceeded), "nothing is taken back")

	ask(v1alpha1.Rerun{Token: "2"})
	file = fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(file.Status.Run).To(BeEquivalentTo(2))
	g.Expect(file.Status.Steps[0].Reason).To(Equal(v1alpha1.ReasonReused))
	g.Expect(file.Status.Steps[0].Outputs).To(HaveLen(1))
	g.Expect(file.Status.History).To(HaveLen(1))
	g.Expect(jobsOf(t, namespace, "mp4")).To(HaveLen(1))
	var second batchv1.Job
	g.Expect(jobsOf(t, namespace, "keep")).To(ContainElement(HaveField("Name", ContainSubstring("-keep-2-")), &second))
	succeed(t, &second, "s3://archive/keep/a.m3u8")
	file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Done).To(BeTrue())
	notCached(t, g, file)
}
