//go:build e2e && integrations

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// queueName is the LocalQueue of the recipe in docs/pipelines.md. Its ClusterQueue has 4 CPUs, and each Job of the recipe's
// pipeline requests one.
const queueName = "video"

// queued is a room with the recipe of docs/pipelines.md.
func queued(t *testing.T) *room {
	t.Helper()
	r := newRoom(t)
	NewWithT(t).Eventually(func() bool {
		earlier := &unstructured.Unstructured{}
		earlier.SetAPIVersion("kueue.x-k8s.io/v1beta2")
		earlier.SetKind("ClusterQueue")
		return apierrors.IsNotFound(k8s.Get(t.Context(), client.ObjectKey{Name: queueName}, earlier))
	}, settled, poll).Should(BeTrue(), "the ClusterQueue of the test before is there until its Workloads have ended")
	r.applyForTheTest(recipe(t, "pipelines.md", "### Kueue"))
	return r
}

// hold has a Job of nobody's take a part of the quota. No node takes its pod: quota is all that it needs.
func (r *room) hold(name, cpu string) *batchv1.Job {
	r.t.Helper()
	job := &batchv1.Job{ObjectMeta: r.meta(name), Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(false), NodeSelector: map[string]string{"held": "true"},
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(65532)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "hold", Image: captionsImage, Command: []string{"sleep", "infinity"},
			Resources:       corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}},
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}}},
	}}}}
	job.Labels = map[string]string{v1alpha1.LabelQueueName: queueName}
	r.create(job)
	NewWithT(r.t).Eventually(func(g Gomega) {
		g.Expect(k8s.Get(r.t.Context(), client.ObjectKeyFromObject(job), job)).To(Succeed())
		g.Expect(job.Spec.Suspend).To(HaveValue(BeFalse()), "Kueue has not started it")
	}, settled, poll).Should(Succeed())
	return job
}

// release gives what a Job holds back.
func (r *room) release(job *batchv1.Job) {
	r.t.Helper()
	r.must(k8s.Delete(r.t.Context(), job, client.PropagationPolicy("Background")))
}

// file waits for the recording of a stream, and for a state of its only step.
func (r *room) file(stream string, state v1alpha1.StepState) *v1alpha1.RecordingFile {
	r.t.Helper()
	var found *v1alpha1.RecordingFile
	NewWithT(r.t).Eventually(func(g Gomega) {
		files := r.files()
		found = nil
		for i := range files {
			if files[i].Spec.Reported != nil && files[i].Spec.Reported.Stream == stream {
				found = &files[i]
			}
		}
		g.Expect(found).NotTo(BeNil(), stream)
		g.Expect(found.Status.Steps).To(HaveLen(1))
		g.Expect(found.Status.Steps[0].State).To(Equal(state), "%s: %s", found.Status.Steps[0].Reason, found.Status.Steps[0].Message)
	}, settled, poll).Should(Succeed())
	return found
}

// job is the Job of a file's only step.
func (r *room) job(file *v1alpha1.RecordingFile) *batchv1.Job {
	r.t.Helper()
	job := &batchv1.Job{}
	r.must(k8s.Get(r.t.Context(), client.ObjectKey{Namespace: r.namespace, Name: file.Status.Steps[0].JobName}, job))
	return job
}

// suspendWriters watches the Jobs of the operator, and returns what tells who has changed the suspend of each, as the API
// server has it in managedFields. Creating a Job is no change: the value is then that of Kueue's webhook.
func (r *room) suspendWriters() func() map[string]int {
	r.t.Helper()
	watcher, err := client.NewWithWatch(ctrl.GetConfigOrDie(), client.Options{Scheme: k8s.Scheme()})
	r.must(err)
	events, err := watcher.Watch(context.WithoutCancel(r.t.Context()), &batchv1.JobList{}, client.InNamespace(r.namespace),
		client.MatchingLabels{"app.kubernetes.io/managed-by": "recording-operator"})
	r.must(err)
	var mu sync.Mutex
	writers := map[string]int{}
	go func() {
		last := map[types.UID]bool{}
		for event := range events.ResultChan() {
			job, ok := event.Object.(*batchv1.Job)
			if !ok || event.Type == watch.Deleted {
				continue
			}
			suspended := job.Spec.Suspend != nil && *job.Spec.Suspend
			before, known := last[job.UID]
			last[job.UID] = suspended
			if known && before != suspended {
				mu.Lock()
				writers[suspendOwner(job)]++
				mu.Unlock()
			}
		}
	}()
	r.t.Cleanup(events.Stop)
	return func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(writers)
	}
}

// suspendOwner is the field manager that has written spec.suspend last.
func suspendOwner(job *batchv1.Job) string {
	for _, entry := range job.ManagedFields {
		var fields struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		if _, owns := fields.Spec["f:suspend"]; owns {
			return entry.Manager
		}
	}
	return "nobody"
}

// TestKueue_FilesWaitForQuota applies the recipe of docs/pipelines.md: with quota for one Job, a second file waits in the
// LocalQueue and says so, and Kueue alone suspends and resumes, whatever a person does to the file.
func TestKueue_FilesWaitForQuota(t *testing.T) {
	g := NewWithT(t)
	r := queued(t)
	writers := r.suspendWriters()
	r.hold("most", "3")
	rest := r.hold("rest", "1")
	for _, stream := range []string{"first", "second"} {
		r.complete(stream, stream, r.record(stream), seconds).mustSend(t)
	}
	for _, stream := range []string{"first", "second"} {
		file := r.file(stream, v1alpha1.StepQueued)
		g.Expect(file.Status.Steps[0].Reason).To(Equal(v1alpha1.ReasonLocalQueue))
		g.Expect(file.Status.Steps[0].Message).To(Equal("Queued in LocalQueue video"))
		g.Expect(file.Status.Queue.WaitingFor).To(Equal("LocalQueue video"))
		g.Expect(statusOf(file)).To(Equal(v1alpha1.ReasonQueued))
		g.Expect(r.kubectl("describe", "recordingfile", file.Name)).To(ContainSubstring("Queued in LocalQueue video"))
		job := r.job(file)
		g.Expect(job.Labels).To(HaveKeyWithValue(v1alpha1.LabelQueueName, queueName))
		g.Expect(job.Labels).To(HaveKeyWithValue(v1alpha1.LabelQueuePriorityClass, "urgent"))
		g.Expect(job.Spec.Suspend).To(HaveValue(BeTrue()))
	}

	// A person who suspends a file changes nothing for the Job that waits.
	file := r.file("second", v1alpha1.StepQueued)
	r.must(k8s.Patch(t.Context(), file, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"suspend":true}}`))))
	r.release(rest)
	first := r.job(r.file("first", v1alpha1.StepSucceeded))
	r.must(k8s.Patch(t.Context(), file, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"suspend":false}}`))))
	second := r.job(r.file("second", v1alpha1.StepSucceeded))

	// The quota was never exceeded: one began when the other had ended.
	earlier, later := first, second
	if second.Status.StartTime.Before(first.Status.StartTime) {
		earlier, later = second, first
	}
	g.Expect(later.Status.StartTime.Time).NotTo(BeTemporally("<", earlier.Status.CompletionTime.Time))
	g.Eventually(writers, 10*time.Second, poll).Should(Equal(map[string]int{"kueue": 2}), "each Job is resumed once, by Kueue")
}

// workload waits for what Kueue makes of a Job.
func (r *room) workload(job *batchv1.Job) *unstructured.Unstructured {
	r.t.Helper()
	var found *unstructured.Unstructured
	NewWithT(r.t).Eventually(func(g Gomega) {
		made := &unstructured.UnstructuredList{}
		made.SetAPIVersion("kueue.x-k8s.io/v1beta2")
		made.SetKind("WorkloadList")
		g.Expect(k8s.List(r.t.Context(), made, client.InNamespace(r.namespace))).To(Succeed())
		i := slices.IndexFunc(made.Items, func(w unstructured.Unstructured) bool { return metav1.IsControlledBy(&w, job) })
		g.Expect(i).NotTo(Equal(-1), "Kueue has no Workload of Job %s", job.Name)
		found = &made.Items[i]
	}, settled, poll).Should(Succeed())
	return found
}

// TestKueue_HigherPriorityGoesFirst: with no quota left, a file waits whose pipeline names no WorkloadPriorityClass, and then
// one that is urgent. Kueue gives what becomes free to the one that came later.
func TestKueue_HigherPriorityGoesFirst(t *testing.T) {
	g := NewWithT(t)
	r := queued(t)
	r.hold("most", "3")
	rest := r.hold("rest", "1")
	prioritize := func(class string) {
		t.Helper()
		lecture := &v1alpha1.RecordingPipeline{ObjectMeta: r.meta("lecture")}
		r.must(k8s.Patch(t.Context(), lecture, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"workloadPriorityClassName":`+class+`}}`))))
	}
	waits := func(stream string) *batchv1.Job {
		t.Helper()
		r.complete(stream, stream, r.record(stream), seconds).mustSend(t)
		return r.job(r.file(stream, v1alpha1.StepQueued))
	}
	prioritize("null")
	ordinary := waits("ordinary")
	prioritize(`"urgent"`)
	urgent := waits("urgent")
	g.Expect(ordinary.Labels).NotTo(HaveKey(v1alpha1.LabelQueuePriorityClass))
	for job, want := range map[*batchv1.Job]int64{ordinary: 0, urgent: 1000} {
		priority, _, err := unstructured.NestedInt64(r.workload(job).Object, "spec", "priority")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(priority).To(Equal(want), job.Name)
	}
	class, _, err := unstructured.NestedString(r.workload(urgent).Object, "spec", "priorityClassRef", "name")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(class).To(Equal("urgent"))

	r.release(rest)
	first, second := r.job(r.file("urgent", v1alpha1.StepSucceeded)), r.job(r.file("ordinary", v1alpha1.StepSucceeded))
	g.Expect(second.Status.StartTime.Time).NotTo(BeTemporally("<", first.Status.CompletionTime.Time), "the urgent one ended before the other began")
}
