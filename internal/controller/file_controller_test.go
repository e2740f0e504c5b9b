// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

func TestFileReconciler_BringsAFileThroughItsPipeline(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	file := fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	mp4 := jobOf(t, g, namespace, "mp4")
	succeed(t, mp4, "s3://archive/lecture-1/mp4/a.mp4")

	keep := jobOf(t, g, namespace, "keep")
	g.Expect(metav1.IsControlledBy(keep, file)).To(BeTrue())
	succeed(t, keep, "s3://archive/lecture-1/keep/a.m3u8")
	file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)

	g.Expect(file.Status.Steps).To(HaveLen(2))
	g.Expect(file.Status.Steps[0].Outputs[0].URI).To(Equal(publishedAt(mp4, "a.mp4")))
	g.Expect(file.Status.Steps[0].Attempts).To(BeEquivalentTo(1))
	g.Expect(file.Status.Summary.Progress).To(Equal("2/2"))
	g.Expect(file.Status.Pipeline.Name).To(Equal("lecture"))
	// Promise 5: no more status patches than 2 + the number of steps.
	g.Expect(statusPatches.of(client.ObjectKeyFromObject(file))).To(BeNumerically("<=", 4))

	g.Eventually(func(g Gomega) {
		var events eventsv1.EventList
		g.Expect(k8s.List(t.Context(), &events, client.InNamespace(namespace))).To(Succeed())
		reasons, started := map[string]bool{}, 0
		for _, event := range events.Items {
			if event.Regarding.Kind == "RecordingFile" {
				reasons[event.Reason] = true
			}
			if event.Reason == "StepStarted" {
				started++
			}
		}
		g.Expect(started).To(Equal(2), "one for each step")
		for _, want := range []string{"Processing", "StepStarted", "StepSucceeded", "Succeeded"} {
			g.Expect(reasons).To(HaveKey(want))
		}
		g.Expect(reasons).NotTo(HaveKey(v1alpha1.ReasonQueued), "what the STATUS column shows of every file is no event")
	}, timeout, poll).Should(Succeed())
}

func TestFileReconciler_FailedStepEndsTheFile(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	fail(t, jobOf(t, g, namespace, "mp4"), workerapi.ReasonFramesMissing, "frames 3 to 9 are missing")
	file := fileWith(t, g, namespace, v1alpha1.ReasonFailed)
	g.Expect(meta.IsStatusConditionTrue(file.Status.Conditions, v1alpha1.ConditionStalled)).To(BeTrue())
	g.Expect(file.Status.Steps[0].Message).To(Equal("frames 3 to 9 are missing"))
	for _, condition := range file.Status.Conditions {
		g.Expect(condition.Message).NotTo(ContainSubstring("frames 3"), "the step says it, and %s refers to it", condition.Type)
	}
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionStalled).Message).To(Equal(`step "mp4" failed with FramesMissing; see status.steps`))
	g.Expect(file.Status.Steps[1].State).To(Equal(v1alpha1.StepSkipped))
	g.Expect(jobsOf(t, namespace, "keep")).To(BeEmpty())
}

func TestFileReconciler_ContainerThatCouldNotSpeakFailsItsStep(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	job := jobOf(t, g, namespace, "mp4")
	killed := ended(workerapi.ContainerProcess, 137, "last lines")
	killed.State.Terminated.Reason = "OOMKilled"
	say(t, job, corev1.PodFailed, ended(workerapi.ContainerFetch, 0, ""), killed)
	job.Status.Failed = 1
	finish(t, job, batchv1.JobFailureTarget, batchv1.JobFailed)
	file := fileWith(t, g, namespace, v1alpha1.ReasonFailed)
	g.Expect(file.Status.Steps[0].Reason).To(Equal(workerapi.ReasonOutOfMemory))
	g.Expect(file.Status.Steps[0].Message).To(Equal(
		`container "process" needed more than its limit of 768Mi of memory; raise resources.limits.memory of step "mp4" in the pipeline`))
}

// TestFileReconciler_SaysWhatIsDamaged holds that a damaged recording that is published says so: in the step, in a condition of its own, in
// Ready, and in one event.
func TestFileReconciler_SaysWhatIsDamaged(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	damaged := &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged, Checked: v1alpha1.CheckedDecoded,
		Packets: v1alpha1.PacketCounts{Video: 1500, Audio: 2800}, Findings: []v1alpha1.Finding{
			{Type: v1alpha1.FindingMute, AtMilliseconds: 2000, LengthMilliseconds: 9000},
			{Type: v1alpha1.FindingSegmentMissing, Segment: new(int32(3)), AtMilliseconds: 18_000, LengthMilliseconds: 6000, Message: "segment 3 (c.ts) at 18s: is not there"},
		}}
	publish(t, jobOf(t, g, namespace, "mp4"), workerapi.Result{Outputs: []v1alpha1.Artifact{{URI: "s3://archive/lecture-1/mp4/a.mp4"}}, Integrity: damaged})
	publish(t, jobOf(t, g, namespace, "keep"), workerapi.Result{Outputs: []v1alpha1.Artifact{{URI: "s3://archive/lecture-1/keep/a.m3u8"}}, Integrity: damaged})
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Steps[0].Integrity).To(Equal(damaged))
	intact := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionIntact)
	g.Expect(intact).NotTo(BeNil())
	g.Expect(intact.Status).To(Equal(metav1.ConditionFalse))
	g.Expect(intact.Message).To(Equal(`step "mp4": SegmentMissing: segment 3 (c.ts) at 18s: is not there (1 more finding)`))
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady).Message).To(ContainSubstring("the recording is damaged"))
	g.Expect(statusPatches.of(client.ObjectKeyFromObject(file))).To(BeNumerically("<=", 4), "guarantee 5")
	g.Eventually(func(g Gomega) {
		var events eventsv1.EventList
		g.Expect(k8s.List(t.Context(), &events, client.InNamespace(namespace))).To(Succeed())
		notes := 0
		for _, event := range events.Items {
			if event.Reason == v1alpha1.ReasonDamaged {
				g.Expect(event.Note).To(Equal(intact.Message))
				notes++
			}
		}
		g.Expect(notes).To(Equal(1))
	}, timeout, poll).Should(Succeed())
}

func TestFileReconciler_WaitsForItsPipeline(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), source(namespace, toLecture("")), recordingFile(namespace, recorded()))
	_, stalled := stalledFile(t, g, namespace, v1alpha1.ReasonPipelineNotFound)
	g.Expect(stalled.Message).To(ContainSubstring(`"lecture"`))

	create(t, lecturePipeline(namespace, twoSteps()...))
	file := fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionStalled)).To(BeNil())
}

func TestFileReconciler_WaitsForSourceAndStorage(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	create(t, recordingFile(namespace, recorded()))
	stalledFile(t, g, namespace, v1alpha1.ReasonSourceNotFound)
	create(t, lecturePipeline(namespace, twoSteps()...), source(namespace, toLecture("")))
	stalledFile(t, g, namespace, v1alpha1.ReasonStorageLocationNotFound)
	create(t, storage(namespace, "archive"), storage(namespace, "recordings"))
	fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
}

func TestFileReconciler_EditedPipelineLeavesWorkInFlightAlone(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	first := jobOf(t, g, namespace, "mp4")

	edited := &v1alpha1.RecordingPipeline{}
	g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lecture"}, edited)).To(Succeed())
	edited.Spec.Steps = []v1alpha1.Step{{Name: "other", Archive: &v1alpha1.Archive{}, Output: output("x/")}}
	g.Expect(k8s.Update(t.Context(), edited)).To(Succeed())

	succeed(t, first, "s3://archive/a.mp4")
	succeed(t, jobOf(t, g, namespace, "keep"), "s3://archive/a.m3u8")
	fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(jobsOf(t, namespace, "other")).To(BeEmpty())
	var revisions appsv1.ControllerRevisionList
	g.Expect(k8s.List(t.Context(), &revisions, client.InNamespace(namespace))).To(Succeed())
	g.Expect(revisions.Items).To(HaveLen(1))
}

func TestFileReconciler_GrownFileIsProcessedAgain(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: output("x/")})
	create(t, recordingFile(namespace, recorded()))
	first := jobOf(t, g, namespace, "keep")
	succeed(t, first, "s3://archive/a.m3u8")
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)

	file.Spec.Reported.SizeBytes *= 2
	file.Spec.Reported.EndTime = &metav1.Time{Time: file.Spec.Reported.EndTime.Add(time.Minute)}
	g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
	file = fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(file.Status.Run).To(BeEquivalentTo(2))
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady).Message).To(ContainSubstring("run 2"))
	g.Expect(jobsOf(t, namespace, "keep")).To(HaveLen(2))
}

// TestFileReconciler_SuspendsAndResumes its Jobs, and marks those that it suspended itself.
func TestFileReconciler_SuspendsAndResumes(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	file := fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	for _, suspend := range []bool{true, false} {
		g.Eventually(func(g Gomega) {
			g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
			file.Spec.Suspend = suspend
			g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
		}, timeout, poll).Should(Succeed())
		g.Eventually(func(g Gomega) {
			job := jobOf(t, g, namespace, "mp4")
			g.Expect(job.Spec.Suspend).To(HaveValue(Equal(suspend)))
			_, marked := job.Annotations[v1alpha1.AnnotationSuspended]
			g.Expect(marked).To(Equal(suspend))
		}, timeout, poll).Should(Succeed())
		fileWith(t, g, namespace, map[bool]string{true: v1alpha1.ReasonSuspended, false: v1alpha1.ReasonProcessing}[suspend])
	}
}

func TestFileReconciler_SkippedStaysSkipped(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecturePipeline(namespace, twoSteps()...),
		source(namespace, toLecture("recording.format == 'MP4'")), recordingFile(namespace, recorded()))
	file := fileWith(t, g, namespace, v1alpha1.ReasonSkipped)
	g.Expect(meta.IsStatusConditionTrue(file.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue())

	// New routes are for new files.
	routed := source(namespace)
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(routed), routed)).To(Succeed())
		routed.Spec.Routes = []v1alpha1.Route{toLecture("")}
		g.Expect(k8s.Update(t.Context(), routed)).To(Succeed())
	}, timeout, poll).Should(Succeed())
	g.Consistently(func(g Gomega) { fileWith(t, g, namespace, v1alpha1.ReasonSkipped) }, "300ms", poll).Should(Succeed())

	// A person can still have it processed.
	file.Spec.PipelineRef = &v1alpha1.LocalReference{Name: "lecture"}
	g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
	fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
}

// Routes choose by what is known of a file. What a later callback adds may be what they ask for: a recording that goes on,
// or the room of one that discovery had found; a person may override either.
func TestFileReconciler_RoutesSkippedFileByNewFacts(t *testing.T) {
	for route, add := range map[string]func(*v1alpha1.RecordingFileSpec){
		"recording.duration >= duration('100s')": func(spec *v1alpha1.RecordingFileSpec) { spec.Reported.DurationSeconds = 200 },
		"recording.room == 'room'":               func(spec *v1alpha1.RecordingFileSpec) { spec.Reported.Room = "room" },
		"recording.stream == 'mine'":             func(spec *v1alpha1.RecordingFileSpec) { spec.Stream = "mine" },
	} {
		g := NewWithT(t)
		namespace := newNamespace(t)
		file := recordingFile(namespace, recorded())
		file.Spec.Reported.Room = ""
		create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecturePipeline(namespace, twoSteps()...), source(namespace, toLecture(route)), file)
		skipped := fileWith(t, g, namespace, v1alpha1.ReasonSkipped)

		add(&skipped.Spec)
		g.Expect(k8s.Update(t.Context(), skipped)).To(Succeed())
		fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
		jobOf(t, g, namespace, "mp4")
	}
}

// A room that the START alone has is the file's room too, whichever comes first.
func TestFileReconciler_TakesTheRoomOfItsTask(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecturePipeline(namespace, twoSteps()...), source(namespace, toLecture("recording.room == 'room'")))
	task := ingest.NewTask(namespace, "classroom", "task")
	task.Spec.Room = "room"
	create(t, task)
	g.Eventually(func(g Gomega) {
		g.Expect(files.Client.Get(t.Context(), client.ObjectKeyFromObject(task), &v1alpha1.RecordingTask{})).To(Succeed())
	}, timeout, poll).Should(Succeed())
	file := recordingFile(namespace, recorded())
	file.Spec.Reported.Room = ""
	create(t, file)
	g.Expect(fileWith(t, g, namespace, v1alpha1.ReasonProcessing).Status.Summary.Room).To(Equal("room"))
}

// The same when the START comes last: a file that no route took is routed again, and one that is done shows the room.
func TestFileReconciler_TakesTheRoomOfALateTask(t *testing.T) {
	for route, want := range map[string][2]string{
		"recording.room == 'room'": {v1alpha1.ReasonSkipped, v1alpha1.ReasonProcessing},
		"recording.room != 'room'": {v1alpha1.ReasonProcessing, v1alpha1.ReasonSucceeded},
	} {
		g := NewWithT(t)
		namespace := newNamespace(t)
		keep := v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: output("x/")}
		create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecturePipeline(namespace, keep), source(namespace, toLecture(route)))
		file := recordingFile(namespace, recorded())
		file.Spec.Reported.Room = ""
		create(t, file)
		fileWith(t, g, namespace, want[0])
		if want[1] == v1alpha1.ReasonSucceeded {
			succeed(t, jobOf(t, g, namespace, "keep"), "s3://archive/a.m3u8")
			fileWith(t, g, namespace, want[1])
		}
		tell(t, namespace, "1000000000000000000000000000000a", sparkrtc.Event{Type: sparkrtc.Start, RoomID: "room"})
		g.Eventually(func(g Gomega) {
			g.Expect(fileWith(t, g, namespace, want[1]).Status.Summary.Room).To(Equal("room"))
		}, timeout, poll).Should(Succeed())
	}
}

// A report that comes later, under another signature, is of the same recording.
func TestFileReconciler_NewSignatureIsTheSameRecording(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: output("x/")})
	create(t, recordingFile(namespace, recorded()))
	succeed(t, jobOf(t, g, namespace, "keep"), "s3://archive/a.m3u8")
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	file.Spec.Reported.DownloadURL = "https://example.com/a.m3u8?sign=2"
	file.Spec.Reported.IgnoredFields = []string{"width"}
	g.Expect(k8s.Update(t.Context(), file)).To(Succeed())
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
		g.Expect(file.Status.ObservedGeneration).To(Equal(file.Generation))
	}, timeout, poll).Should(Succeed())
	g.Expect(file.Status.Run).To(BeEquivalentTo(1))
	g.Expect(file.Status.IgnoredFields).To(ConsistOf("width"))
	g.Expect(jobsOf(t, namespace, "keep")).To(HaveLen(1))
}

func TestFileReconciler_ForeignBucketIsNotRead(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	foreign := recordingFile(namespace, recorded())
	foreign.Spec.Object.Bucket = "somebody-elses"
	create(t, foreign)
	stalledFile(t, g, namespace, v1alpha1.ReasonBucketNotAllowed)
	g.Expect(jobsOf(t, namespace, "mp4")).To(BeEmpty())
}

func TestFileReconciler_StepWorksOnAnother(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t,
		v1alpha1.Step{Name: "mp4", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}, Output: output("a/")},
		v1alpha1.Step{Name: "small", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetH264}, Input: &v1alpha1.StepInput{Step: "mp4"}, Output: output("b/")})
	create(t, recordingFile(namespace, recorded()))
	succeed(t, jobOf(t, g, namespace, "mp4"), "s3://archive/a/a.mp4")
	small := jobOf(t, g, namespace, "small")
	g.Expect(small.Spec.Template.Spec.InitContainers[0].Env[0].Value).To(ContainSubstring(`"bucket":"archive","key":"a/a.mp4"`))
}

func TestFileReconciler_DeletedSourceLeavesWorkInFlightAlone(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	mp4 := jobOf(t, g, namespace, "mp4")
	fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(k8s.Delete(t.Context(), source(namespace))).To(Succeed())
	succeed(t, mp4, "s3://archive/a.mp4")
	// The next step would read the recording through its source: it waits, and what was done stays.
	file, _ := stalledFile(t, g, namespace, v1alpha1.ReasonSourceNotFound)
	g.Expect(file.Status.Steps[0].State).To(Equal(v1alpha1.StepSucceeded))
	create(t, source(namespace, toLecture("")))
	succeed(t, jobOf(t, g, namespace, "keep"), "s3://archive/a.m3u8")
	file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Run).To(BeEquivalentTo(1))
}

func TestFileReconciler_DeletedRevisionTakesNothingBack(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	mp4 := jobOf(t, g, namespace, "mp4")
	file := fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	g.Expect(k8s.Delete(t.Context(), &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: file.Status.Pipeline.Revision}})).To(Succeed())
	succeed(t, mp4, "s3://archive/a.mp4")
	file = fileWith(t, g, namespace, v1alpha1.ReasonFailed)
	g.Expect(file.Status.Pipeline).NotTo(BeNil())
	g.Expect(file.Status.Steps).To(HaveLen(2))
	g.Expect(jobsOf(t, namespace, "mp4")).To(HaveLen(1))
}
