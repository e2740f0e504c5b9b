// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// What the container of a step of kind container finds and leaves, below RecordingDir. It is a contract with images of
// others: docs/containers.md describes it.
const (
	// RecordingDir is the folder of the contract.
	RecordingDir = "/recording"
	// InputDir has a folder <n>-<step> for each input.
	InputDir = "input"
	// ParamsDir has a file for each param.
	ParamsDir = "params"
	// OutputDir takes the files that are published.
	OutputDir = "output"
	// ResultsDir takes a file for each result.
	ResultsDir = "results"
	// RecordingDocumentName is the file of the RecordingDocument.
	RecordingDocumentName = "recording.json"
	// InputsDocumentName is the file of the InputsDocument.
	InputsDocumentName = "inputs.json"
	// ParamVariable begins the names of the environment variables that hold params.
	ParamVariable = "RECORDING_PARAM_"
)

// ContainerSettings are the settings of a step of kind container, as far as the worker needs them.
type ContainerSettings struct {
	Outputs   []v1alpha1.ContainerOutput `json:"outputs"`
	Results   []v1alpha1.ContainerResult `json:"results,omitempty"`
	Params    []ParamValue               `json:"params,omitempty"`
	Recording RecordingDocument          `json:"recording,omitzero"`
}

// ParamValue is a param with its value.
type ParamValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Versions of the documents. Fields are added to a version, and none is changed.
const (
	RecordingDocumentVersion = "recording.sparkrtc.dev/recording.v1"
	InputsDocumentVersion    = "recording.sparkrtc.dev/inputs.v1"
)

// RecordingDocument is recording.json: what is known of the recording. A field that is absent is not known.
type RecordingDocument struct {
	// Version is RecordingDocumentVersion.
	Version string `json:"version"`
	// Namespace, Name and UID are the RecordingFile, and Step the step of its pipeline.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	Step      string `json:"step"`
	// Source is the RecordingSource.
	Source string `json:"source"`
	App    string `json:"app,omitempty"`
	Room   string `json:"room,omitempty"`
	Stream string `json:"stream,omitempty"`
	Format string `json:"format,omitempty"`
	// TaskIDs are the recording tasks that reported the recording.
	TaskIDs []string `json:"taskIDs,omitempty"`
	// Bucket and Key are the recorded object, or URL, without its query, is where it was downloaded from.
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key,omitempty"`
	URL    string `json:"url,omitempty"`

	StartTime       *metav1.Time `json:"startTime,omitempty"`
	EndTime         *metav1.Time `json:"endTime,omitempty"`
	DurationSeconds int64        `json:"durationSeconds,omitempty"`
	SizeBytes       int64        `json:"sizeBytes,omitempty"`
	Width           int32        `json:"width,omitempty"`
	Height          int32        `json:"height,omitempty"`
}

// InputsDocument is inputs.json: the files that the container is given.
type InputsDocument struct {
	// Version is InputsDocumentVersion.
	Version string          `json:"version"`
	Inputs  []InputDocument `json:"inputs"`
}

// InputDocument is one input.
type InputDocument struct {
	// Step is the step that made it, or v1alpha1.InputRecording.
	Step string `json:"step"`
	// Path of the file, or of the playlist of an HLS set, below RecordingDir. What a playlist names lies beside it.
	Path string `json:"path"`
	// Files are all files of the input, below RecordingDir.
	Files []string `json:"files"`
	// MediaType is, for example, video/mp4.
	MediaType string `json:"mediaType"`
	// Kind and Language are what the step that made it declares.
	Kind     v1alpha1.ArtifactKind `json:"kind,omitempty"`
	Language string                `json:"language,omitempty"`
	// Media is what is inside, as far as it was read.
	Media *v1alpha1.Media `json:"media,omitempty"`
	// Integrity is Intact, Damaged or Unknown; absent for what is no media.
	Integrity v1alpha1.IntegrityState `json:"integrity,omitempty"`
}
