// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/pace"
	"sparkrtc.dev/recording-operator/internal/scheduler"
)

// fakeIndexer registers indexes with a fake client.
type fakeIndexer struct{ *fake.ClientBuilder }

func (i fakeIndexer) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	i.WithIndex(object, field, values)
	return nil
}

// fakeClient is a client of no API server, with the cache's indexes. Here nobody reconciles but the test.
func fakeClient(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.RecordingFile{}, &v1alpha1.RecordingTask{})
	if err := setupIndexes(t.Context(), fakeIndexer{builder}); err != nil {
		t.Fatal(err)
	}
	return builder.Build()
}

// TestFileReconciler_BurstHoldsBackAllButJobs: while callbacks arrive, a file gets its Job, and neither its task nor its
// status; both come when the burst is over.
func TestFileReconciler_BurstHoldsBackAllButJobs(t *testing.T) {
	g := NewWithT(t)
	const namespace = "media"
	file := recordingFile(namespace, recorded())
	file.UID = "1"
	k8s := fakeClient(t, file, source(namespace, toLecture("")), lecturePipeline(namespace, twoSteps()...), storage(namespace, "recordings"), storage(namespace, "archive"))
	clk := clocktesting.NewFakePassiveClock(time.Date(2026, 4, 28, 9, 0, 0, 0, time.UTC))
	collectors, err := metrics.New(prometheus.NewRegistry(), clk)
	g.Expect(err).NotTo(HaveOccurred())
	router, err := expression.NewRouter()
	g.Expect(err).NotTo(HaveOccurred())
	conditions, err := expression.NewConditions()
	g.Expect(err).NotTo(HaveOccurred())
	r := &FileReconciler{Client: k8s, Live: k8s, Recorder: events.NewFakeRecorder(10), Metrics: collectors, Router: router, Conditions: conditions, Clock: clk,
		Pacer: pace.New(clk), Wake: NewWake(), TaskFiles: &TaskFiles{}, Slots: NewStepSlots(scheduler.Limits{}, k8s, k8s, clock.RealClock{}, nil), WorkerImage: "worker:test"}
	for range 100 {
		r.Pacer.Arrived(namespace)
	}
	g.Expect(r.Pacer.File(namespace)).To(BeZero(), "the first write of a burst may follow at once")

	count := func() (jobs, tasks int) {
		var jobList batchv1.JobList
		var taskList v1alpha1.RecordingTaskList
		g.Expect(k8s.List(t.Context(), &jobList)).To(Succeed())
		g.Expect(k8s.List(t.Context(), &taskList)).To(Succeed())
		return len(jobList.Items), len(taskList.Items)
	}
	result, err := r.Reconcile(t.Context(), requestOf(file))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(BeNumerically(">", 0))
	jobs, tasks := count()
	g.Expect([]int{jobs, tasks}).To(Equal([]int{1, 0}))
	g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
	g.Expect(file.Status.ObservedGeneration).To(BeZero())
	g.Expect(file.Status.Steps).To(BeEmpty())

	clk.SetTime(clk.Now().Add(time.Second))
	_, err = r.Reconcile(t.Context(), requestOf(file))
	g.Expect(err).NotTo(HaveOccurred())
	jobs, tasks = count()
	g.Expect([]int{jobs, tasks}).To(Equal([]int{1, 1}))
	g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
	g.Expect(file.Status.TaskIDs).To(ConsistOf("task"))
	g.Expect(file.Status.Steps).To(HaveLen(2))
}
