// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NotificationEvent is something that notifications report: FileRecorded, FileReady, FileFailed, StepFinished or TaskEnded.
// +kubebuilder:validation:Enum=FileRecorded;FileReady;FileFailed;StepFinished;TaskEnded
type NotificationEvent string

const (
	// EventFileRecorded says that the operator has looked at a new RecordingFile.
	EventFileRecorded NotificationEvent = "FileRecorded"
	// EventFileReady says that every step that the file waits for succeeded, in a run.
	EventFileReady NotificationEvent = "FileReady"
	// EventFileFailed says that the file needs a person, in a run.
	EventFileFailed NotificationEvent = "FileFailed"
	// EventStepFinished says that a step succeeded, failed or was skipped, in a run.
	EventStepFinished NotificationEvent = "StepFinished"
	// EventTaskEnded says that the service reported the end of a recording task.
	EventTaskEnded NotificationEvent = "TaskEnded"
)

// SinkMode is how an event is put into an HTTP request.
// +kubebuilder:validation:Enum=Structured;Binary
type SinkMode string

const (
	// SinkStructured puts the whole event into the body, as application/cloudevents+json.
	SinkStructured SinkMode = "Structured"
	// SinkBinary puts the attributes into headers and the data into the body.
	SinkBinary SinkMode = "Binary"
)

// Notification says which events are sent to whom.
type Notification struct {
	// name tells the notification from others of the source.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// events that are sent. FileRecorded: a file is recorded. FileReady: every step that the file waits for succeeded.
	// FileFailed: the file needs a person. StepFinished: a step succeeded, failed or was skipped. TaskEnded: the service
	// reported the end of a recording task.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	Events []NotificationEvent `json:"events,omitempty"`

	// when is a CEL expression over `recording`, as in routes: events of other recordings are not sent. Absent: all are.
	// Of a recording task only source, app, task, room, stream and format are known.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	When string `json:"when,omitempty"`

	// sink is where events are sent.
	// +required
	Sink NotificationSink `json:"sink,omitzero"`

	// signing has requests signed as Standard Webhooks v1. By default they are not signed.
	// +optional
	Signing *NotificationSigning `json:"signing,omitempty"`
}

// NotificationSink is where events are sent.
type NotificationSink struct {
	// uri that events are sent to by POST: https with a host and a path, without user, query and fragment, for example
	// https://lms.example.com/recordings. The manager connects only to hosts of its flag --notification-hosts; http works
	// only for a host that the flag names with http.
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?$`
	URI string `json:"uri,omitempty"`

	// mode is how an event is put into the request: Structured (all of it in the body, as application/cloudevents+json) or
	// Binary (attributes in headers, the data in the body).
	// Default: Structured.
	// +optional
	// +kubebuilder:default=Structured
	Mode SinkMode `json:"mode,omitempty"`
}

// NotificationSigning says what requests are signed with.
type NotificationSigning struct {
	// secretRef names the key of a Secret that holds the signing key: whsec_ and 24 to 64 bytes in base64. Of several,
	// one a line and at most 4, each signs, so that a key rotates without a gap.
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// MaxWaitingNotifications is how many events of an object wait at most: when there are more, the oldest are given up. It is
// more than one run of the longest pipeline has.
const MaxWaitingNotifications = 24

// WaitingNotification is an event that was not sent to everybody yet. What it says was true when it was written.
type WaitingNotification struct {
	// event that waits.
	// +required
	Event NotificationEvent `json:"event"`
	// to are the names of the source's notifications that it was not sent to yet.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MaxLength=24
	To []string `json:"to"`
	// time is when it became true. It tells the event from one of the same name, run and step: a file may fail, be corrected
	// and fail again before a run begins.
	// +required
	Time metav1.MicroTime `json:"time,omitzero"`
	// run that it is about.
	// +optional
	Run int32 `json:"run,omitempty"`
	// step that it is about.
	// +optional
	// +kubebuilder:validation:MaxLength=24
	Step string `json:"step,omitempty"`
	// state that the step ended with.
	// +optional
	State StepState `json:"state,omitempty"`
	// reason of the file or step, as its status had it.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`
}
