// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestFileReconciler_WritesForThreeSteps counts all that a file with three steps, one after another, costs the API server
// after its create: one revision for all files of the pipeline, a Job a step, and no more status patches than two and one a
// step.
func TestFileReconciler_WritesForThreeSteps(t *testing.T) {
	g := NewWithT(t)
	steps := append(twoSteps(), v1alpha1.Step{Name: "last", DependsOn: []string{"keep"}, Archive: &v1alpha1.Archive{}, Output: output("last/")})
	namespace := classroom(t, steps...)
	file := recordingFile(namespace, recorded())
	file.Spec.TaskIDs = nil // a task that is not there would be created
	create(t, file)
	for _, step := range steps {
		succeedStep(t, g, namespace, step.Name)
	}
	fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	const patches = "patch status of RecordingFile"
	// The last one is seen before it is counted.
	g.Eventually(func() int { return statusPatches.in(namespace)[patches] }, timeout, poll).Should(BeNumerically(">=", 4))
	g.Consistently(func(g Gomega) {
		writes := statusPatches.in(namespace)
		g.Expect(writes[patches]).To(BeNumerically("<=", 2+3), "%v", writes)
		delete(writes, patches)
		g.Expect(writes).To(Equal(map[string]int{"create ControllerRevision": 1, "create Job": 3}))
	}, time.Second, poll).Should(Succeed())
}

// TestTriggers_WaitingCostsTheManagerNothing: of 100 triggers that wait for their objects, none is looked at again, asked or
// written to, and no reconcile of one reads or writes anything.
func TestTriggers_WaitingCostsTheManagerNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("creates many files")
	}
	g := NewWithT(t)
	const many = 100
	namespaces := make([]string, many/maxActivePerNamespace)
	for i := range namespaces {
		namespaces[i] = newNamespace(t)
		lecture := lecturePipeline(namespaces[i], v1alpha1.Step{Name: "tell", Trigger: &v1alpha1.Trigger{
			Object: &v1alpha1.TriggerObject{APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow", Fields: map[string]runtime.RawExtension{"spec": {Raw: []byte(`{}`)}}},
			Wait:   &v1alpha1.TriggerWait{Success: "has(object.status)"},
		}})
		lecture.Spec.TriggerServiceAccountName = "recording-trigger"
		create(t, storage(namespaces[i], "recordings"), lecture, source(namespaces[i], toLecture("")))
		for n := range maxActivePerNamespace {
			create(t, numbered(namespaces[i], n))
		}
	}
	written := func() map[string]map[string]int {
		all := map[string]map[string]int{}
		for _, namespace := range namespaces {
			all[namespace] = statusPatches.in(namespace)
		}
		return all
	}
	for _, namespace := range namespaces {
		var jobs []batchv1.Job
		g.Eventually(func() []batchv1.Job { jobs = jobsOf(t, namespace, "tell"); return jobs }, 2*timeout, poll).Should(HaveLen(maxActivePerNamespace))
		for i := range jobs {
			podOf(t, &jobs[i], func(status *corev1.PodStatus) {
				status.Phase, status.PodIP, status.PodIPs = corev1.PodRunning, "127.0.0.1", []corev1.PodIP{{IP: "127.0.0.1"}}
				status.ContainerStatuses = []corev1.ContainerStatus{{Name: workerapi.ContainerTrigger, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
			})
		}
	}
	var waiting []v1alpha1.RecordingFile
	g.Eventually(func(g Gomega) {
		waiting = nil
		for _, namespace := range namespaces {
			var list v1alpha1.RecordingFileList
			g.Expect(files.Client.List(t.Context(), &list, client.InNamespace(namespace))).To(Succeed())
			waiting = append(waiting, list.Items...)
		}
		for i := range waiting {
			g.Expect(waiting[i].Status.Steps).To(HaveLen(1))
			g.Expect(waiting[i].Status.Steps[0].State).To(Equal(v1alpha1.StepRunning))
		}
	}, 2*timeout, poll).Should(Succeed())
	g.Expect(waiting).To(HaveLen(many))

	// The manager asks the pods of other steps every two seconds.
	before := written()
	g.Consistently(written, 5*time.Second, 100*time.Millisecond).Should(Equal(before))
	quiet := quietly(t)
	for i := range waiting {
		result, err := quiet.Reconcile(t.Context(), requestOf(&waiting[i]))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(result).To(Equal(ctrl.Result{}), "it asks for another look")
	}
}

// TestFileReconciler_RefusedJobIsTriedAgainSoon: a quota that is used up is no error, which would be tried again less and less
// often, so that a file waited for a quarter of an hour when there is room again.
func TestFileReconciler_RefusedJobIsTriedAgainSoon(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, oneStep())
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "few"},
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/jobs.batch": resource.MustParse("0")}}}
	create(t, quota)
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: quota.Spec.Hard}
	g.Expect(k8s.Status().Update(t.Context(), quota)).To(Succeed())
	file := recordingFile(namespace, recorded())
	create(t, file)
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
		g.Expect(file.Status.Steps).To(HaveLen(1))
		g.Expect(file.Status.Steps[0].Message).To(ContainSubstring("exceeded quota: few"))
	}, timeout, poll).Should(Succeed())
	g.Eventually(func(g Gomega) {
		result, err := files.Reconcile(t.Context(), requestOf(file))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(result.RequeueAfter).To(Equal(time.Minute))
	}, timeout, poll).Should(Succeed())
}
