// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestFileReconciler_ForgedPodSpeaksForNoJob: a pod with a Job's labels, that the Job's controller did not make or adopt,
// is not heard; one that another Job of the name made neither.
func TestFileReconciler_ForgedPodSpeaksForNoJob(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	job := jobOf(t, g, namespace, "mp4")
	said := func(name string) string {
		return result(t, workerapi.Result{Outputs: []v1alpha1.Artifact{{Name: name, URI: publishedAt(job, name), Bucket: "archive",
			Key: publishedAt(job, name)[len("s3://archive/"):], MediaType: "video/mp4"}}})
	}
	another := job.DeepCopy()
	another.UID = "another"
	for _, owners := range [][]metav1.OwnerReference{nil, {*metav1.NewControllerRef(another, batchv1.SchemeGroupVersion.WithKind("Job"))}} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "forged-", OwnerReferences: owners,
			Labels: map[string]string{batchv1.JobNameLabel: job.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelFile: job.Labels[v1alpha1.LabelFile]}},
			Spec: job.Spec.Template.Spec}
		create(t, pod)
		pod.Status.Phase, pod.Status.ContainerStatuses = corev1.PodSucceeded, []corev1.ContainerStatus{ended(workerapi.ContainerPublish, 0, said("forged.mp4"))}
		g.Expect(k8s.Status().Update(t.Context(), pod)).To(Succeed())
	}
	finish(t, job, batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
	step := func() v1alpha1.StepStatus {
		file := &v1alpha1.RecordingFile{}
		if err := k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: job.Labels[v1alpha1.LabelFile]}, file); err != nil || len(file.Status.Steps) == 0 {
			return v1alpha1.StepStatus{}
		}
		return file.Status.Steps[0]
	}
	g.Consistently(func() []v1alpha1.Artifact { return step().Outputs }, time.Second, poll).Should(BeEmpty())
	say(t, job, corev1.PodSucceeded, ended(workerapi.ContainerPublish, 0, said("true.mp4")))
	g.Eventually(func(g Gomega) {
		g.Expect(step().Outputs).To(HaveLen(1))
		g.Expect(step().Outputs[0].Name).To(Equal("true.mp4"))
	}, timeout, poll).Should(Succeed())
}
