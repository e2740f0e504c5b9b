// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RecordingFileSpec holds the facts of one recorded file as SparkRTC reported them, and what a person wants of it.
//
// +kubebuilder:validation:XValidation:rule="self.sourceRef == oldSelf.sourceRef",message="sourceRef: is part of the file's identity and cannot change",fieldPath=".sourceRef"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.appID) || (has(self.appID) && self.appID == oldSelf.appID)",message="appID: is part of the file's identity and cannot change",fieldPath=".appID"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.jobID) || (has(self.jobID) && self.jobID == oldSelf.jobID)",message="jobID: is part of the file's identity and cannot change",fieldPath=".jobID"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.roomID) || (has(self.roomID) && self.roomID == oldSelf.roomID)",message="roomID: is part of the file's identity and cannot change",fieldPath=".roomID"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.streamName) || (has(self.streamName) && self.streamName == oldSelf.streamName)",message="streamName: is part of the file's identity and cannot change",fieldPath=".streamName"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.format) || (has(self.format) && self.format == oldSelf.format)",message="format: is part of the file's identity and cannot change",fieldPath=".format"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.file) || has(self.file)",message="file: cannot be removed once it is reported",fieldPath=".file"
type RecordingFileSpec struct {
	// sourceRef names the RecordingSource that the file belongs to. It cannot change.
	// +required
	SourceRef LocalReference `json:"sourceRef,omitzero"`

	// appID is the SparkRTC app that recorded (callback field app_id). It cannot change once it is set.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	AppID string `json:"appID,omitempty"`

	// jobID is the recording task (callback field job_id); one task makes many files. It cannot change once it is set.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	JobID string `json:"jobID,omitempty"`

	// roomID is the room that was recorded (callback field room_id). It cannot change once it is set.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	RoomID string `json:"roomID,omitempty"`

	// streamName is the stream that was recorded (callback field stream_name). It cannot change once it is set.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	StreamName string `json:"streamName,omitempty"`

	// format of the recording as reported, in upper case: HLS or MP4. A format that is not known is kept, so that
	// nothing is lost, but cannot be transcoded. It cannot change once it is set.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Format string `json:"format,omitempty"`

	// file holds the facts of the finished file (RECORD_FILE_COMPLETE). Absent while it is being recorded.
	// Its object cannot change, and its sizes and times only grow.
	// +optional
	File *RecordedFile `json:"file,omitempty"`

	// pipelineRef names the RecordingPipeline that processes this file, instead of the source's routes.
	// It decides when processing begins; a change later does not touch work that has begun.
	// +optional
	PipelineRef *LocalReference `json:"pipelineRef,omitempty"`

	// jobOver says that the recording task ended (CLOUD_RECORD_SERVER_OVER) while this file was still open.
	// It is taken back when the file is reported after all.
	// +optional
	JobOver bool `json:"jobOver,omitempty"`

	// suspend stops new Jobs of this file and suspends those that run, until it is false again.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// The greatest facts of a RecordedFile, as its schema has them: twice as much and more can be reckoned with, without an
// overflow.
const (
	// MaxSizeBytes is the greatest size of a recording: 1 PiB.
	MaxSizeBytes = int64(1) << 50
	// MaxDurationSeconds is the longest duration of a recording: 68 years.
	MaxDurationSeconds = int64(1)<<31 - 1
)

// RecordedFile holds the facts of a finished file.
//
// +kubebuilder:validation:XValidation:rule="has(self.obs) || has(self.downloadURL)",message="obs or downloadURL must say where the file lies"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.obs) || (has(self.obs) && self.obs.bucket == oldSelf.obs.bucket && self.obs.object == oldSelf.obs.object)",message="obs: the file's object cannot change",fieldPath=".obs"
// +kubebuilder:validation:XValidation:rule="has(oldSelf.obs) || (!has(self.obs) && self.downloadURL == oldSelf.downloadURL)",message="downloadURL: the file's URL cannot change",fieldPath=".downloadURL"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.sizeBytes) || (has(self.sizeBytes) && self.sizeBytes >= oldSelf.sizeBytes)",message="sizeBytes: a file only grows",fieldPath=".sizeBytes"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.durationSeconds) || (has(self.durationSeconds) && self.durationSeconds >= oldSelf.durationSeconds)",message="durationSeconds: a file only grows",fieldPath=".durationSeconds"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.endTime) || (has(self.endTime) && self.endTime >= oldSelf.endTime)",message="endTime: a file only grows",fieldPath=".endTime"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.startTime) || (has(self.startTime) && self.startTime <= oldSelf.startTime)",message="startTime: a file only grows",fieldPath=".startTime"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.width) || (has(self.width) && self.width >= oldSelf.width)",message="width: a file only grows",fieldPath=".width"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.height) || (has(self.height) && self.height >= oldSelf.height)",message="height: a file only grows",fieldPath=".height"
type RecordedFile struct {
	// downloadURL is where SparkRTC says the file can be downloaded (callback field download_url). The bucket is
	// usually private, so that this URL fails without credentials; it is never for playback.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	DownloadURL string `json:"downloadURL,omitempty"`

	// sizeBytes is the size in bytes (callback field file_size); for HLS the size of all its media. At most 2^50 (1 PiB).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1125899906842624
	SizeBytes int64 `json:"sizeBytes,omitempty"`

	// durationSeconds is the duration in seconds (callback field record_duration). At most 2^31-1 (68 years).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	DurationSeconds int64 `json:"durationSeconds,omitempty"`

	// startTime is when the first frame was received (callback field start_time).
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// endTime is when recording ended (callback field end_time). A later endTime for the same object means that
	// the file has grown.
	// +optional
	EndTime *metav1.Time `json:"endTime,omitempty"`

	// width in pixels; 0 or absent for sound alone.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65536
	Width int32 `json:"width,omitempty"`

	// height in pixels; 0 or absent for sound alone.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65536
	Height int32 `json:"height,omitempty"`

	// obs says where the file lies in object storage.
	// +optional
	OBS *OBSObject `json:"obs,omitempty"`
}

// OBSObject is an object in Huawei Cloud's Object Storage Service.
type OBSObject struct {
	// location is the endpoint of the region, as reported (callback field obs_location). It is kept as a fact:
	// credentials only ever go to the endpoint of the source's StorageLocation.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Location string `json:"location,omitempty"`

	// bucket that the file lies in (callback field obs_bucket).
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Bucket string `json:"bucket"`

	// object is the key in the bucket (callback field obs_object); for HLS the key of the playlist.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Object string `json:"object"`
}

// StepState is what became of one step.
// +kubebuilder:validation:Enum=Pending;Running;Suspended;Succeeded;Failed;Skipped
type StepState string

const (
	// StepPending waits for the steps that it depends on.
	StepPending StepState = "Pending"
	// StepRunning has a Job that is not finished.
	StepRunning StepState = "Running"
	// StepSuspended has a Job that is suspended.
	StepSuspended StepState = "Suspended"
	// StepSucceeded has its outputs published.
	StepSucceeded StepState = "Succeeded"
	// StepFailed has failed for good.
	StepFailed StepState = "Failed"
	// StepSkipped never ran, because a step that it depends on failed.
	StepSkipped StepState = "Skipped"
)

// RecordingFileStatus is what the operator observed.
type RecordingFileStatus struct {
	// conditions of the file: Recorded, Processed, Intact (once a step has read the recording), Ready (the summary, its
	// reason is the STATUS column) and Stalled, which is there only while a person is needed.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// pipeline is the snapshot that this file is processed by. An edited pipeline never changes work in flight.
	// +optional
	Pipeline *PipelineSnapshot `json:"pipeline,omitempty"`

	// input is a digest of the facts that were processed. When the file grows, it no longer matches and the file is
	// processed again.
	// +optional
	Input string `json:"input,omitempty"`

	// runs is how often processing has begun; more than 1 when the file grew after it was processed.
	// +optional
	Runs int32 `json:"runs,omitempty"`

	// steps of the pipeline, in its order.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Steps []StepStatus `json:"steps,omitempty"`

	// summary says the facts as a person reads them; `kubectl get` shows it.
	// +optional
	Summary *FileSummary `json:"summary,omitempty"`
}

// PipelineSnapshot is a pipeline as it was when processing began.
type PipelineSnapshot struct {
	// name of the RecordingPipeline.
	// +required
	Name string `json:"name"`

	// revision is the name of the ControllerRevision that keeps the pipeline's spec.
	// +required
	Revision string `json:"revision"`
}

// FileSummary says the facts of a file as a person reads them.
type FileSummary struct {
	// duration is, for example, 1m5s.
	// +optional
	Duration string `json:"duration,omitempty"`
	// size is, for example, 25.0MiB.
	// +optional
	Size string `json:"size,omitempty"`
	// resolution is, for example, 1280x720.
	// +optional
	Resolution string `json:"resolution,omitempty"`
	// progress is the number of steps that are done, of all: 1/2.
	// +optional
	Progress string `json:"progress,omitempty"`
}

// StepStatus is what became of one step.
type StepStatus struct {
	// name of the step in the pipeline.
	// +required
	Name string `json:"name"`
	// state of the step.
	// +required
	State StepState `json:"state"`
	// attempts is how many pods were started for the step.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`
	// jobName is the Job that runs or ran the step.
	// +optional
	JobName string `json:"jobName,omitempty"`
	// startTime is when the Job was started.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// completionTime is when the Job was finished.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// reason is a word for the outcome, for example SegmentMissing.
	// +optional
	Reason string `json:"reason,omitempty"`
	// message says what happened and where; at most 1024 bytes. It is the one place for it: conditions and events only
	// name the step and the reason.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
	// outputs that the step has published.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Outputs []Output `json:"outputs,omitempty"`
	// integrity says whether the recording that the step worked on is whole, and what was found in it. It is there for a
	// step that ended and could read the recording, whether it succeeded or failed; manifest.json at the destination
	// lists more of its findings. Across the steps of a file at most 16 findings are listed, and one for each further step; more counts the
	// others.
	// +optional
	Integrity *Integrity `json:"integrity,omitempty"`
}

// Output is one published file, or one published HLS set.
type Output struct {
	// uri is s3://bucket/key or pvc://claim/path; for an HLS set that of the playlist.
	// +required
	URI string `json:"uri"`
	// sizeBytes is the size in bytes; for an HLS set that of all its files.
	// +optional
	SizeBytes int64 `json:"sizeBytes,omitempty"`
	// sha256 of the file that uri names, in lower-case hex.
	// +optional
	SHA256 string `json:"sha256,omitempty"`
	// files is how many files belong to the output; for an HLS set the playlist and its segments.
	// +optional
	Files int32 `json:"files,omitempty"`
	// media says what is inside.
	// +optional
	Media *Media `json:"media,omitempty"`
}

// Media says what is inside a file.
type Media struct {
	// container format, for example mp4 or hls.
	// +optional
	Container string `json:"container,omitempty"`
	// durationMilliseconds is the duration in milliseconds.
	// +optional
	DurationMilliseconds int64 `json:"durationMilliseconds,omitempty"`
	// videoCodec is, for example, h264; absent for sound alone.
	// +optional
	VideoCodec string `json:"videoCodec,omitempty"`
	// audioCodec is, for example, aac; absent for pictures alone.
	// +optional
	AudioCodec string `json:"audioCodec,omitempty"`
	// width in pixels.
	// +optional
	Width int32 `json:"width,omitempty"`
	// height in pixels.
	// +optional
	Height int32 `json:"height,omitempty"`
}

// RecordingFile is one file that SparkRTC recorded, and what became of it. The operator makes one for every file it
// is told of; a person may write one by hand to process an old recording.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rec,categories=recordings
// +kubebuilder:selectablefield:JSONPath=`.spec.roomID`
// +kubebuilder:selectablefield:JSONPath=`.spec.jobID`
// +kubebuilder:selectablefield:JSONPath=`.spec.streamName`
// +kubebuilder:selectablefield:JSONPath=`.spec.appID`
// +kubebuilder:selectablefield:JSONPath=`.spec.format`
// +kubebuilder:selectablefield:JSONPath=`.spec.file.obs.object`
// +kubebuilder:printcolumn:name="Room",type=string,JSONPath=`.spec.roomID`
// +kubebuilder:printcolumn:name="Stream",type=string,JSONPath=`.spec.streamName`
// +kubebuilder:printcolumn:name="Format",type=string,JSONPath=`.spec.format`
// +kubebuilder:printcolumn:name="Duration",type=string,JSONPath=`.status.summary.duration`
// +kubebuilder:printcolumn:name="Size",type=string,JSONPath=`.status.summary.size`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Progress",type=string,JSONPath=`.status.summary.progress`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.spec.sourceRef.name`,priority=1
// +kubebuilder:printcolumn:name="Job-ID",type=string,JSONPath=`.spec.jobID`,priority=1
// +kubebuilder:printcolumn:name="Resolution",type=string,JSONPath=`.status.summary.resolution`,priority=1
// +kubebuilder:printcolumn:name="Pipeline",type=string,JSONPath=`.status.pipeline.name`,priority=1
// +kubebuilder:printcolumn:name="Intact",type=string,JSONPath=`.status.conditions[?(@.type=="Intact")].status`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name: must be at most 63 characters, because it becomes a label"
type RecordingFile struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec holds the facts of the file as SparkRTC reported them, and what a person wants of it.
	// +required
	Spec RecordingFileSpec `json:"spec,omitzero"`
	// status is what the operator observed. Until it has looked at the file, the reason of Ready is Pending.
	// +optional
	// +kubebuilder:default={conditions: {{type: "Ready", status: "Unknown", reason: "Pending", message: "Waiting for the controller manager", lastTransitionTime: "1970-01-01T00:00:00Z"}}}
	Status RecordingFileStatus `json:"status,omitempty,omitzero"`
}

// RecordingFileList is a list of RecordingFiles.
//
// +kubebuilder:object:root=true
type RecordingFileList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RecordingFile `json:"items"`
}
