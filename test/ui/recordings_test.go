// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// hostile is a name that a user of a call may choose.
const hostile = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`

// cluster is an API server with recordings of every state.
type cluster struct {
	*apiserver.Server
	t   *testing.T
	now time.Time
	// files is how many files there are.
	files int
}

func (c *cluster) create(object client.Object) {
	c.t.Helper()
	if err := c.Client.Create(c.t.Context(), object); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) ago(age time.Duration) *metav1.Time { return new(metav1.NewTime(c.now.Add(-age))) }

// file creates a file of a source with a status.
func (c *cluster) file(name, room, stream, reason, message string, steps ...v1alpha1.StepStatus) *v1alpha1.RecordingFile {
	c.t.Helper()
	facts := v1alpha1.RecordingFacts{StartTime: c.ago(90 * time.Minute), EndTime: c.ago(31 * time.Minute), SizeBytes: 734_003_200, DurationSeconds: 3541, Width: 1280, Height: 720}
	file := builders.MakeRecordingFile(name, "classroom").Object("abc-rtc-bucket2", "Record/"+name+".m3u8").Of("5fcdf565", "job-"+name, stream, "HLS").Room(room).Reported(facts).Obj()
	c.create(file)
	c.files++
	c.status(file, func(status *v1alpha1.RecordingFileStatus) {
		status.Summary = &v1alpha1.FileSummary{Room: room, Stream: stream, Format: "HLS", Duration: "59m1s", Size: "700.0MiB", Resolution: "1280x720"}
		status.Pipeline = &v1alpha1.PipelineSnapshot{Name: "lecture", Revision: "lecture-1"}
		status.Run, status.Steps = 1, steps
		ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason, Message: message}
		switch reason {
		case v1alpha1.ReasonSucceeded:
			ready.Status = metav1.ConditionTrue
		case v1alpha1.ReasonFailed:
			status.Summary.Reason = "SegmentMissing"
		}
		meta.SetStatusCondition(&status.Conditions, ready)
	})
	return file
}

// status changes the status of a file.
func (c *cluster) status(file *v1alpha1.RecordingFile, change func(*v1alpha1.RecordingFileStatus)) {
	c.t.Helper()
	change(&file.Status)
	if err := c.Client.Status().Update(c.t.Context(), file); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) succeeded(name, job string) v1alpha1.StepStatus {
	folder := "s3://archive/math/camera/20260301T090000Z-" + job + "/" + name + "/"
	return v1alpha1.StepStatus{Name: name, State: v1alpha1.StepSucceeded, JobName: job + "-" + name + "-1-8ce992db0f", Attempts: 1,
		StartTime: c.ago(6 * time.Minute), CompletionTime: c.ago(4 * time.Minute),
		Manifest: &v1alpha1.ManifestReference{URI: folder + "manifest.json", Outputs: 1},
		Outputs: []v1alpha1.Artifact{{Name: "camera.mp4", URI: folder + "camera.mp4", MediaType: "video/mp4", SizeBytes: 26254952,
			Media: &v1alpha1.Media{VideoCodec: "h264", AudioCodec: "aac", Width: 1280, Height: 720}}}}
}

func (c *cluster) running(name, job string, percent int32, stage v1alpha1.StepStage, rate string) v1alpha1.StepStatus {
	return v1alpha1.StepStatus{Name: name, State: v1alpha1.StepRunning, JobName: job + "-" + name + "-1-44c3532da1", Attempts: 1, StartTime: c.ago(200 * time.Second),
		Progress: &v1alpha1.StepProgress{Percent: percent, Stage: stage, Rate: rate, UpdateTime: *c.ago(5 * time.Second)}}
}

func waits(name string, state v1alpha1.StepState, message string) v1alpha1.StepStatus {
	return v1alpha1.StepStatus{Name: name, State: state, Message: message}
}

// fill creates recordings of every state, and returns the one that is being processed.
func (c *cluster) fill() *v1alpha1.RecordingFile {
	namespace := &corev1.Namespace{}
	namespace.Name = builders.Namespace
	c.create(namespace)
	after := waits("pictures", v1alpha1.StepPending, `waiting for step "small"`)
	for _, room := range []string{"math-101", "physics", "chemistry", "latin", "music", "french", "statistics"} {
		done := "lecture-" + room
		c.file(done, room, "teacher", v1alpha1.ReasonSucceeded, "3 of 3 steps succeeded", c.succeeded("mp4", done), c.succeeded("small", done), c.succeeded("pictures", done))
	}
	failed := c.succeeded("small", "seminar")
	failed.State, failed.Outputs, failed.Manifest, failed.Reason = v1alpha1.StepFailed, nil, nil, "SegmentMissing"
	failed.Message = "segment 41 of the playlist, seminar-41.ts, does not exist; it begins at 20m30s"
	c.file("seminar-history", "history", "teacher", v1alpha1.ReasonFailed, `step "small" failed with SegmentMissing; see status.steps`,
		c.succeeded("mp4", "seminar"), failed, v1alpha1.StepStatus{Name: "pictures", State: v1alpha1.StepSkipped, Reason: v1alpha1.ReasonDependencyFailed})
	c.file("short-call", "lobby", "guest", v1alpha1.ReasonSkipped, "no route of RecordingSource classroom matches")
	for _, name := range []string{"tutorial-biology", "tutorial-geography"} {
		waiting := c.file(name, "tutorials", "mixed", v1alpha1.ReasonQueued, "waiting for a limit", waits("mp4", v1alpha1.StepQueued, ""), waits("small", v1alpha1.StepPending, ""), after)
		c.status(waiting, func(status *v1alpha1.RecordingFileStatus) {
			status.Queue = &v1alpha1.QueueStatus{WaitingFor: "RecordingPipeline lecture: 8 of 8 files running", Since: *c.ago(2 * time.Minute)}
		})
	}
	c.file("hostile-room", hostile, hostile, v1alpha1.ReasonProcessing, hostile, waits("mp4", v1alpha1.StepRunning, hostile))
	c.file("lecture-algebra", "math-201", "teacher", v1alpha1.ReasonProcessing, "1 of 3 steps succeeded", c.succeeded("mp4", "algebra"), c.running("small", "algebra", 71, v1alpha1.StageProcess, "2.9x"), after)
	processed := c.file("lecture-analysis", "math-301", "teacher", v1alpha1.ReasonProcessing, "1 of 3 steps succeeded",
		c.succeeded("mp4", "analysis"), c.running("small", "analysis", 42, v1alpha1.StageProcess, "3.4x"), after)
	for name, state := range map[string]v1alpha1.TaskState{"job-lecture-analysis": v1alpha1.TaskEnded, "job-evening-class": v1alpha1.TaskRecording} {
		task := builders.MakeRecordingTask(name, "classroom", name).Obj()
		c.create(task)
		task.Status.State, task.Status.Summary = state, &v1alpha1.TaskSummary{Room: "math-301", Stream: "teacher", Files: "1/1", Duration: "59m1s"}
		if err := c.Client.Status().Update(c.t.Context(), task); err != nil {
			c.t.Fatal(err)
		}
	}
	c.create(&corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: builders.Namespace, Name: "lecture-analysis.1"},
		InvolvedObject: corev1.ObjectReference{Kind: "RecordingFile", Namespace: builders.Namespace, Name: processed.Name, APIVersion: v1alpha1.GroupVersion.String()},
		Type:           corev1.EventTypeWarning, Reason: "StepRetried", Message: "step mp4: the storage endpoint did not respond; trying again", LastTimestamp: *c.ago(7 * time.Minute), Count: 2,
	})
	return processed
}
