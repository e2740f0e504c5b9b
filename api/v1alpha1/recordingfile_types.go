// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RecordingFileSpec says which recorded object this is, what is known of it, and what people want of it.
//
// reported holds what the service reported, and discovered what discovery read from the bucket. The other
// fields belong to people: they override what was reported, and nothing that is reported later changes them.
//
// +kubebuilder:validation:XValidation:rule="self.sourceRef == oldSelf.sourceRef",message="sourceRef is part of the file's identity and cannot change; delete the file and create it again",fieldPath=".sourceRef"
// +kubebuilder:validation:XValidation:rule="self.object == oldSelf.object",message="object is the file's identity and cannot change; delete the file and create it again",fieldPath=".object"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.reported) || has(self.reported)",message="reported cannot be removed; delete the file to forget it",fieldPath=".reported"
// +kubebuilder:validation:XValidation:rule="has(self.reported) || has(self.discovered) || !has(self.object.key) || !(self.object.key.startsWith('/') || self.object.key.endsWith('/') || self.object.key.contains('://'))",message="object.key is the key in the bucket: without a leading slash, without s3:// and the bucket, and not a folder",fieldPath=".object.key"
// +kubebuilder:validation:XValidation:rule="has(self.reported) || has(self.discovered) || !has(self.object.bucket) || self.object.bucket.matches('^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$')",message="object.bucket is the name of the bucket: 3 to 63 lower-case letters, digits, dots and hyphens, without s3:// and the key",fieldPath=".object.bucket"
// +kubebuilder:validation:XValidation:rule="has(self.reported) || has(self.discovered) || has(self.format) || (has(self.object.key) ? self.object.key : self.object.url).lowerAscii().matches('[.](m3u8|mp4)$')",message="format: set HLS or MP4, since the object's name ends neither in .m3u8 nor in .mp4",fieldPath=".format"
type RecordingFileSpec struct {
	// sourceRef names the RecordingSource that the file belongs to. It cannot change.
	// +required
	SourceRef LocalReference `json:"sourceRef,omitzero"`

	// object is the recorded object, and the identity of the file: bucket and key, or url alone. It cannot change.
	// +required
	Object ObjectIdentity `json:"object,omitzero"`

	// taskIDs are the recording tasks that reported the object (callback field job_id): at most 8, those that sort last.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	TaskIDs []string `json:"taskIDs,omitempty"`

	// reported is what the service reported of the object (RECORD_FILE_COMPLETE). Of several reports each of room,
	// stream, app and format is the one that sorts last, and all other facts are those of the one report that ended last.
	// +optional
	Reported *ReportedRecording `json:"reported,omitempty"`

	// discovered is what discovery read from the bucket. It is absent for a file that was reported and has not grown.
	// +optional
	Discovered *DiscoveredRecording `json:"discovered,omitempty"`

	// app is the SparkRTC app that recorded. It overrides what was reported.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	App string `json:"app,omitempty"`

	// room is the room that was recorded. It overrides what was reported.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Room string `json:"room,omitempty"`

	// stream is the stream that was recorded. It overrides what was reported.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Stream string `json:"stream,omitempty"`

	// format is HLS or MP4. It overrides what was reported. By default it follows from the ending of the object's key.
	// +optional
	// +kubebuilder:validation:Enum=HLS;MP4
	Format string `json:"format,omitempty"`

	ProcessingSpec `json:",inline"`
}

// ObjectIdentity tells one recorded object from another. An object that is reported once by bucket and key and once
// by URL alone counts as two.
//
// +kubebuilder:validation:XValidation:rule="has(self.url) ? !has(self.bucket) && !has(self.key) : has(self.bucket) && has(self.key)",message="set bucket and key, or url alone"
type ObjectIdentity struct {
	// bucket that the object lies in (callback field obs_bucket).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Bucket string `json:"bucket,omitempty"`

	// key of the object in the bucket (callback field obs_object); for HLS that of the playlist.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Key string `json:"key,omitempty"`

	// url of an object that was reported without a bucket (callback field download_url): scheme and host in lower case,
	// without user, query and fragment.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@A-Z]+(/[^?#]*)?$')",message="must be an http or https URL with scheme and host in lower case, without user, query and fragment"
	URL string `json:"url,omitempty"`
}

// The greatest facts of a recording, as its schema has them: they can be doubled without an overflow.
const (
	// MaxSizeBytes is the greatest size of a recording: 1 PiB.
	MaxSizeBytes = int64(1) << 50
	// MaxDurationSeconds is the longest duration of a recording: 68 years.
	MaxDurationSeconds = int64(1)<<31 - 1
	// MaxTaskIDs is how many recording tasks of one object are kept.
	MaxTaskIDs = 8
)

// ReportedRecording is what the service reported of an object.
//
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.app) || (has(self.app) && self.app >= oldSelf.app)",message="of several reports the one that sorts last is kept; to correct it, set spec.app",fieldPath=".app"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.room) || (has(self.room) && self.room >= oldSelf.room)",message="of several reports the one that sorts last is kept; to correct it, set spec.room",fieldPath=".room"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.stream) || (has(self.stream) && self.stream >= oldSelf.stream)",message="of several reports the one that sorts last is kept; to correct it, set spec.stream",fieldPath=".stream"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.format) || (has(self.format) && self.format >= oldSelf.format)",message="of several reports the one that sorts last is kept; to correct it, set spec.format",fieldPath=".format"
type ReportedRecording struct {
	RecordingIdentity `json:",inline"`
	RecordingFacts    `json:",inline"`

	// downloadURL is where SparkRTC says the file can be downloaded, with its query (callback field download_url). The
	// bucket is usually private, so that this URL fails without credentials; it is never for playback.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	DownloadURL string `json:"downloadURL,omitempty"`

	// location is the endpoint of the region, as reported (callback field obs_location). Credentials only ever go to the
	// endpoint of the source's StorageLocation.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Location string `json:"location,omitempty"`

	// ignoredFields are the callback fields that could not be read and were dropped.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:Pattern=`^[a-z_]+$`
	IgnoredFields []string `json:"ignoredFields,omitempty"`
}

// RecordingIdentity says what was recorded. Each field is joined on its own: of several values the one that sorts last
// is kept.
type RecordingIdentity struct {
	// app is the SparkRTC app that records (callback field app_id).
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	App string `json:"app,omitempty"`

	// room that is recorded (callback field room_id).
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Room string `json:"room,omitempty"`

	// stream that is recorded (callback field stream_name).
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Stream string `json:"stream,omitempty"`

	// format of the recording in upper case: HLS or MP4 (callback field record_format). A format that is not known is
	// kept, but cannot be processed.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	// +kubebuilder:validation:XValidation:rule="self == self.upperAscii()",message="must be in upper case, for example HLS"
	Format string `json:"format,omitempty"`
}

// RecordingFacts are the times and sizes of a recording. An absent fact is not known.
type RecordingFacts struct {
	// endTime is when recording ended (callback field end_time), in whole seconds.
	// +optional
	EndTime *metav1.Time `json:"endTime,omitempty"`

	// startTime is when the first frame was received (callback field start_time), in whole seconds.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

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

	// width in pixels; absent for sound alone.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65536
	Width int32 `json:"width,omitempty"`

	// height in pixels; absent for sound alone.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65536
	Height int32 `json:"height,omitempty"`
}

// DiscoveredRecording is what discovery read from an object in the bucket. Of several the one that was modified last is
// kept.
type DiscoveredRecording struct {
	// lastModified is when the object was written last.
	// +required
	LastModified metav1.Time `json:"lastModified,omitzero"`

	RecordingFacts `json:",inline"`

	// stream is what the object's key says of the stream, when it has SparkRTC's default form.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Stream string `json:"stream,omitempty"`
}

// PriorityUnreported is the priority of a file that the service has not reported, unless its spec has another: what is found
// later and what people ask for again give way to what was just recorded.
const PriorityUnreported = -10

// EffectivePriority is the priority of the file while its steps wait for a limit.
func (f *RecordingFile) EffectivePriority() int32 {
	switch {
	case f.Spec.Priority != nil:
		return *f.Spec.Priority
	case f.Spec.Reported == nil:
		return PriorityUnreported
	}
	return 0
}

// RecordingFileStatus is what the operator observed.
type RecordingFileStatus struct {
	// conditions of the file: Processed, Intact (once a step has read the recording), Ready (the summary, its
	// reason is the STATUS column) and Stalled, which is there only while a person is needed.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	ProcessingStatus `json:",inline"`

	// summary says the facts as a person reads them; `kubectl get` shows it.
	// +optional
	Summary *FileSummary `json:"summary,omitempty"`

	// ignoredFields are the callback fields that could not be read and were dropped.
	// +optional
	// +listType=atomic
	IgnoredFields []string `json:"ignoredFields,omitempty"`

	// taskIDs are the recording tasks of the file that are known to have a RecordingTask, or had one.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	TaskIDs []string `json:"taskIDs,omitempty"`

	// taskID is the one of spec.taskIDs that sorts last. The files of a recording task are found by it.
	// +optional
	TaskID string `json:"taskID,omitempty"`

	// notifications are the events that wait to be sent, the oldest first; at most 24. The operator removes an event when the
	// sink has taken it, and when it failed for 24 hours.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=24
	Notifications []WaitingNotification `json:"notifications,omitempty"`
}

// FileSummary says the facts of a file as a person reads them: what people set, else what was reported, else what was
// discovered.
type FileSummary struct {
	// room that was recorded.
	// +optional
	Room string `json:"room,omitempty"`
	// stream that was recorded.
	// +optional
	Stream string `json:"stream,omitempty"`
	// format is HLS or MP4.
	// +optional
	Format string `json:"format,omitempty"`
	// reason is why the file needs a person, for example SegmentMissing; empty while it does not.
	// +optional
	Reason string `json:"reason,omitempty"`
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

// RecordingFile is one file that SparkRTC recorded, and what became of it. The operator creates one for every object
// that is reported or discovered; you may write one by hand to process an old recording.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rec,categories={recordings,recordings-all}
// +kubebuilder:selectablefield:JSONPath=`.spec.reported.room`
// +kubebuilder:selectablefield:JSONPath=`.spec.reported.stream`
// +kubebuilder:selectablefield:JSONPath=`.spec.reported.app`
// +kubebuilder:selectablefield:JSONPath=`.spec.reported.format`
// +kubebuilder:selectablefield:JSONPath=`.spec.sourceRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.object.key`
// +kubebuilder:selectablefield:JSONPath=`.status.done`
// +kubebuilder:selectablefield:JSONPath=`.status.taskID`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.summary.reason`
// +kubebuilder:printcolumn:name="Steps",type=string,JSONPath=`.status.summary.progress`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Room",type=string,JSONPath=`.status.summary.room`,priority=1
// +kubebuilder:printcolumn:name="Stream",type=string,JSONPath=`.status.summary.stream`,priority=1
// +kubebuilder:printcolumn:name="Format",type=string,JSONPath=`.status.summary.format`,priority=1
// +kubebuilder:printcolumn:name="Duration",type=string,JSONPath=`.status.summary.duration`,priority=1
// +kubebuilder:printcolumn:name="Size",type=string,JSONPath=`.status.summary.size`,priority=1
// +kubebuilder:printcolumn:name="Resolution",type=string,JSONPath=`.status.summary.resolution`,priority=1
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.spec.sourceRef.name`,priority=1
// +kubebuilder:printcolumn:name="Task",type=string,JSONPath=`.spec.taskIDs[0]`,priority=1
// +kubebuilder:printcolumn:name="Pipeline",type=string,JSONPath=`.status.pipeline.name`,priority=1
// +kubebuilder:printcolumn:name="Intact",type=string,JSONPath=`.status.conditions[?(@.type=="Intact")].status`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name: must be at most 63 characters, because it becomes a label"
type RecordingFile struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says which recorded object this is, what is known of it, and what people want of it.
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
