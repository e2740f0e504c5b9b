// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/notification"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// notCached waits until the cache does not hold an object.
func notCached(t *testing.T, g Gomega, object client.Object) {
	t.Helper()
	g.Eventually(func() bool {
		return apierrors.IsNotFound(files.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object.DeepCopyObject().(client.Object)))
	}, timeout, poll).Should(BeTrue())
}

func oneStep() v1alpha1.Step {
	return v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: output("x/")}
}

// TestCache_HoldsNothingThatIsDone: a file and a task leave the cache with the patch that says what became of them, and
// come back when there is something to do.
func TestCache_HoldsNothingThatIsDone(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, oneStep())
	create(t, recordingFile(namespace, recorded()))
	cached := &v1alpha1.RecordingFile{}
	job := jobOf(t, g, namespace, "keep")
	file := fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(files.Client.Get(t.Context(), client.ObjectKeyFromObject(file), cached)).To(Succeed())
	g.Expect(file.Status.Done).To(BeFalse())

	succeed(t, job, "s3://archive/a.m3u8")
	file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Done).To(BeTrue(), "it is written with the result")
	g.Expect(statusPatches.of(client.ObjectKeyFromObject(file))).To(BeNumerically("<=", 3), "guarantee 5")
	notCached(t, g, file)

	tell(t, namespace, "", sparkrtc.Event{Type: sparkrtc.Over})
	task := taskWith(t, g, namespace, v1alpha1.TaskEnded, "1")
	g.Expect(task.Status.Done).To(BeTrue())
	g.Expect(task.Status.SizeBytes).To(BeEquivalentTo(file.Spec.Reported.SizeBytes), "the file was counted although it was done first")
	notCached(t, g, task)

	// The recording was continued: file and task say so.
	file.Spec.Reported.SizeBytes *= 2
	g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
	file = fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(file.Status.Done).To(BeFalse())
	g.Eventually(func(g Gomega) {
		g.Expect(files.Client.Get(t.Context(), client.ObjectKeyFromObject(file), cached)).To(Succeed())
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(task), task)).To(Succeed())
		g.Expect(task.Status.SizeBytes).To(Equal(file.Spec.Reported.SizeBytes))
		g.Expect(task.Status.Files).To(BeEquivalentTo(1))
	}, timeout, poll).Should(Succeed())
}

// TestWalk_FindsWhatNoWatchTold: a change of a file or task that is done, at a time when nobody watched.
func TestWalk_FindsWhatNoWatchTold(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	suspended := recordingFile(namespace, recorded())
	suspended.Spec.Suspend = true
	create(t, source(namespace, toLecture("")), suspended)
	file := fileWith(t, g, namespace, v1alpha1.ReasonSuspended)
	task := taskWith(t, g, namespace, v1alpha1.TaskRecording, "1")
	// The watch of what is done sees these come, which is no change of them.
	stale := client.RawPatch(types.MergePatchType, []byte(`{"status":{"done":true,"observedGeneration":99}}`))
	g.Expect(k8s.Status().Patch(t.Context(), file, stale)).To(Succeed())
	g.Expect(k8s.Status().Patch(t.Context(), task, stale)).To(Succeed())
	notCached(t, g, file)
	notCached(t, g, task)
	walk.Soon()
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(task), task)).To(Succeed())
		g.Expect(file.Status.Done || task.Status.Done).To(BeFalse())
		g.Expect(file.Status.ObservedGeneration).To(Equal(file.Generation))
		g.Expect(task.Status.ObservedGeneration).To(Equal(task.Generation))
	}, timeout, poll).Should(Succeed())
}

// TestTaskReconciler_CountsFilesThatWereDoneBeforeItBegan: a process that has just begun knows none of them. It takes
// nothing back, and lists them before the task is done.
func TestTaskReconciler_CountsFilesThatWereDoneBeforeItBegan(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	unknown := source(namespace)
	create(t, unknown)
	for _, object := range []string{"a.m3u8", "b.m3u8"} {
		tell(t, namespace, "", recordedAs(object))
	}
	task := taskWith(t, g, namespace, v1alpha1.TaskRecording, "2")
	g.Eventually(func(g Gomega) {
		var done v1alpha1.RecordingFileList
		g.Expect(k8s.List(t.Context(), &done, client.InNamespace(namespace), client.MatchingFields{"status.done": "true", "status.taskID": "task"})).To(Succeed())
		g.Expect(done.Items).To(HaveLen(2))
		var cached v1alpha1.RecordingFileList
		g.Expect(files.Client.List(t.Context(), &cached, client.InNamespace(namespace))).To(Succeed())
		g.Expect(cached.Items).To(BeEmpty())
	}, timeout, poll).Should(Succeed())
	fresh := &TaskReconciler{Client: tasks.Client, Live: tasks.Live, Clock: taskClock, Wake: NewWake(), TaskFiles: &TaskFiles{}}

	computed, _, err := fresh.compute(t.Context(), task, unknown)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(computed.Files).To(BeEquivalentTo(2))
	g.Expect(computed.SizeBytes).To(BeEquivalentTo(2 << 20))

	task.Spec.Ended = true
	task.Status.Files, task.Status.SizeBytes, task.Status.DurationSeconds = 0, 0, 0 // it died before it wrote them
	computed, _, err = fresh.compute(t.Context(), task, unknown)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(computed.Done).To(BeTrue())
	g.Expect(computed.Files).To(BeEquivalentTo(2))
	g.Expect(computed.SizeBytes).To(BeEquivalentTo(2 << 20))
	g.Expect(computed.DurationSeconds).To(BeEquivalentTo(120))
}

// TestWalk_DeletesAfterTheTTL: what succeeded or was skipped, and tasks with all their files, a day after; nothing that
// failed, waits or lacks files, and nothing of a source that says nothing.
func TestWalk_DeletesAfterTheTTL(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, oneStep())
	expiring := source(namespace, toLecture("recording.room != 'skipped'"))
	expiring.Spec.TTLAfterFinished = durationOf(24 * time.Hour)
	g.Expect(k8s.Patch(t.Context(), expiring, client.Merge)).To(Succeed())
	keeping := source(namespace)
	keeping.Name = "keeping"
	create(t, keeping)

	file := func(name string, change func(*v1alpha1.RecordingFileSpec)) *v1alpha1.RecordingFile {
		made := recordingFile(namespace, recorded())
		made.Name = name
		made.Spec.TaskIDs = []string{name}
		made.Spec.Reported.Room = name
		if change != nil {
			change(&made.Spec)
		}
		create(t, made)
		return made
	}
	succeeded, failed, skipped := file("succeeded", nil), file("failed", nil), file("skipped", nil)
	waiting := file("waiting", func(s *v1alpha1.RecordingFileSpec) { s.Suspend = true })
	kept := file("kept", func(s *v1alpha1.RecordingFileSpec) { s.SourceRef.Name = "keeping" })
	jobs := map[string]func(name string){
		"succeeded": func(name string) { succeed(t, jobOfFile(t, g, namespace, name), "s3://archive/a.m3u8") },
		"failed": func(name string) {
			fail(t, jobOfFile(t, g, namespace, name), workerapi.ReasonFramesMissing, "frames 3 to 9 are missing")
		},
	}
	for name, end := range jobs {
		end(name)
	}
	statusIs := func(file *v1alpha1.RecordingFile, want string) {
		t.Helper()
		g.Eventually(func(g Gomega) {
			g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
			g.Expect(statusOf(file)).To(Equal(want))
		}, timeout, poll).Should(Succeed())
	}
	statusIs(succeeded, v1alpha1.ReasonSucceeded)
	statusIs(failed, v1alpha1.ReasonFailed)
	statusIs(skipped, v1alpha1.ReasonSkipped)
	statusIs(waiting, v1alpha1.ReasonSuspended)
	statusIs(kept, v1alpha1.ReasonSkipped)

	end := func(id string, starts map[string]v1alpha1.StartTimestamp) *v1alpha1.RecordingTask {
		task := &v1alpha1.RecordingTask{}
		g.Eventually(func(g Gomega) {
			g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: ingest.TaskNames("classroom", id)[0]}, task)).To(Succeed())
			g.Expect(task.Status.Files).To(BeEquivalentTo(1))
		}, timeout, poll).Should(Succeed())
		task.Spec.Ended, task.Spec.Starts = true, starts
		g.Expect(k8s.Update(t.Context(), task)).To(Succeed())
		g.Eventually(func(g Gomega) {
			g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(task), task)).To(Succeed())
			g.Expect(task.Status.ObservedGeneration).To(Equal(task.Generation))
		}, timeout, poll).Should(Succeed())
		return task
	}
	whole, lacking := end("succeeded", nil), end("failed", map[string]v1alpha1.StartTimestamp{"0123456789abcdef": "", "fedcba9876543210": ""})
	taskClock.ahead.Add(int64(time.Hour))
	t.Cleanup(func() { taskClock.ahead.Add(-int64(time.Hour)) })
	g.Eventually(func(g Gomega) {
		for _, task := range []*v1alpha1.RecordingTask{whole, lacking} {
			tasks.Wake.Task(t.Context(), client.ObjectKeyFromObject(task))
			g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(task), task)).To(Succeed())
			g.Expect(task.Status.Done).To(BeTrue())
		}
		g.Expect(meta.IsStatusConditionTrue(lacking.Status.Conditions, v1alpha1.ConditionFilesMissing)).To(BeTrue())
	}, timeout, poll).Should(Succeed())

	exists := func(g Gomega, object client.Object) bool {
		err := k8s.Get(t.Context(), client.ObjectKeyFromObject(object), object.DeepCopyObject().(client.Object))
		g.Expect(client.IgnoreNotFound(err)).To(Succeed())
		return err == nil
	}
	g.Expect(walk.walk(t.Context())).To(Succeed())
	for _, object := range []client.Object{succeeded, failed, skipped, waiting, kept, whole, lacking} {
		g.Expect(exists(g, object)).To(BeTrue(), "%s, before the time", object.GetName())
	}
	walkClock.ahead.Add(int64(26 * time.Hour))
	t.Cleanup(func() { walkClock.ahead.Add(-int64(26 * time.Hour)) })
	g.Expect(walk.walk(t.Context())).To(Succeed())
	for _, object := range []client.Object{succeeded, skipped, whole} {
		g.Expect(exists(g, object)).To(BeFalse(), "%s, after the time", object.GetName())
	}
	for _, object := range []client.Object{failed, waiting, kept, lacking} {
		g.Expect(exists(g, object)).To(BeTrue(), "%s, after the time", object.GetName())
	}
}

// TestWalk_KeepsWhatAPersonHasToLookAt: a file is Ready although a step in the background failed, and yet it stays.
func TestWalk_KeepsWhatAPersonHasToLookAt(t *testing.T) {
	g := NewWithT(t)
	now := time.Date(2026, 4, 28, 9, 0, 0, 0, time.UTC)
	expiring := source("media")
	expiring.Spec.TTLAfterFinished = durationOf(24 * time.Hour)
	for stalled, kept := range map[metav1.ConditionStatus]bool{metav1.ConditionTrue: true, metav1.ConditionFalse: false} {
		file := recordingFile("media", recorded())
		file.Status.ObservedGeneration, file.Status.Done = file.Generation, true
		for kind, status := range map[string]metav1.ConditionStatus{v1alpha1.ConditionReady: metav1.ConditionTrue, v1alpha1.ConditionStalled: stalled} {
			file.Status.Conditions = append(file.Status.Conditions, metav1.Condition{
				Type: kind, Status: status, Reason: v1alpha1.ReasonPartlySucceeded, LastTransitionTime: metav1.NewTime(now.Add(-48 * time.Hour)),
			})
		}
		k8s := fakeClient(t, file, expiring)
		collectors, err := metrics.New(prometheus.NewRegistry(), testingclock.NewFakeClock(now))
		g.Expect(err).NotTo(HaveOccurred())
		w := NewWalk(Walk{Client: k8s, Live: k8s, Clock: hurriedClock{testingclock.NewFakeClock(now)}, Metrics: collectors, Wake: NewWake(), TaskFiles: &TaskFiles{},
			Notifications: notification.New(notification.Config{})})
		stored := &v1alpha1.RecordingFile{}
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), stored)).To(Succeed())
		g.Expect(w.visitFile(t.Context(), stored)).To(Succeed())
		err = k8s.Get(t.Context(), client.ObjectKeyFromObject(file), stored)
		g.Expect(err == nil).To(Equal(kept), "Stalled is %s: %v", stalled, err)
	}
}

// hurriedClock lets no time pass while something is waited for.
type hurriedClock struct{ *testingclock.FakeClock }

func (hurriedClock) After(time.Duration) <-chan time.Time {
	fired := make(chan time.Time, 1)
	fired <- time.Time{}
	return fired
}
