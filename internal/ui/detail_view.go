// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"cmp"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/describe"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// fileDetail is all that the page shows of a file. Its names are those of the API, in which the meanings are explained.
type fileDetail struct {
	fileRow
	// Message is that of Ready, in full.
	Message string `json:"message"`
	// WaitingFor is the limit that the file waits for, and Position its place among the files of its source.
	WaitingFor string `json:"waitingFor,omitempty"`
	Position   int    `json:"position,omitempty"`
	Suspended  bool   `json:"suspended,omitempty"`
	Deleting   bool   `json:"deleting,omitempty"`
	Run        int32  `json:"run,omitempty"`

	Facts      []fact             `json:"facts"`
	Steps      []stepDetail       `json:"steps"`
	Conditions []metav1.Condition `json:"conditions"`
	Events     []eventDetail      `json:"events"`
	Tasks      []*taskRow         `json:"tasks"`
	History    []v1alpha1.PastRun `json:"history,omitempty"`
	// LeftOut says what is not shown, because a right is missing.
	LeftOut []string `json:"leftOut,omitempty"`
}

// fact is something that is known of the recording. Time is one that the page writes in the person's own time zone.
type fact struct {
	Name string       `json:"name"`
	Text string       `json:"text,omitempty"`
	Time *metav1.Time `json:"time,omitempty"`
	// Copy says that a person may want to copy the text.
	Copy bool `json:"copy,omitempty"`
}

// stepDetail is a step with what belongs to it.
type stepDetail struct {
	v1alpha1.StepStatus
	// Took is how long it took, and Stage what it does and how fast.
	Took  string `json:"took,omitempty"`
	Stage string `json:"stage,omitempty"`
	// Job is how the Job of this run is.
	Job  string      `json:"job,omitempty"`
	Pods []podDetail `json:"pods,omitempty"`
	// Files are the outputs, and MoreOutputs how many only the manifest lists.
	Files       []outputDetail `json:"files,omitempty"`
	MoreOutputs int            `json:"moreOutputs,omitempty"`
}

type podDetail struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

type outputDetail struct {
	Name string `json:"name"`
	URI  string `json:"uri"`
	// Size is, for example, 25.0MiB, and Media what is inside: video/mp4 h264 aac 1280x720.
	Size  string `json:"size,omitempty"`
	Media string `json:"media,omitempty"`
}

type eventDetail struct {
	Type    string    `json:"type"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Count   int32     `json:"count,omitempty"`
	Time    time.Time `json:"time"`
}

func newFileDetail(seen *observed) *fileDetail {
	file := &seen.file
	_, message := describe.Status(file)
	made := &fileDetail{
		fileRow: *newFileRow(file), Message: message, Run: file.Status.Run, Facts: factsOf(file), History: file.Status.History,
		Suspended: file.Spec.Suspend, Deleting: file.DeletionTimestamp != nil, LeftOut: seen.leftOut,
		Steps: []stepDetail{}, Conditions: file.Status.Conditions, Events: []eventDetail{},
	}
	if file.Status.Queue != nil {
		made.WaitingFor = file.Status.Queue.WaitingFor
	}
	for i := range file.Status.Steps {
		made.Steps = append(made.Steps, newStepDetail(&file.Status.Steps[i], seen))
	}
	for i := range seen.events {
		made.Events = append(made.Events, newEventDetail(&seen.events[i]))
	}
	return made
}

func factsOf(file *v1alpha1.RecordingFile) []fact {
	known := recording.Of(&file.Spec)
	object := known.Object.URL
	if object == "" {
		object = "s3://" + known.Object.Bucket + "/" + known.Object.Key
	}
	var size, duration, picture, format string
	if known.SizeBytes > 0 {
		size = recording.HumanSize(known.SizeBytes)
	}
	if known.DurationSeconds > 0 {
		duration = known.Duration().String()
	}
	if known.Width > 0 && known.Height > 0 {
		picture = fmt.Sprintf("%dx%d", known.Width, known.Height)
	}
	format = describe.Words(known.Format, picture)
	var facts []fact
	for _, each := range []fact{
		{Name: "Object", Text: object, Copy: true}, {Name: "App", Text: known.App},
		{Name: "Format", Text: format}, {Name: "Duration", Text: duration}, {Name: "Size", Text: size},
		{Name: "Recorded", Time: known.StartTime}, {Name: "Ended", Time: known.EndTime},
		{Name: "Priority", Text: fmt.Sprint(file.EffectivePriority())},
	} {
		if each.Text != "" || each.Time != nil {
			facts = append(facts, each)
		}
	}
	return facts
}

func newStepDetail(step *v1alpha1.StepStatus, seen *observed) stepDetail {
	made := stepDetail{StepStatus: *step, Took: describe.Took(step), MoreOutputs: max(0, describe.MoreOutputs(step))}
	if step.Progress != nil {
		made.Stage = describe.Stage(step.Progress)
	}
	for i := range seen.jobs {
		if job := &seen.jobs[i]; job.Name == step.JobName {
			made.Job = describe.Job(job)
		}
	}
	for i := range seen.pods {
		if pod := &seen.pods[i]; step.JobName != "" && pod.Labels[batchv1.JobNameLabel] == step.JobName {
			made.Pods = append(made.Pods, podDetail{Name: pod.Name, State: describe.Pod(pod)})
		}
	}
	for i := range step.Outputs {
		made.Files = append(made.Files, newOutputDetail(&step.Outputs[i]))
	}
	return made
}

func newOutputDetail(output *v1alpha1.Artifact) outputDetail {
	made := outputDetail{Name: output.Name, URI: output.URI, Media: output.MediaType}
	if output.SizeBytes > 0 {
		made.Size = recording.HumanSize(output.SizeBytes)
	}
	if inside := output.Media; inside != nil {
		picture := ""
		if inside.Width > 0 && inside.Height > 0 {
			picture = fmt.Sprintf("%dx%d", inside.Width, inside.Height)
		}
		made.Media = describe.Words(output.MediaType, inside.VideoCodec, inside.AudioCodec, picture)
	}
	return made
}

func newEventDetail(event *corev1.Event) eventDetail {
	made := eventDetail{Type: event.Type, Reason: event.Reason, Message: event.Message, Count: event.Count, Time: lastSeen(event)}
	if event.Series != nil {
		made.Count = event.Series.Count
	}
	return made
}

// lastSeen is when an event happened last, whichever of the two APIs it was written by.
func lastSeen(event *corev1.Event) time.Time {
	last := cmp.Or(event.LastTimestamp.Time, event.EventTime.Time, event.CreationTimestamp.Time)
	if event.Series != nil && event.Series.LastObservedTime.After(last) {
		last = event.Series.LastObservedTime.Time
	}
	return last
}
