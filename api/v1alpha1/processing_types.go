// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ProcessingSpec says how an object is processed. It is part of the spec of every kind that is.
type ProcessingSpec struct {
	// pipelineRef names the RecordingPipeline that processes this object, instead of the source's routes.
	// It decides when processing begins; a change later does not touch work that has begun: the condition PipelineChanged
	// says so, and "kubectl recordings retry" runs the other pipeline.
	// +optional
	PipelineRef *LocalReference `json:"pipelineRef,omitempty"`

	// suspend stops new Jobs of this object and suspends those that run, until it is false again. A Job that somebody
	// else has suspended, for example Kueue, stays suspended.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// priority says which of the source's files come first while steps wait for a limit: the greater one. Ten minutes of
	// age are worth one, so that nothing waits for ever. Absent: 0 for what the service reported, and -10 for what was
	// discovered or written by hand.
	// +optional
	// +kubebuilder:validation:Minimum=-1000
	// +kubebuilder:validation:Maximum=1000
	Priority *int32 `json:"priority,omitempty"`

	// rerun has the object processed again, with the pipeline as it is then. "kubectl recordings retry" sets it.
	// +optional
	Rerun *Rerun `json:"rerun,omitempty"`

	// approvals are what people decided about steps of kind approve, at most one for each step. "kubectl recordings approve"
	// writes one; who does so needs the verb approve on recordingfiles, and writes their own name.
	// +optional
	// +listType=map
	// +listMapKey=step
	// +kubebuilder:validation:MaxItems=16
	Approvals []Approval `json:"approvals,omitempty"`
}

// Rerun asks for another run.
type Rerun struct {
	// token tells one request from another: a token that status.rerun does not have starts a run. Steps of the run before
	// that go on are stopped. Any text will do, for example the time.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[-A-Za-z0-9_.:]*$`
	Token string `json:"token"`
	// from names a step that runs again together with everything that follows it, also when they succeeded.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	From string `json:"from,omitempty"`
	// includeSucceeded has every step run again. By default a step that succeeded is kept with its outputs, as long as its
	// kind, input and output are the same in the pipeline and what it works on is kept too.
	// +optional
	IncludeSucceeded bool `json:"includeSucceeded,omitempty"`
}

// ProcessingStatus says what became of an object's processing. It is part of the status of every kind that is processed.
type ProcessingStatus struct {
	// pipeline is the snapshot that processing began with. An edited pipeline never changes work in flight.
	// +optional
	Pipeline *PipelineSnapshot `json:"pipeline,omitempty"`

	// input is a digest of the facts that are processed. When the facts change, for example because the recording was
	// continued, it no longer matches and the next run begins.
	// +optional
	Input string `json:"input,omitempty"`

	// run is the number of the current run, from 1 on. It is part of the names of the run's Jobs.
	// +optional
	Run int32 `json:"run,omitempty"`

	// rerun is the last request of spec.rerun that a run was started for.
	// +optional
	Rerun *RerunStatus `json:"rerun,omitempty"`

	// history are the runs before the current one, at most 5, the last one first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	History []PastRun `json:"history,omitempty"`

	// done says that nothing is left to do, as long as the spec stays as observedGeneration says: every step has ended, or
	// no pipeline was chosen. The operator keeps no object in memory that is done.
	// +optional
	Done bool `json:"done,omitempty"`

	// queue says what the object waits for: a limit of the operator, or a LocalQueue of Kueue. Absent: it does not wait so.
	// Steps that run do not stop this.
	// +optional
	Queue *QueueStatus `json:"queue,omitempty"`

	// steps of the current run, in the pipeline's order; those of finally come last.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Steps []StepStatus `json:"steps,omitempty"`
}

// QueueStatus says what an object waits for whose steps could start.
type QueueStatus struct {
	// waitingFor names the limit that the first of the waiting steps waits for, with how much of it was used when it was
	// written, for example "RecordingPipeline lecture: 8 of 8 files running". "kubectl recordings queue" shows who comes
	// first.
	// +required
	WaitingFor string `json:"waitingFor"`
	// since is when the waiting began.
	// +required
	Since metav1.Time `json:"since,omitzero"`
}

// RerunStatus is a request for another run that was followed.
type RerunStatus struct {
	// token of the request.
	// +required
	Token string `json:"token"`
	// run that it started.
	// +required
	Run int32 `json:"run"`
}

// MaxHistory is how many earlier runs a status keeps.
const MaxHistory = 5

// PastRun is what became of an earlier run.
type PastRun struct {
	// run is its number.
	// +required
	Run int32 `json:"run"`
	// reason that Ready had when the next run began, for example Failed.
	// +optional
	Reason string `json:"reason,omitempty"`
	// completionTime is when its last step ended.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
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

// StepState is what became of one step.
// +kubebuilder:validation:Enum=Pending;Queued;Running;Suspended;Succeeded;Failed;Skipped
type StepState string

const (
	// StepPending waits: for the steps that it depends on, for its pod to start, to be tried again, or for a person. The
	// message says for what.
	StepPending StepState = "Pending"
	// StepQueued could start, and waits for a limit or for Kueue. The reason and the message say for which.
	StepQueued StepState = "Queued"
	// StepRunning has a Job that is not finished.
	StepRunning StepState = "Running"
	// StepSuspended has a Job that is suspended.
	StepSuspended StepState = "Suspended"
	// StepSucceeded has its outputs published.
	StepSucceeded StepState = "Succeeded"
	// StepFailed has failed for good.
	StepFailed StepState = "Failed"
	// StepSkipped has nothing to do; the reason says why.
	StepSkipped StepState = "Skipped"
)

// StepStatus is what became of one step.
type StepStatus struct {
	// name of the step in the pipeline.
	// +required
	Name string `json:"name"`
	// state of the step.
	// +required
	State StepState `json:"state"`
	// attempts is how many pods the step's Job has started.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`
	// jobName is the Job that runs or ran the step.
	// +optional
	JobName string `json:"jobName,omitempty"`
	// progress says how far the current attempt is. It is there while the step runs, if its pod can be asked.
	// +optional
	Progress *StepProgress `json:"progress,omitempty"`
	// startTime is when the Job was started, or when a step of kind approve began to wait.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// completionTime is when the Job was finished, or when a decision was found.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// reason is why the step failed, waits or was skipped, as a CamelCase name, for example SegmentMissing.
	// +optional
	Reason string `json:"reason,omitempty"`
	// message says what happened and where; at most 512 bytes. It is the one place for it: conditions and events only
	// name the step and the reason.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
	// retry says how often and when a step is tried again whose Job failed over something that may pass, for example a
	// recording that is not there yet. Absent: no Job of this run has failed so.
	// +optional
	Retry *StepRetry `json:"retry,omitempty"`
	// specDigest is a digest of what the step was when it succeeded: a later run keeps it only as long as it is the same.
	// +optional
	SpecDigest string `json:"specDigest,omitempty"`
	// manifest says where manifest.json lies, which lists everything that the step has published. It is written last.
	// +optional
	Manifest *ManifestReference `json:"manifest,omitempty"`
	// outputs are the first artifacts that the step has published, at most 4: manifest.outputs says how many there are.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	Outputs []Artifact `json:"outputs,omitempty"`
	// results of a trigger, read from the object that it created, or of a container, for other steps.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Results []StepResult `json:"results,omitempty"`
	// object that the step has created.
	// +optional
	Object *ObjectReference `json:"object,omitempty"`
	// integrity says whether the recording that the step worked on is whole, and what was found in it. It is there for a
	// step that ended and could read the recording, whether it succeeded or failed; manifest.json at the destination
	// lists more of its findings. Across the steps of a file at most 16 findings are listed, and one for each further step; more counts the
	// others.
	// +optional
	Integrity *Integrity `json:"integrity,omitempty"`
}

// StepStage is the part of a step that its pod works on: a container of its own for each.
// +kubebuilder:validation:Enum=Fetch;Process;Publish
type StepStage string

const (
	// StageFetch reads the recording.
	StageFetch StepStage = "Fetch"
	// StageProcess makes the result.
	StageProcess StepStage = "Process"
	// StagePublish writes the result to its destination, and reads it back.
	StagePublish StepStage = "Publish"
)

// StepProgress says how far an attempt is. It is written every 10 seconds at most, or when it is 5 percent further, and
// less often while many steps run.
type StepProgress struct {
	// percent of the step that is done. Stage Fetch has the first 20, Process the next 60 and Publish the last 20,
	// whatever time they take. It never goes back within an attempt.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent"`
	// stage that goes on.
	// +required
	Stage StepStage `json:"stage"`
	// rate of the stage: how much faster than it plays the recording is processed, for example 1.8x, or how much is
	// transferred, for example 12 MB/s.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Rate string `json:"rate,omitempty"`
	// updateTime is when the pod was asked.
	// +required
	UpdateTime metav1.Time `json:"updateTime,omitzero"`
}

// StepRetry says how a step is tried again.
type StepRetry struct {
	// count is how many Jobs of the step have failed.
	// +required
	Count int32 `json:"count"`
	// firstFailureTime is when the first of them failed. How long a step is tried again is counted from then.
	// +required
	FirstFailureTime metav1.Time `json:"firstFailureTime,omitzero"`
	// nextTime is when the next Job is created; earlier, when a StorageLocation that the step uses becomes Ready or is
	// changed. Absent while a Job runs, and when the step is not tried again.
	// +optional
	NextTime *metav1.Time `json:"nextTime,omitempty"`
}

// StepResult is a value that a step hands on.
type StepResult struct {
	// name of the result.
	// +required
	// +kubebuilder:validation:MaxLength=32
	Name string `json:"name"`
	// value of the result.
	// +required
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value"`
}

// ObjectReference refers to an object in the same namespace.
type ObjectReference struct {
	// apiVersion of the object.
	// +required
	// +kubebuilder:validation:MaxLength=317
	APIVersion string `json:"apiVersion"`
	// kind of the object.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`
	// name of the object.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// MaxOutputs is the most outputs of a step that a status lists; the step's manifest lists all.
const MaxOutputs = 4

// Artifact refers to one published file, or to one published HLS set.
type Artifact struct {
	// name of the file in the step's folder; for an HLS set that of the playlist.
	// +required
	Name string `json:"name"`
	// uri is where the file lies, for a person: s3://bucket/key or pvc://claim/path.
	// +optional
	URI string `json:"uri,omitempty"`
	// storageRef names the StorageLocation that the file was published to.
	// +optional
	StorageRef LocalReference `json:"storageRef,omitempty,omitzero"`
	// bucket that the file lies in; absent in a volume.
	// +optional
	Bucket string `json:"bucket,omitempty"`
	// key of the file in the bucket; in a volume its path below the StorageLocation's subPath.
	// +optional
	Key string `json:"key,omitempty"`
	// mediaType is, for example, video/mp4.
	// +optional
	MediaType string `json:"mediaType,omitempty"`
	// kind of the file, as a step of kind container declares it; absent for other steps.
	// +optional
	Kind ArtifactKind `json:"kind,omitempty"`
	// language of the file as a BCP 47 tag, as a step of kind container declares it.
	// +optional
	// +kubebuilder:validation:MaxLength=35
	Language string `json:"language,omitempty"`
	// sizeBytes is the size in bytes; for an HLS set that of all its files.
	// +optional
	SizeBytes int64 `json:"sizeBytes,omitempty"`
	// sha256 of the file that name names, in lower-case hex.
	// +optional
	SHA256 string `json:"sha256,omitempty"`
	// files is how many files belong to the artifact; for an HLS set the playlist and its segments.
	// +optional
	Files int32 `json:"files,omitempty"`
	// media says what is inside.
	// +optional
	Media *Media `json:"media,omitempty"`
}

// ManifestReference refers to the manifest.json of a step, which lists everything that the step has published.
type ManifestReference struct {
	// uri is where the manifest lies, beside what it lists: s3://bucket/key or pvc://claim/path.
	// +required
	URI string `json:"uri"`
	// sha256 of the manifest, in lower-case hex.
	// +optional
	SHA256 string `json:"sha256,omitempty"`
	// outputs is how many artifacts the manifest lists.
	// +optional
	Outputs int32 `json:"outputs,omitempty"`
	// files is how many files they are made of.
	// +optional
	Files int32 `json:"files,omitempty"`
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
