// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/scheduler"
)

// limited is a namespace whose pipeline runs so many files at once.
func limited(t *testing.T, files int32) string {
	t.Helper()
	namespace := newNamespace(t)
	lecture := lecturePipeline(namespace, twoSteps()[0])
	lecture.Spec.Concurrency = &v1alpha1.PipelineConcurrency{Files: &files}
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecture, source(namespace, toLecture("")))
	return namespace
}

// numbered is a file of another object.
func numbered(namespace string, i int) *v1alpha1.RecordingFile {
	file := recordingFile(namespace, recorded())
	file.Name, file.Spec.Object.Key, file.Spec.TaskIDs = fmt.Sprintf("lecture-%04d", i), fmt.Sprintf("a/%d.m3u8", i), nil
	return file
}

// running are the Jobs of a namespace that have not ended and are not suspended.
func running(t *testing.T, namespace string) []batchv1.Job {
	t.Helper()
	return slices.DeleteFunc(jobsOf(t, namespace, "mp4"), func(job batchv1.Job) bool { return !observed(&job).Active })
}

// TestStepSlots_FilesWaitForTheirPipeline: what waits says for what; a slot that is free again wakes the next file and no
// other, and in the end all have run, never more at once than may.
func TestStepSlots_FilesWaitForTheirPipeline(t *testing.T) {
	g := NewWithT(t)
	namespace := limited(t, 2)
	const files = 8
	for i := range files {
		create(t, numbered(namespace, i))
	}
	queued := func(g Gomega) (waiting []v1alpha1.RecordingFile) {
		var list v1alpha1.RecordingFileList
		g.Expect(k8s.List(t.Context(), &list, client.InNamespace(namespace))).To(Succeed())
		for _, file := range list.Items {
			if file.Status.Queue != nil {
				waiting = append(waiting, file)
			}
		}
		return waiting
	}
	g.Eventually(func(g Gomega) { g.Expect(queued(g)).To(HaveLen(files - 2)) }, timeout, poll).Should(Succeed())
	for _, file := range queued(g) {
		g.Expect(file.Status.Queue.WaitingFor).To(Equal("RecordingPipeline lecture: 2 of 2 files running"))
		g.Expect(file.Status.Queue.Since.IsZero()).To(BeFalse())
		g.Expect(file.Status.Steps[0].State).To(Equal(v1alpha1.StepQueued))
		g.Expect(file.Status.Steps[0].Reason).To(Equal(v1alpha1.ReasonPipelineConcurrency))
		g.Expect(statusOf(&file)).To(Equal(v1alpha1.ReasonQueued))
		g.Expect(file.Status.Summary.Reason).To(Equal(v1alpha1.ReasonPipelineConcurrency))
	}
	started := map[string]bool{}
	for left := files; left > 0; left-- {
		var jobs []batchv1.Job
		g.Eventually(func(g Gomega) {
			jobs = running(t, namespace)
			g.Expect(jobs).To(HaveLen(min(left, 2)))
		}, timeout, poll).Should(Succeed())
		for i := range jobs {
			if !started[jobs[i].Name] { // a Job that has no pod for half a minute is said to wait, which is a write
				start(t, &jobs[i])
				started[jobs[i].Name] = true
			}
		}
		succeed(t, &jobs[0], "s3://archive/a.mp4")
	}
	g.Eventually(func(g Gomega) {
		var list v1alpha1.RecordingFileList
		g.Expect(k8s.List(t.Context(), &list, client.InNamespace(namespace))).To(Succeed())
		for _, file := range list.Items {
			g.Expect(statusOf(&file)).To(Equal(v1alpha1.ReasonSucceeded))
			g.Expect(file.Status.Queue).To(BeNil())
			g.Expect(statusPatches.of(client.ObjectKeyFromObject(&file))).To(BeNumerically("<=", 3), "guarantee 5: %s", file.Name)
		}
	}, timeout, poll).Should(Succeed())
}

// TestStepSlots_RaisedLimitStartsMore: a pipeline's limit holds as it is now, for files that wait already too.
func TestStepSlots_RaisedLimitStartsMore(t *testing.T) {
	g := NewWithT(t)
	namespace := limited(t, 1)
	for i := range 4 {
		create(t, numbered(namespace, i))
	}
	g.Eventually(func() []batchv1.Job { return running(t, namespace) }, timeout, poll).Should(HaveLen(1))
	lecture := &v1alpha1.RecordingPipeline{}
	g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lecture"}, lecture)).To(Succeed())
	lecture.Spec.Concurrency.Files = new(int32(3))
	g.Expect(k8s.Update(t.Context(), lecture)).To(Succeed())
	g.Eventually(func() []batchv1.Job { return running(t, namespace) }, timeout, poll).Should(HaveLen(3))
}

// TestStepSlots_ResumedJobsWaitForASlot: what is suspended gives its slot to another, and waits for one when it goes on.
func TestStepSlots_ResumedJobsWaitForASlot(t *testing.T) {
	g := NewWithT(t)
	namespace := limited(t, 1)
	first, second := numbered(namespace, 1), numbered(namespace, 2)
	create(t, first)
	held := jobOfFile(t, g, namespace, first.Name)
	suspend := func(suspend bool) {
		patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"suspend":%t}}`, suspend))
		g.Expect(k8s.Patch(t.Context(), first, patch)).To(Succeed())
	}
	suspend(true)
	create(t, second)
	other := jobOfFile(t, g, namespace, second.Name)
	suspend(false)
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(first), first)).To(Succeed())
		g.Expect(first.Status.Queue).NotTo(BeNil())
		g.Expect(first.Status.Steps[0].State).To(Equal(v1alpha1.StepQueued))
		g.Expect(first.Status.Steps[0].JobName).To(Equal(held.Name))
	}, timeout, poll).Should(Succeed())
	g.Expect(running(t, namespace)).To(HaveLen(1))
	succeed(t, other, "s3://archive/a.mp4")
	g.Eventually(func(g Gomega) {
		jobs := running(t, namespace)
		g.Expect(jobs).To(HaveLen(1))
		g.Expect(jobs[0].Name).To(Equal(held.Name))
	}, timeout, poll).Should(Succeed())
}

// TestStepSlots_WaitingCostsNothing: of 1,000 files that wait, a reconcile of one reads nothing from the API server and writes
// nothing.
func TestStepSlots_WaitingCostsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("creates many files")
	}
	g := NewWithT(t)
	const many = 1000
	namespace := limited(t, 1)
	for i := range many + 1 {
		create(t, numbered(namespace, i))
	}
	waiting := &v1alpha1.RecordingFile{}
	g.Eventually(func(g Gomega) {
		var list v1alpha1.RecordingFileList
		g.Expect(files.Client.List(t.Context(), &list, client.InNamespace(namespace))).To(Succeed())
		wait := slices.DeleteFunc(list.Items, func(file v1alpha1.RecordingFile) bool { return file.Status.Queue == nil })
		g.Expect(wait).To(HaveLen(many), "as the cache has it")
		waiting = &wait[0]
	}, 2*time.Minute, time.Second).Should(Succeed())

	quiet := quietly(t)
	for range 3 {
		began := time.Now()
		result, err := quiet.Reconcile(t.Context(), requestOf(waiting))
		t.Logf("a reconcile took %v", time.Since(began))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(result).To(Equal(ctrl.Result{}))
	}
}

// quietly is the reconciler of files with a client that fails the test when anything is written, or read past the cache.
func quietly(t *testing.T) *FileReconciler {
	t.Helper()
	quiet := files
	quiet.Live = noReads{t}
	quiet.Client = interceptor.NewClient(withoutWatch{files.Client}, interceptor.Funcs{
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			t.Error("it creates something")
			return nil
		},
		Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			t.Error("it patches something")
			return nil
		},
		SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			t.Error("it writes a status")
			return nil
		},
	})
	return &quiet
}

// noReads fails a test that reads past the cache.
type noReads struct{ t *testing.T }

func (r noReads) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	r.t.Errorf("it reads %T %v", object, key)
	return nil
}

func (r noReads) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	r.t.Errorf("it lists %T", list)
	return nil
}

// TestStepSlots_KueueAloneSuspends: a Job in a LocalQueue says so while Kueue holds it, and the operator neither suspends
// nor resumes it. What Kueue holds takes no slot.
func TestStepSlots_KueueAloneSuspends(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	lecture := lecturePipeline(namespace, twoSteps()[0])
	lecture.Spec.QueueName, lecture.Spec.WorkloadPriorityClassName = "video", "urgent"
	lecture.Spec.Concurrency = &v1alpha1.PipelineConcurrency{Files: new(int32(1))}
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecture, source(namespace, toLecture("")), numbered(namespace, 1))
	job := jobOfFile(t, g, namespace, "lecture-0001")
	g.Expect(job.Labels).To(HaveKeyWithValue(v1alpha1.LabelQueueName, "video"))
	g.Expect(job.Labels).To(HaveKeyWithValue(v1alpha1.LabelQueuePriorityClass, "urgent"))
	g.Expect(job.Spec.Suspend).To(HaveValue(BeFalse()), "the API server's default; Kueue's webhook sets it")

	patchJob(t, job, `{"spec":{"suspend":true}}`)
	file := numbered(namespace, 1)
	state := func(want v1alpha1.StepState) {
		t.Helper()
		g.Eventually(func(g Gomega) {
			g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
			g.Expect(file.Status.Steps).NotTo(BeEmpty())
			g.Expect(file.Status.Steps[0].State).To(Equal(want))
		}, timeout, poll).Should(Succeed())
	}
	state(v1alpha1.StepQueued)
	g.Expect(file.Status.Steps[0].Message).To(Equal("Queued in LocalQueue video"))
	g.Expect(file.Status.Queue.WaitingFor).To(Equal("LocalQueue video"))
	create(t, numbered(namespace, 2))
	jobOfFile(t, g, namespace, "lecture-0002")

	file.Spec.Suspend = true
	g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
	patchJob(t, job, `{"spec":{"suspend":false}}`)
	state(v1alpha1.StepRunning)
	g.Consistently(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(job), job)).To(Succeed())
		g.Expect(job.Spec.Suspend).To(HaveValue(BeFalse()))
	}, time.Second, poll).Should(Succeed())
}

// TestStepSlots_CountBeforeAnythingStarts: a manager that has just become the leader counts what the leader before it
// created, although its cache has not shown it.
func TestStepSlots_CountBeforeAnythingStarts(t *testing.T) {
	g := NewWithT(t)
	namespace := limited(t, 3)
	create(t, numbered(namespace, 1), numbered(namespace, 2))
	g.Eventually(func() []batchv1.Job { return running(t, namespace) }, timeout, poll).Should(HaveLen(2))
	ended := running(t, namespace)[0]
	fail(t, &ended, "SegmentMissing", "it is lost")

	next := NewStepSlots(scheduler.Limits{}, emptyCache{t, ended}, k8s, clock.RealClock{}, []string{namespace})
	g.Expect(next.WaitForSync(t.Context())).To(Succeed())
	_, active := next.Counts()
	g.Expect(active).To(Equal(1), "the Job that ended is in the cache as it is, the other one in none")
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	defer queue.ShutDown()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g.Expect(next.Start(ctx, queue)).To(Succeed())
}

// emptyCache holds one Job.
type emptyCache struct {
	t    *testing.T
	held batchv1.Job
}

func (c emptyCache) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if key.Name != c.held.Name {
		key.Name = "absent"
	}
	return k8s.Get(ctx, key, object, options...)
}

func (c emptyCache) List(context.Context, client.ObjectList, ...client.ListOption) error {
	c.t.Error("it lists")
	return nil
}

// TestStepSlots_OtherNamespacesDoNotWait: while many files of one namespace wait for a limit, a file of another gets its Job
// and its status before any of them.
func TestStepSlots_OtherNamespacesDoNotWait(t *testing.T) {
	if testing.Short() {
		t.Skip("creates many files")
	}
	g := NewWithT(t)
	const many = 200
	busy, quiet := limited(t, 1), limited(t, 1)
	for i := range many {
		create(t, numbered(busy, i))
	}
	other := numbered(quiet, 1)
	create(t, other)
	began := time.Now()
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(other), other)).To(Succeed())
		g.Expect(other.Status.Steps).NotTo(BeEmpty())
	}, timeout, poll).Should(Succeed())
	t.Logf("first status after %v", time.Since(began))
	g.Expect(other.Status.Steps[0].State).To(Equal(v1alpha1.StepRunning))
	g.Expect(running(t, busy)).To(HaveLen(1))
}
