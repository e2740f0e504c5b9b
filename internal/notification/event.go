// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"cmp"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
)

const (
	// dataVersion names the schema of an event's data, and dataSchema is its ID.
	dataVersion = "recording.sparkrtc.dev/notification.v1"
	dataSchema  = "https://recording.sparkrtc.dev/schemas/notification.v1.json"
)

// typeOf has the types of events.
var typeOf = map[v1alpha1.NotificationEvent]string{
	v1alpha1.EventFileRecorded: "dev.sparkrtc.recording.file.recorded.v1",
	v1alpha1.EventFileReady:    "dev.sparkrtc.recording.file.ready.v1",
	v1alpha1.EventFileFailed:   "dev.sparkrtc.recording.file.failed.v1",
	v1alpha1.EventStepFinished: "dev.sparkrtc.recording.step.finished.v1",
	v1alpha1.EventTaskEnded:    "dev.sparkrtc.recording.task.ended.v1",
}

// data is what docs/reference/schemas/notification.v1.json describes. A person may have put a secret into any text of an
// object, and a pod into a message or a result: neither is part of it, and no URL has a query.
type data struct {
	Version   string                     `json:"version"`
	Event     v1alpha1.NotificationEvent `json:"event"`
	Namespace string                     `json:"namespace"`
	Name      string                     `json:"name"`
	UID       string                     `json:"uid"`
	Run       int32                      `json:"run,omitempty"`
	Reason    string                     `json:"reason,omitempty"`
	Recording recorded                   `json:"recording"`
	Step      *step                      `json:"step,omitempty"`
	Task      *task                      `json:"task,omitempty"`
	Outputs   []output                   `json:"outputs,omitempty"`
}

type recorded struct {
	Source          string       `json:"source"`
	App             string       `json:"app,omitempty"`
	Room            string       `json:"room,omitempty"`
	Stream          string       `json:"stream,omitempty"`
	Format          string       `json:"format,omitempty"`
	TaskIDs         []string     `json:"taskIDs,omitempty"`
	Bucket          string       `json:"bucket,omitempty"`
	Key             string       `json:"key,omitempty"`
	URL             string       `json:"url,omitempty"`
	StartTime       *metav1.Time `json:"startTime,omitempty"`
	EndTime         *metav1.Time `json:"endTime,omitempty"`
	DurationSeconds int64        `json:"durationSeconds,omitempty"`
	SizeBytes       int64        `json:"sizeBytes,omitempty"`
	Width           int32        `json:"width,omitempty"`
	Height          int32        `json:"height,omitempty"`
}

type step struct {
	Name   string             `json:"name"`
	State  v1alpha1.StepState `json:"state"`
	Reason string             `json:"reason,omitempty"`
}

type task struct {
	State           v1alpha1.TaskState `json:"state"`
	Files           int32              `json:"files"`
	DurationSeconds int64              `json:"durationSeconds"`
	SizeBytes       int64              `json:"sizeBytes"`
}

type output struct {
	Step      string                `json:"step"`
	Name      string                `json:"name"`
	URI       string                `json:"uri,omitempty"`
	Bucket    string                `json:"bucket,omitempty"`
	Key       string                `json:"key,omitempty"`
	MediaType string                `json:"mediaType,omitempty"`
	Kind      v1alpha1.ArtifactKind `json:"kind,omitempty"`
	Language  string                `json:"language,omitempty"`
	SizeBytes int64                 `json:"sizeBytes,omitempty"`
	SHA256    string                `json:"sha256,omitempty"`
}

// fileEvent is what is sent for an event of a file. Outputs are those of the run that the event is about, as long as the
// status has it.
func fileEvent(file *v1alpha1.RecordingFile, waiting *Waiting) (event.Event, error) {
	facts := recording.Of(&file.Spec)
	var summary v1alpha1.FileSummary // it knows what the tasks said, too
	if file.Status.Summary != nil {
		summary = *file.Status.Summary
	}
	content := data{Reason: waiting.Reason, Recording: recorded{
		Source: facts.Source, App: facts.App, Room: cmp.Or(facts.Room, summary.Room), Stream: cmp.Or(facts.Stream, summary.Stream),
		Format: cmp.Or(facts.Format, summary.Format), TaskIDs: facts.TaskIDs, Bucket: facts.Object.Bucket, Key: facts.Object.Key, URL: facts.Object.URL,
		StartTime: facts.StartTime, EndTime: facts.EndTime, DurationSeconds: facts.DurationSeconds, SizeBytes: facts.SizeBytes,
		Width: facts.Width, Height: facts.Height,
	}}
	if waiting.Step != "" {
		content.Step = &step{Name: waiting.Step, State: waiting.State, Reason: waiting.Reason}
		content.Reason = ""
	}
	for i := range file.Status.Steps {
		if made := &file.Status.Steps[i]; waiting.Run == file.Status.Run && concerns(waiting, made) {
			content.Outputs = append(content.Outputs, outputsOf(made)...)
		}
	}
	return newEvent(file, "recordingfiles", waiting, content)
}

// concerns says that an event is about what a step made.
func concerns(waiting *Waiting, made *v1alpha1.StepStatus) bool {
	return waiting.Event == v1alpha1.EventFileReady || waiting.Event == v1alpha1.EventStepFinished && waiting.Step == made.Name
}

func outputsOf(made *v1alpha1.StepStatus) []output {
	outputs := make([]output, len(made.Outputs))
	for i := range made.Outputs {
		from := &made.Outputs[i]
		outputs[i] = output{Step: made.Name, Name: from.Name, URI: from.URI, Bucket: from.Bucket, Key: from.Key, MediaType: from.MediaType,
			Kind: from.Kind, Language: from.Language, SizeBytes: from.SizeBytes, SHA256: from.SHA256}
	}
	return outputs
}

// taskEvent is what is sent for an event of a task.
func taskEvent(of *v1alpha1.RecordingTask, waiting *Waiting) (event.Event, error) {
	var summary v1alpha1.TaskSummary
	if of.Status.Summary != nil {
		summary = *of.Status.Summary
	}
	return newEvent(of, "recordingtasks", waiting, data{
		Recording: recorded{
			Source: of.Spec.SourceRef.Name, App: of.Spec.App, Room: cmp.Or(of.Spec.Room, summary.Room), Stream: cmp.Or(of.Spec.Stream, summary.Stream),
			Format: of.Spec.Format, TaskIDs: []string{of.Spec.TaskID},
		},
		Task: &task{State: of.Status.State, Files: of.Status.Files, DurationSeconds: of.Status.DurationSeconds, SizeBytes: of.Status.SizeBytes},
	})
}

func newEvent(object client.Object, resource string, waiting *Waiting, content data) (event.Event, error) {
	content.Version, content.Event, content.Run = dataVersion, waiting.Event, waiting.Run
	content.Namespace, content.Name, content.UID = object.GetNamespace(), object.GetName(), string(object.GetUID())
	made := event.New(event.CloudEventsVersionV1)
	made.SetID(eventID(object, waiting))
	made.SetSource("/namespaces/" + object.GetNamespace() + "/recordingsources/" + content.Recording.Source)
	made.SetType(typeOf[waiting.Event])
	made.SetSubject(resource + "/" + object.GetName())
	made.SetTime(waiting.Time.Time)
	made.SetDataSchema(dataSchema)
	if err := made.SetData(event.ApplicationJSON, content); err != nil {
		return made, fmt.Errorf("encode the data of an event: %w", err)
	}
	if err := made.Validate(); err != nil {
		return made, fmt.Errorf("make an event: %w", err)
	}
	return made, nil
}

// eventID is the same for every attempt, and differs from that of any other event: it says what happened, and when, in
// microseconds since 1970. It has no full stop, which separates it from the time in what Standard Webhooks signs.
func eventID(object client.Object, waiting *Waiting) string {
	id := fmt.Sprintf("%s-%s-%d", object.GetUID(), waiting.Event, waiting.Run)
	if waiting.Step != "" {
		id += "-" + waiting.Step
	}
	return fmt.Sprintf("%s-%d", id, waiting.Time.UnixMicro())
}
