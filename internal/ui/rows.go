// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"k8s.io/apimachinery/pkg/api/meta"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/describe"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/scheduler"
)

// maxSentence is how many bytes of a message a row shows; the file itself has all of it.
const maxSentence = 400

// fileRow is a RecordingFile in the list.
type fileRow struct {
	identity
	Source   string `json:"source"`
	Pipeline string `json:"pipeline,omitempty"`
	Room     string `json:"room,omitempty"`
	Stream   string `json:"stream,omitempty"`
	Duration string `json:"duration,omitempty"`
	Size     string `json:"size,omitempty"`
	// Status is the STATUS column.
	Status string `json:"status"`
	// Reason is why the file needs a person, for example SegmentMissing.
	Reason string `json:"reason,omitempty"`
	// Now says what the running steps do, else what the file waits for, else the message of its status: as
	// `kubectl recordings watch` does.
	Now string `json:"now,omitempty"`
	// Steps of the file, in the pipeline's order.
	Steps []stepBar `json:"steps,omitempty"`

	// taskIDs are the tasks that the file can be looked for by.
	taskIDs []string
	// waits says that the file waits for a limit, and order which of its source comes first.
	waits bool
	order scheduler.Order
}

// stepBar is a step in the list.
type stepBar struct {
	Name  string             `json:"name"`
	State v1alpha1.StepState `json:"state"`
	// Percent of the step that is done, if it is known.
	Percent *int32 `json:"percent,omitempty"`
}

func newFileRow(file *v1alpha1.RecordingFile) *fileRow {
	status, _ := describe.Status(file)
	facts := recording.Of(&file.Spec)
	made := &fileRow{
		identity: identityOf(file.Namespace, file.Name, file.ResourceVersion, file.CreationTimestamp.Unix()),
		Source:   file.Spec.SourceRef.Name, taskIDs: file.Spec.TaskIDs, Room: facts.Room, Stream: facts.Stream, Status: status,
		Now: bounded.Bytes(describe.Now(file), maxSentence), waits: file.Status.Queue != nil, order: scheduler.OrderOf(file),
	}
	if summary := file.Status.Summary; summary != nil {
		made.Duration, made.Size, made.Reason = summary.Duration, summary.Size, summary.Reason
		// What the file's tasks say is in the summary alone.
		made.Room, made.Stream = summary.Room, summary.Stream
	}
	if file.Status.Pipeline != nil {
		made.Pipeline = file.Status.Pipeline.Name
	}
	for i := range file.Status.Steps {
		made.Steps = append(made.Steps, newStepBar(&file.Status.Steps[i]))
	}
	return made
}

func newStepBar(step *v1alpha1.StepStatus) stepBar {
	bar := stepBar{Name: step.Name, State: step.State}
	if step.Progress != nil {
		bar.Percent = &step.Progress.Percent
	}
	return bar
}

func (r *fileRow) status() string { return r.Status }

// taskRow is a RecordingTask in the list.
type taskRow struct {
	identity
	Source string `json:"source"`
	TaskID string `json:"taskID"`
	Room   string `json:"room,omitempty"`
	Stream string `json:"stream,omitempty"`
	// Status is the STATE column.
	Status string `json:"status"`
	// Now is the message of its state, or which files are missing.
	Now      string `json:"now,omitempty"`
	Files    string `json:"files,omitempty"`
	Duration string `json:"duration,omitempty"`
	Size     string `json:"size,omitempty"`
	// FilesMissing says that files began that were not reported.
	FilesMissing bool `json:"filesMissing,omitempty"`
}

func newTaskRow(task *v1alpha1.RecordingTask) *taskRow {
	made := &taskRow{
		identity: identityOf(task.Namespace, task.Name, task.ResourceVersion, task.CreationTimestamp.Unix()),
		Source:   task.Spec.SourceRef.Name, TaskID: task.Spec.TaskID, Room: task.Spec.Room, Stream: task.Spec.Stream,
		Status: v1alpha1.ReasonPending,
	}
	if task.Status.State != "" {
		made.Status = string(task.Status.State)
	}
	if summary := task.Status.Summary; summary != nil {
		made.Room, made.Stream = summary.Room, summary.Stream
		made.Files, made.Duration, made.Size = summary.Files, summary.Duration, summary.Size
	}
	if ready := meta.FindStatusCondition(task.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		made.Now = ready.Message
	}
	if missing := meta.FindStatusCondition(task.Status.Conditions, v1alpha1.ConditionFilesMissing); missing != nil {
		made.Now, made.FilesMissing = missing.Message, true
	}
	made.Now = bounded.Bytes(made.Now, maxSentence)
	return made
}

func (r *taskRow) status() string { return r.Status }

func identityOf(namespace, name, version string, created int64) identity {
	return identity{Namespace: namespace, Name: name, version: version, Created: created}
}
