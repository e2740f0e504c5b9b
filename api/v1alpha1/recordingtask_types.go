// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MaxStarts is how many starts of a recording task are kept. A task with so many is saturated: nothing is derived
// from their number any more.
const MaxStarts = 256

// RecordingTaskSpec is what callbacks said of a recording task. Every write only adds to it, so that callbacks may
// arrive late, twice or out of order.
//
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.app) || (has(self.app) && self.app >= oldSelf.app)",message="of several values the one that sorts last is kept",fieldPath=".app"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.room) || (has(self.room) && self.room >= oldSelf.room)",message="of several values the one that sorts last is kept",fieldPath=".room"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.stream) || (has(self.stream) && self.stream >= oldSelf.stream)",message="of several values the one that sorts last is kept",fieldPath=".stream"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.format) || (has(self.format) && self.format >= oldSelf.format)",message="of several values the one that sorts last is kept",fieldPath=".format"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.starts) || has(self.starts)",message="a start cannot be removed; delete the task to forget it",fieldPath=".starts"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.ended) || !oldSelf.ended || (has(self.ended) && self.ended)",message="a task that ended stays ended",fieldPath=".ended"
type RecordingTaskSpec struct {
	// sourceRef names the RecordingSource that the task belongs to. It cannot change.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="sourceRef is part of the task's identity and cannot change; delete the task and create it again"
	SourceRef LocalReference `json:"sourceRef,omitzero"`

	// taskID is SparkRTC's ID of the task (callback field job_id). It cannot change.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="taskID is the task's identity and cannot change; delete the task and create it again"
	TaskID string `json:"taskID,omitempty"`

	RecordingIdentity `json:",inline"`

	// starts are the files that began (RECORD_NEW_FILE_START). Each key is 16 hexadecimal digits that tell one callback
	// from another, and its value is the X-Rtc-Timestamp header as sent. At most 256 are kept.
	// +optional
	// +mapType=atomic
	// +kubebuilder:validation:MaxProperties=256
	// +kubebuilder:validation:XValidation:rule="oldSelf.all(k, k in self)",message="a start cannot be removed; delete the task to forget it"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[0-9a-f]{16}$'))",message="each key must be 16 hexadecimal digits"
	Starts map[string]StartTimestamp `json:"starts,omitempty"`

	// ended says that the task ended (CLOUD_RECORD_SERVER_OVER).
	// +optional
	Ended bool `json:"ended,omitempty"`
}

// StartTimestamp is an X-Rtc-Timestamp header as sent; empty when it could not be kept.
//
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f-\x9f]*$`
type StartTimestamp string

// TaskState says whether a recording task goes on.
// +kubebuilder:validation:Enum=Recording;Ended;Silent
type TaskState string

const (
	// TaskRecording has not ended, as far as callbacks say.
	TaskRecording TaskState = "Recording"
	// TaskEnded was reported to have ended.
	TaskEnded TaskState = "Ended"
	// TaskSilent was not reported to have ended, and no callback came for the source's spec.openTimeout.
	TaskSilent TaskState = "Silent"
)

// RecordingTaskStatus is what the operator observed.
type RecordingTaskStatus struct {
	// conditions of the task: Ready, whose reason is the state, and FilesMissing, which is there only while files that
	// began are not reported although the task is over.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// state says whether the task goes on.
	// +optional
	State TaskState `json:"state,omitempty"`

	// done says that nothing is left to do until a callback comes: the task is over, and files that are missing were
	// waited for. The operator keeps no task in memory that is done.
	// +optional
	Done bool `json:"done,omitempty"`

	// lastEventTime is when the operator last learned something new of the task or its files.
	// +optional
	LastEventTime *metav1.Time `json:"lastEventTime,omitempty"`

	// started is how many files began, as far as callbacks say. 256 stands for 256 or more.
	// +optional
	Started int32 `json:"started,omitempty"`

	// files is how many RecordingFiles the task has had. One that is deleted still counts.
	// +optional
	Files int32 `json:"files,omitempty"`

	// durationSeconds is how long these files are together.
	// +optional
	DurationSeconds int64 `json:"durationSeconds,omitempty"`

	// sizeBytes is how large these files are together.
	// +optional
	SizeBytes int64 `json:"sizeBytes,omitempty"`

	// summary says the figures as a person reads them; `kubectl get` shows it.
	// +optional
	Summary *TaskSummary `json:"summary,omitempty"`

	// notifications are the events that wait to be sent, the oldest first; at most 24. The operator removes an event when the
	// sink has taken it, and when it failed for 24 hours.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=24
	Notifications []WaitingNotification `json:"notifications,omitempty"`
}

// TaskSummary says the figures of a task as a person reads them.
type TaskSummary struct {
	// room that is recorded, as the task or else its files say.
	// +optional
	Room string `json:"room,omitempty"`
	// stream that is recorded, as the task or else its files say.
	// +optional
	Stream string `json:"stream,omitempty"`
	// files is the number of files, of those that began: 2/3.
	// +optional
	Files string `json:"files,omitempty"`
	// duration is, for example, 1h5m0s.
	// +optional
	Duration string `json:"duration,omitempty"`
	// size is, for example, 25.0MiB.
	// +optional
	Size string `json:"size,omitempty"`
}

// RecordingTask is one recording task of SparkRTC: one stream of one user, or one mixed stream. It makes one
// RecordingFile or more.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rtask,categories={recordings,recordings-all}
// +kubebuilder:selectablefield:JSONPath=`.spec.taskID`
// +kubebuilder:selectablefield:JSONPath=`.spec.room`
// +kubebuilder:selectablefield:JSONPath=`.spec.stream`
// +kubebuilder:selectablefield:JSONPath=`.spec.app`
// +kubebuilder:selectablefield:JSONPath=`.spec.sourceRef.name`
// +kubebuilder:selectablefield:JSONPath=`.status.done`
// +kubebuilder:selectablefield:JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Room",type=string,JSONPath=`.status.summary.room`
// +kubebuilder:printcolumn:name="Stream",type=string,JSONPath=`.status.summary.stream`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Files",type=string,JSONPath=`.status.summary.files`
// +kubebuilder:printcolumn:name="Duration",type=string,JSONPath=`.status.summary.duration`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.spec.sourceRef.name`,priority=1
// +kubebuilder:printcolumn:name="Task-ID",type=string,JSONPath=`.spec.taskID`,priority=1
// +kubebuilder:printcolumn:name="Size",type=string,JSONPath=`.status.summary.size`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name: must be at most 63 characters"
type RecordingTask struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what callbacks said of the task.
	// +required
	Spec RecordingTaskSpec `json:"spec,omitzero"`
	// status is what the operator observed.
	// +optional
	Status RecordingTaskStatus `json:"status,omitempty,omitzero"`
}

// RecordingTaskList is a list of RecordingTasks.
//
// +kubebuilder:object:root=true
type RecordingTaskList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RecordingTask `json:"items"`
}
