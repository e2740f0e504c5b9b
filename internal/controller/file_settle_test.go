// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// The manager's own reconciler lives by the real clock, by which nothing here settles or times out. What happens later
// is seen by a copy of it with a clock that is ahead.

// lookAt reconciles a file as if this much time had passed since it was created.
func lookAt(t *testing.T, file *v1alpha1.RecordingFile, after time.Duration) (ctrl.Result, error) {
	t.Helper()
	later := files
	later.Clock = testclock.NewFakePassiveClock(file.CreationTimestamp.Add(after))
	return later.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(file)})
}

// swept is what a sweep makes of the facts of recorded.
func swept(t *testing.T, g Gomega, namespace string) *v1alpha1.RecordingFile {
	t.Helper()
	facts := recorded()
	result, err := ingester.Sweep(t.Context(), ingest.Found{Namespace: namespace, Source: "classroom", Format: "HLS",
		File: sparkrtc.File{Bucket: facts.OBS.Bucket, Object: facts.OBS.Object, SizeBytes: facts.SizeBytes + 1,
			DurationSeconds: facts.DurationSeconds, EndTime: facts.EndTime.Time}})
	g.Expect(err).NotTo(HaveOccurred())
	file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: result.File}}
	waitFor(t, g, file, v1alpha1.ReasonQueued)
	return file
}

// waitFor waits until the file has the given status, in the manager's cache too.
func waitFor(t *testing.T, g Gomega, file *v1alpha1.RecordingFile, status string) {
	t.Helper()
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
		g.Expect(statusOf(file)).To(Equal(status), "conditions: %+v", file.Status.Conditions)
		cached := &v1alpha1.RecordingFile{}
		g.Expect(files.Client.Get(t.Context(), client.ObjectKeyFromObject(file), cached)).To(Succeed())
		g.Expect(cached.ResourceVersion).To(Equal(file.ResourceVersion))
	}, timeout, poll).Should(Succeed())
}

func TestASweptFileSettles(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	file := swept(t, g, namespace)
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionRecorded).Reason).To(Equal(v1alpha1.ReasonSwept))
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady).Message).To(ContainSubstring("sweep"))
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionStalled)).To(BeNil())

	result, err := lookAt(t, file, ingest.SettleTime-time.Second)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(Equal(time.Second))
	g.Expect(jobsOf(t, namespace, "mp4")).To(BeEmpty())
	// A look at the same writes nothing.
	g.Expect(statusPatches.of(client.ObjectKeyFromObject(file))).To(Equal(1))

	_, err = lookAt(t, file, ingest.SettleTime)
	g.Expect(err).NotTo(HaveOccurred())
	waitFor(t, g, file, v1alpha1.ReasonProcessing)
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionRecorded).Reason).To(Equal(v1alpha1.ReasonSwept))

	// The callback comes after all: it says whose the file is, and nothing is done twice.
	mp4 := jobOf(t, g, namespace, "mp4")
	g.Expect(callBack(t, namespace)).To(Equal(ingest.Result{Outcome: ingest.Grown, File: file.Name}))
	succeed(t, mp4, "s3://archive/a.mp4")
	keep := jobOf(t, g, namespace, "keep")
	waitFor(t, g, file, v1alpha1.ReasonProcessing)
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionRecorded).Reason).To(Equal(v1alpha1.ReasonReported))
	g.Expect(file.Spec.JobID).To(Equal("job"))
	succeed(t, keep, "s3://archive/a.m3u8")
	waitFor(t, g, file, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Runs).To(BeEquivalentTo(1))
}

// callBack delivers the COMPLETE of the facts of recorded.
func callBack(t *testing.T, namespace string) (ingest.Result, error) {
	t.Helper()
	facts := recorded()
	return ingester.Ingest(t.Context(), ingest.Delivery{Namespace: namespace, Source: "classroom", Digest: "digest", Event: sparkrtc.Event{
		Type: sparkrtc.Complete, AppID: "app", JobID: "job", RoomID: "room", StreamName: "stream", Format: "HLS",
		File: sparkrtc.File{Bucket: facts.OBS.Bucket, Object: facts.OBS.Object, SizeBytes: facts.SizeBytes,
			DurationSeconds: facts.DurationSeconds, EndTime: facts.EndTime.Time}}})
}

func TestASweptFileGivesWay(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	file := swept(t, g, namespace)
	// Two that are not of the same object: another bucket, another source.
	bucket, source := recordingFile(namespace, recorded()), recordingFile(namespace, recorded())
	bucket.Name, bucket.Spec.File.OBS.Bucket = "other-bucket", "archive"
	source.Name, source.Spec.SourceRef.Name = "other-source", "elsewhere"
	create(t, bucket, source)
	// And one that is; it is not processed here.
	other := recordingFile(namespace, recorded())
	other.Spec.Suspend = true
	create(t, other)
	// Its first status is written, so that the facts that are handed on meet no other write.
	waitFor(t, g, other, v1alpha1.ReasonSuspended)

	_, err := lookAt(t, file, ingest.SettleTime)
	g.Expect(err).NotTo(HaveOccurred())
	err = k8s.Get(t.Context(), client.ObjectKeyFromObject(file), &v1alpha1.RecordingFile{})
	g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
	g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(other), other)).To(Succeed())
	g.Expect(other.Spec.File.SizeBytes).To(Equal(recorded().SizeBytes+1), "the facts are not handed on")
	g.Eventually(func(g Gomega) {
		var list eventsv1.EventList
		g.Expect(k8s.List(t.Context(), &list, client.InNamespace(namespace))).To(Succeed())
		g.Expect(list.Items).To(ContainElement(And(HaveField("Regarding.Name", other.Name), HaveField("Reason", "SweptTwice"), HaveField("Note", ContainSubstring(file.Name)))))
	}, timeout, poll).Should(Succeed())
	var jobs batchv1.JobList
	g.Expect(k8s.List(t.Context(), &jobs, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelFile: file.Name})).To(Succeed())
	g.Expect(jobs.Items).To(BeEmpty())
}

// A file that a callback has changed since it was read is not deleted, but looked at again.
func TestASweptFileIsNotDeletedFromAStaleRead(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	file := swept(t, g, namespace)
	other := recordingFile(namespace, recorded())
	other.Spec.Suspend = true
	create(t, other)
	stale := file.DeepCopy()
	file.Spec.RoomID = "room"
	g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
	_, err := ingester.Settle(t.Context(), stale)
	g.Expect(apierrors.IsConflict(err)).To(BeTrue(), "%v", err)
	g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
}

// What a person writes is theirs, whatever its annotation says.
func TestAHandWrittenFileNeverSettles(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	file := recordingFile(namespace, recorded())
	file.Annotations = map[string]string{v1alpha1.AnnotationSwept: "yesterday"}
	create(t, file)
	jobOf(t, g, namespace, "mp4")
}

func TestOpenForTooLong(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	file := recordingFile(namespace, nil)
	create(t, file)
	waitFor(t, g, file, v1alpha1.ReasonRecording)
	result, err := lookAt(t, file, defaultOpenTimeout-time.Minute)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(Equal(time.Minute))

	result, err = lookAt(t, file, defaultOpenTimeout)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(BeZero())
	waitFor(t, g, file, v1alpha1.ReasonAbandoned)
	stalled := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionStalled)
	g.Expect(stalled.Reason).To(Equal(v1alpha1.ReasonAbandoned))
	g.Expect(stalled.Message).To(And(ContainSubstring("13h"), ContainSubstring("bucket")))
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionRecorded).Reason).To(Equal(v1alpha1.ReasonAbandoned))
	g.Expect(statusPatches.of(client.ObjectKeyFromObject(file))).To(Equal(2))
	_, err = lookAt(t, file, 2*defaultOpenTimeout)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(statusPatches.of(client.ObjectKeyFromObject(file))).To(Equal(2))
	g.Eventually(func(g Gomega) {
		var list eventsv1.EventList
		g.Expect(k8s.List(t.Context(), &list, client.InNamespace(namespace))).To(Succeed())
		g.Expect(list.Items).To(ContainElement(And(HaveField("Regarding.Name", file.Name), HaveField("Reason", "Abandoned"), HaveField("Type", "Warning"))))
	}, timeout, poll).Should(Succeed())
}

// A late COMPLETE claims a file that was given up.
func TestClaimedAfterTheTimeout(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	started, err := ingester.Ingest(t.Context(), ingest.Delivery{Namespace: namespace, Source: "classroom", Digest: "start",
		Event: sparkrtc.Event{Type: sparkrtc.Start, AppID: "app", JobID: "job", RoomID: "room", StreamName: "stream", Format: "HLS"}})
	g.Expect(err).NotTo(HaveOccurred())
	file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: started.File}}
	waitFor(t, g, file, v1alpha1.ReasonRecording)
	_, err = lookAt(t, file, defaultOpenTimeout)
	g.Expect(err).NotTo(HaveOccurred())
	waitFor(t, g, file, v1alpha1.ReasonAbandoned)
	g.Expect(callBack(t, namespace)).To(Equal(ingest.Result{Outcome: ingest.Claimed, File: file.Name}))
	waitFor(t, g, file, v1alpha1.ReasonProcessing)
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionStalled)).To(BeNil())
}

// The source says for how long; a change of it holds for the files that are open already, and without a source it is
// the default.
func TestOpenTimeoutOfTheSource(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	file := recordingFile(namespace, nil)
	create(t, file)
	waitFor(t, g, file, v1alpha1.ReasonRecording)
	result, err := lookAt(t, file, time.Hour)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(Equal(defaultOpenTimeout - time.Hour))

	classroom := source(namespace)
	classroom.Spec.OpenTimeout = &metav1.Duration{Duration: 90 * time.Minute}
	create(t, classroom)
	g.Eventually(func(g Gomega) {
		result, err = lookAt(t, file, time.Hour)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(result.RequeueAfter).To(Equal(30 * time.Minute))
	}, timeout, poll).Should(Succeed())

	_, err = lookAt(t, file, 90*time.Minute)
	g.Expect(err).NotTo(HaveOccurred())
	waitFor(t, g, file, v1alpha1.ReasonAbandoned)
	// Nothing but the change of the source makes the manager look again; by its clock nothing is late.
	g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(classroom), classroom)).To(Succeed())
	classroom.Spec.OpenTimeout = &metav1.Duration{Duration: 2 * time.Hour}
	g.Expect(k8s.Update(t.Context(), classroom)).To(Succeed())
	waitFor(t, g, file, v1alpha1.ReasonRecording)
}
