// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// request has the recording of recordedAs processed as `kubectl recordings process` does.
func request(t *testing.T, namespace, object string) {
	t.Helper()
	identity := v1alpha1.ObjectIdentity{Bucket: "recordings", Key: object}
	create(t, &v1alpha1.RecordingFile{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ingest.FileNames("classroom", identity)[0], Labels: map[string]string{v1alpha1.LabelSource: "classroom"}},
		Spec:       v1alpha1.RecordingFileSpec{SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: identity},
	})
}

// report has the callback of the recording come, with a duration.
func report(t *testing.T, namespace, object string, seconds int64) {
	t.Helper()
	event := recordedAs(object)
	event.File.DurationSeconds = seconds
	tell(t, namespace, "", event)
}

// onlyFile waits until the namespace's one file is done, in a run, for what is known of it.
func onlyFile(t *testing.T, g Gomega, namespace, status string, run int32) *v1alpha1.RecordingFile {
	t.Helper()
	file := &v1alpha1.RecordingFile{}
	g.Eventually(func(g Gomega) {
		var all v1alpha1.RecordingFileList
		g.Expect(k8s.List(t.Context(), &all, client.InNamespace(namespace))).To(Succeed())
		g.Expect(all.Items).To(HaveLen(1))
		*file = all.Items[0]
		g.Expect(statusOf(file)).To(Equal(status))
		g.Expect(file.Status.Run).To(Equal(run))
		g.Expect(upToDate(file)).To(Equal(status != v1alpha1.ReasonProcessing))
	}, timeout, poll).Should(Succeed())
	return file
}

// archived plays the step keep, which has read so much of the recording.
func archived(t *testing.T, g Gomega, namespace string, seconds int64) {
	t.Helper()
	publish(t, jobOf(t, g, namespace, "keep"), workerapi.Result{Outputs: []v1alpha1.Artifact{
		{Name: "a.m3u8", URI: "s3://archive/x/a.m3u8", Media: &v1alpha1.Media{DurationMilliseconds: seconds * 1000}}}})
}

// TestFileReconciler_ProcessesOnceWhoeverComesFirst: the callback, or a person who asks for the recording. In the end there is
// one file, which says the same, and was processed once.
func TestFileReconciler_ProcessesOnceWhoeverComesFirst(t *testing.T) {
	var want *v1alpha1.RecordingFile
	for _, order := range []struct {
		name string
		play func(g Gomega, namespace string)
	}{
		{"the callback alone", func(g Gomega, namespace string) {
			report(t, namespace, "a.m3u8", 60)
			archived(t, g, namespace, 61)
		}},
		{"the callback while it is processed", func(g Gomega, namespace string) {
			request(t, namespace, "a.m3u8")
			onlyFile(t, g, namespace, v1alpha1.ReasonProcessing, 1)
			report(t, namespace, "a.m3u8", 60)
			onlyFile(t, g, namespace, v1alpha1.ReasonProcessing, 1)
			archived(t, g, namespace, 61)
		}},
		{"the callback when it was processed", func(g Gomega, namespace string) {
			request(t, namespace, "a.m3u8")
			archived(t, g, namespace, 61)
			onlyFile(t, g, namespace, v1alpha1.ReasonSucceeded, 1)
			report(t, namespace, "a.m3u8", 60)
			report(t, namespace, "a.m3u8", 60)
		}},
	} {
		t.Run(order.name, func(t *testing.T) {
			g := NewWithT(t)
			namespace := classroom(t, oneStep())
			order.play(g, namespace)
			file := onlyFile(t, g, namespace, v1alpha1.ReasonSucceeded, 1)
			g.Eventually(func() *v1alpha1.FileSummary {
				file = onlyFile(t, g, namespace, v1alpha1.ReasonSucceeded, 1)
				return file.Status.Summary
			}, timeout, poll).Should(HaveField("Duration", "1m0s"))
			if want == nil {
				want = file
			}
			g.Expect(cmp.Diff(want.Spec, file.Spec)).To(BeEmpty())
			g.Expect(cmp.Diff(withoutTimes(want.Status), withoutTimes(file.Status))).To(BeEmpty())
			g.Expect(jobsOf(t, namespace, "keep")).To(HaveLen(1), "processed once")
		})
	}
}

// withoutTimes is a status without what differs between two files of the same recording: times, generations and the names of
// Jobs, which have a digest of the file's UID.
func withoutTimes(status v1alpha1.RecordingFileStatus) v1alpha1.RecordingFileStatus {
	status = *status.DeepCopy()
	status.ObservedGeneration = 0
	for i := range status.Conditions {
		status.Conditions[i].LastTransitionTime, status.Conditions[i].ObservedGeneration = metav1.Time{}, 0
	}
	for i := range status.Steps {
		status.Steps[i].StartTime, status.Steps[i].CompletionTime, status.Steps[i].JobName = nil, nil, ""
	}
	return status
}

// TestFileReconciler_ProcessesAgainWhatWasNotWhole: a person asked for a recording that was still going on, or that could not
// be processed yet. Its report starts another run, whenever it comes.
func TestFileReconciler_ProcessesAgainWhatWasNotWhole(t *testing.T) {
	for name, early := range map[string]bool{"the report comes while it is processed": true, "the report comes later": false} {
		for end, play := range map[string]func(g Gomega, namespace string) string{
			"shorter": func(g Gomega, namespace string) string {
				archived(t, g, namespace, 60)
				return v1alpha1.ReasonSucceeded
			},
			"failed": func(g Gomega, namespace string) string {
				fail(t, jobOf(t, g, namespace, "keep"), workerapi.ReasonFramesMissing, "frames 3 to 9 are missing")
				return v1alpha1.ReasonFailed
			},
		} {
			t.Run(name+", "+end, func(t *testing.T) {
				g := NewWithT(t)
				namespace := classroom(t, oneStep())
				request(t, namespace, "a.m3u8")
				// A report that comes before the status says that a run has begun has its Job replaced.
				if onlyFile(t, g, namespace, v1alpha1.ReasonProcessing, 1); early {
					report(t, namespace, "a.m3u8", 600)
				}
				if status := play(g, namespace); !early {
					onlyFile(t, g, namespace, status, 1)
					report(t, namespace, "a.m3u8", 600)
				}
				file := onlyFile(t, g, namespace, v1alpha1.ReasonProcessing, 2)
				g.Expect(file.Status.History).To(HaveLen(1))
				g.Expect(jobsOf(t, namespace, "keep")).To(HaveLen(2))
			})
		}
	}
}

// TestFileReconciler_FirstReportRoutesASkippedFile: no run stands in the way.
func TestFileReconciler_FirstReportRoutesASkippedFile(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecturePipeline(namespace, oneStep()), source(namespace, toLecture("recording.room == 'room'")))
	request(t, namespace, "a.m3u8")
	onlyFile(t, g, namespace, v1alpha1.ReasonSkipped, 0)
	report(t, namespace, "a.m3u8", 60)
	onlyFile(t, g, namespace, v1alpha1.ReasonProcessing, 1)
}

// TestSupersede_LeavesOthersAlone: what is not done, and what has no pipeline.
func TestSupersede_LeavesOthersAlone(t *testing.T) {
	facts := factsOf(&v1alpha1.RecordingFile{Spec: v1alpha1.RecordingFileSpec{Object: v1alpha1.ObjectIdentity{URL: "https://h/a"}}}, nil)
	for name, status := range map[string]v1alpha1.RecordingFileStatus{
		"not done":    {ProcessingStatus: v1alpha1.ProcessingStatus{Input: "x", Pipeline: &v1alpha1.PipelineSnapshot{}}},
		"no pipeline": {ProcessingStatus: v1alpha1.ProcessingStatus{Done: true}},
	} {
		before := *status.DeepCopy()
		if supersede(facts, &status) || cmp.Diff(before, status) != "" {
			t.Errorf("%s: %+v", name, status)
		}
	}
}
