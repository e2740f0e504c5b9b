// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// conforms checks the data of an event against the published schema.
func conforms(t *testing.T, document []byte) error {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiled, err := compiler.Compile(filepath.Join("..", "..", "docs", "reference", "schemas", "notification.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(decoded)
}

const secretText = "TOP-SECRET"

// lecture is a file that is ready, with a secret in every text that is none of the operator's own.
func lecture() *v1alpha1.RecordingFile {
	end := metav1.NewTime(created)
	file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "lecture-1", UID: "0b3c6a52-5f0e-4d8f-9a4e-2f6d9c1b7e10",
		CreationTimestamp: end, Annotations: map[string]string{"a": secretText}}}
	file.Spec = v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "abc-rtc", Key: "Record/教室 1.m3u8"}, TaskIDs: []string{"task-1"},
		Reported: &v1alpha1.ReportedRecording{
			RecordingIdentity: v1alpha1.RecordingIdentity{App: "app", Room: `<b>"房间"`, Format: "HLS"},
			RecordingFacts:    v1alpha1.RecordingFacts{EndTime: &end, SizeBytes: 1000, DurationSeconds: 65, Width: 1280, Height: 720},
			DownloadURL:       "https://obs.example.com/a.m3u8?Signature=" + secretText, Location: secretText,
		},
	}
	made := ended("mp4", v1alpha1.StepSucceeded, 5)
	made.Message, made.Results = secretText, []v1alpha1.StepResult{{Name: "token", Value: secretText}}
	made.Outputs = []v1alpha1.Artifact{{Name: "video.mp4", URI: "s3://abc-archive/lecture-1/mp4/video.mp4", Bucket: "abc-archive", Key: "lecture-1/mp4/video.mp4",
		MediaType: "video/mp4", SizeBytes: 900, SHA256: strings.Repeat("ab", 32)}}
	skipped := v1alpha1.StepStatus{Name: "pictures", State: v1alpha1.StepSkipped, Reason: "NoVideo", Message: secretText}
	file.Status = status(1, v1alpha1.ReasonSucceeded, made, skipped)
	file.Status.Conditions[0].Message = secretText
	file.Status.Summary.Stream = "stream of the task"
	return file
}

// TestFileEvent_SaysWhatTheSchemaDescribes, and nothing that may be secret.
func TestFileEvent_SaysWhatTheSchemaDescribes(t *testing.T) {
	file := lecture()
	for name, c := range map[string]struct {
		waiting    Waiting
		id, kind   string
		has, lacks []string
	}{
		"recorded": {Waiting{Event: v1alpha1.EventFileRecorded}, "FileRecorded-0", "file.recorded.v1",
			[]string{`"taskIDs":["task-1"]`, `"durationSeconds":65`, `"stream":"stream of the task"`}, []string{"outputs", `"run"`, "reason"}},
		"ready": {Waiting{Event: v1alpha1.EventFileReady, Run: 1, Reason: "Succeeded"}, "FileReady-1", "file.ready.v1",
			[]string{`"run":1`, `"reason":"Succeeded"`, `"outputs":[{"step":"mp4","name":"video.mp4","uri":"s3://abc-archive/lecture-1/mp4/video.mp4"`}, []string{`"step":{`}},
		"failed": {Waiting{Event: v1alpha1.EventFileFailed, Run: 1, Reason: "SegmentMissing"}, "FileFailed-1", "file.failed.v1",
			[]string{`"reason":"SegmentMissing"`}, []string{"outputs"}},
		"step": {Waiting{Event: v1alpha1.EventStepFinished, Run: 1, Step: "mp4", State: v1alpha1.StepSucceeded}, "StepFinished-1-mp4", "step.finished.v1",
			[]string{`"step":{"name":"mp4","state":"Succeeded"}`, `"name":"video.mp4"`}, nil},
		"skipped": {Waiting{Event: v1alpha1.EventStepFinished, Run: 1, Step: "pictures", State: v1alpha1.StepSkipped, Reason: "NoVideo"}, "StepFinished-1-pictures", "step.finished.v1",
			[]string{`"step":{"name":"pictures","state":"Skipped","reason":"NoVideo"}`}, []string{"outputs"}},
		"of a run before": {Waiting{Event: v1alpha1.EventFileReady, Run: 7, Reason: "Succeeded"}, "FileReady-7", "file.ready.v1", []string{`"run":7`}, []string{"outputs"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c.waiting.Time = metav1.NewMicroTime(noon)
			made, err := fileEvent(file, &c.waiting)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(made.ID()).To(Equal(fmt.Sprintf("%s-%s-%d", file.UID, c.id, noon.UnixMicro())))
			g.Expect(made.ID()).NotTo(ContainSubstring("."), "a full stop separates it from the time in what is signed")
			g.Expect(made.Type()).To(Equal("dev.sparkrtc.recording." + c.kind))
			g.Expect(made.Source()).To(Equal("/namespaces/media/recordingsources/classroom"))
			g.Expect(made.Subject()).To(Equal("recordingfiles/lecture-1"))
			g.Expect(made.Time()).To(BeTemporally("==", noon))
			g.Expect(conforms(t, made.Data())).To(Succeed(), string(made.Data()))
			for _, text := range c.has {
				g.Expect(string(made.Data())).To(ContainSubstring(text))
			}
			for _, text := range append(c.lacks, secretText, "downloadURL", "?") {
				g.Expect(string(made.Data())).NotTo(ContainSubstring(text))
			}
		})
	}
}

func TestTaskEvent_SaysWhatTheSchemaDescribes(t *testing.T) {
	g := NewWithT(t)
	task := &v1alpha1.RecordingTask{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "task-1", UID: "uid"}}
	task.Spec = v1alpha1.RecordingTaskSpec{SourceRef: v1alpha1.LocalReference{Name: "classroom"}, TaskID: "job", RecordingIdentity: v1alpha1.RecordingIdentity{Room: "room"}}
	task.Status = v1alpha1.RecordingTaskStatus{State: v1alpha1.TaskEnded, Files: 2, DurationSeconds: 65, Summary: &v1alpha1.TaskSummary{Stream: "stream"}}
	made, err := taskEvent(task, &Waiting{Event: v1alpha1.EventTaskEnded, Time: metav1.NewMicroTime(noon)})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(made.Subject()).To(Equal("recordingtasks/task-1"))
	g.Expect(made.Type()).To(Equal("dev.sparkrtc.recording.task.ended.v1"))
	g.Expect(conforms(t, made.Data())).To(Succeed(), string(made.Data()))
	g.Expect(string(made.Data())).To(And(ContainSubstring(`"taskIDs":["job"]`), ContainSubstring(`"files":2`), ContainSubstring(`"stream":"stream"`)))
}

// TestSchema_RefusesOthers: the schema is one that can refuse.
func TestSchema_RefusesOthers(t *testing.T) {
	g := NewWithT(t)
	made, err := fileEvent(lecture(), &Waiting{Event: v1alpha1.EventFileReady, Run: 1})
	g.Expect(err).NotTo(HaveOccurred())
	for field, value := range map[string]any{"version": "v2", "event": "FileLost", "uid": nil, "run": 0, "outputs": "none"} {
		var document map[string]any
		g.Expect(json.Unmarshal(made.Data(), &document)).To(Succeed())
		if document[field] = value; value == nil {
			delete(document, field)
		}
		changed, err := json.Marshal(document)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(conforms(t, changed)).NotTo(Succeed(), field)
	}
}

// TestReconciler_RetriedDeliveryKeepsItsID, and the next failure of the same run has another: a receiver that drops what comes
// twice hears of each.
func TestReconciler_RetriedDeliveryKeepsItsID(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	failed := fileWith("media", "a", noon, v1alpha1.EventFileFailed)
	again := fileWith("media", "a", noon.Add(time.Millisecond), v1alpha1.EventFileFailed)
	failed.Status.Notifications = append(failed.Status.Notifications, again.Status.Notifications...)
	w := newWorld(t, []string{sink.URL}, binary("media", sink), failed)
	sink.status.Store(http.StatusServiceUnavailable)
	w.clock.Step(w.look(t, "media", "a").RequeueAfter)
	sink.status.Store(0)
	for range 2 {
		w.look(t, "media", "a")
	}
	g.Expect(w.file(t, "media", "a").Status.Notifications).To(BeEmpty())
	g.Expect(sink.tried).To(HaveLen(3))
	g.Expect(sink.tried[1]).To(Equal(sink.tried[0]), "the same event")
	g.Expect(sink.tried[2]).NotTo(Equal(sink.tried[0]), "another one")
}
