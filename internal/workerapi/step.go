// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workerapi is the contract between the operator, which creates a step's Job, and the worker in the Job's pod: a
// StepSpec, in the environment, says what to do, and a Result, the container's termination message, says how it ended.
// Neither holds a secret: credentials reach a container as files of a mounted Secret.
package workerapi

import (
	"encoding/json"
	"fmt"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// EnvStep is the environment variable that holds the StepSpec as JSON.
const EnvStep = "RECORDING_STEP"

// The containers of a step's pod, in the order in which they run, and the worker's subcommands.
const (
	// ContainerFetch is the init container that reads the source; it alone has the source's credentials.
	ContainerFetch = "fetch"
	// ContainerProcess is the init container that runs ffmpeg; it has no credentials.
	ContainerProcess = "process"
	// ContainerPublish is the container that writes the results; it alone has the destination's credentials.
	ContainerPublish = "publish"
	// ContainerMain is the init container of a step of kind container that runs the image of the user's, in place of
	// ContainerProcess. It has no credentials of ours.
	ContainerMain = "main"
	// ContainerTrigger is the one container of a step of kind trigger. It has an image and a program of its own.
	ContainerTrigger = "trigger"
)

// Paths in a step's pod.
const (
	// WorkDir is the emptyDir that the three containers share: WorkDir/source, WorkDir/output.
	WorkDir = "/work"
	// SourceCredentialsDir holds the source's Secret, in the fetch container alone.
	SourceCredentialsDir = "/credentials/source"
	// DestinationCredentialsDir holds the destination's Secret, in the publish container alone.
	DestinationCredentialsDir = "/credentials/destination"
	// SourceCADir holds the source's CA certificates, in the fetch container alone.
	SourceCADir = "/ca/source"
	// DestinationCADir holds the destination's CA certificates, in the publish container alone.
	DestinationCADir = "/ca/destination"
	// SourceVolumeDir is where the source's volume is mounted, read-only, in the fetch container alone.
	SourceVolumeDir = "/volumes/source"
	// DestinationVolumeDir is where the destination's volume is mounted, in the publish container alone.
	DestinationVolumeDir = "/volumes/destination"
	// TokenDir holds the token of the ServiceAccount and the API server's CA certificates, in the trigger container alone.
	TokenDir = "/var/run/secrets/kubernetes.io/serviceaccount" //nolint:gosec // a path
)

// AtPlace is one of the source's paths, or the name of its volume, for the inputs of a place: as it is at place 0, and with the
// number at its end at another.
func AtPlace(path string, place int) string {
	if place == 0 {
		return path
	}
	return fmt.Sprintf("%s-%d", path, place)
}

// Exit codes of the worker, after sysexits.h. The Job's podFailurePolicy fails the Job on ExitPermanent and ExitSkipped;
// everything else counts against its backoffLimit.
const (
	// ExitPermanent says that another attempt cannot succeed (EX_DATAERR).
	ExitPermanent = 65
	// ExitSkipped says that the step has nothing to do for this recording. It is the number that test runners use for it,
	// for example Automake.
	ExitSkipped = 77
	// ExitTransient says that another attempt may succeed (EX_TEMPFAIL).
	ExitTransient = 75
)

// MaxTerminationMessage is the most that Kubernetes keeps of a container's termination message, in bytes.
const MaxTerminationMessage = 4096

// StepSpec is everything that the worker gets to know of a step.
type StepSpec struct {
	// Namespace, File and UID are the RecordingFile; Step is the step's name. They are written to the manifest, so that
	// no other recording's output is ever overwritten.
	Namespace string `json:"namespace"`
	File      string `json:"file"`
	UID       string `json:"uid"`
	Step      string `json:"step"`

	// Kind of the step, and the kind's own settings: the struct that v1alpha1.Step has for it, with all defaults.
	Kind     string          `json:"kind"`
	Settings json.RawMessage `json:"settings"`

	// Inputs that the step works on: one, or for a step of kind container the recording and all artifacts of the steps that it
	// names; none for a step of kind trigger, which has no Destination either.
	Inputs      []Input     `json:"inputs,omitempty"`
	Destination Destination `json:"destination,omitzero"`

	// DeniedNetworks are CIDRs that neither reading an input nor writing to the Destination connects to, whatever name leads
	// there. The address is compared when connecting, after the name is resolved. Empty: those of networks.Local.
	DeniedNetworks []string `json:"deniedNetworks,omitempty"`

	// RequireLandlock has the step fail on a node whose kernel cannot keep ffmpeg from files (Landlock).
	RequireLandlock bool `json:"requireLandlock,omitempty"`
}

// TriggerSettings are the settings of a step of kind trigger.
type TriggerSettings struct {
	// Object that is created, with its name and namespace.
	Object json.RawMessage `json:"object"`
	// TriggeredBy is the value of the object's annotation v1alpha1.AnnotationTriggeredBy.
	TriggeredBy string `json:"triggeredBy"`
	// Wait says when the object is done; nil: once it is created.
	Wait *v1alpha1.TriggerWait `json:"wait,omitempty"`
}

// Formats of an Input.
const (
	// FormatHLS is a playlist with its segments.
	FormatHLS = "HLS"
	// FormatMP4 is one media file.
	FormatMP4 = "MP4"
	// FormatFile is an artifact in Storage that is read as a file, whatever is in it.
	FormatFile = "File"
)

// Input is one thing that a step works on: an artifact in Storage, or URL.
type Input struct {
	// Step is the step that made the artifact, or v1alpha1.InputRecording.
	Step string `json:"step"`
	// Format is FormatHLS, FormatMP4 or FormatFile.
	Format string `json:"format"`

	// Artifact that is read. Its Bucket overrides that of an S3 Storage; in a volume it is the first folder below
	// subPath. Empty: the Storage's own bucket, or subPath itself. Its Key is the full key in the bucket: the Storage's
	// prefix is not added. Its SizeBytes is what was reported; 0: unknown.
	Artifact v1alpha1.Artifact `json:"artifact"`
	// Storage that the artifact lies in; nil: URL is downloaded.
	Storage *Storage `json:"storage,omitempty"`
	// Place tells the Storages of several inputs apart, from 0 on: AtPlace has the paths of their credentials and volumes.
	Place int `json:"place,omitempty"`

	// URL is downloaded when Storage is nil, from AllowedHosts alone, without credentials.
	URL string `json:"url,omitempty"`
	// AllowedHosts are host or host:port; every URL that is followed, redirects and segments included, must be at one.
	AllowedHosts []string `json:"allowedHosts,omitempty"`
	// DurationSeconds is what was reported; 0: unknown.
	DurationSeconds int64 `json:"durationSeconds,omitempty"`
	// MaxBytes bounds what is fetched.
	MaxBytes int64 `json:"maxBytes"`
}

// Ref is the key or the URL that is read.
func (i *Input) Ref() string {
	if i.Storage == nil {
		return i.URL
	}
	return i.Artifact.Key
}

// Storage is a StorageLocation as a container sees it. The credentials of an S3 location are the files accessKeyID,
// secretAccessKey and, optionally, sessionToken in SourceCredentialsDir or DestinationCredentialsDir; its CA, when
// Spec.S3.CASecretRef is set, is the file ca.crt in SourceCADir or DestinationCADir.
type Storage struct {
	Name string                       `json:"name"`
	Spec v1alpha1.StorageLocationSpec `json:"spec"`
}

// Destination is where the results go.
type Destination struct {
	Storage Storage `json:"storage"`
	// Path is the folder below the Storage's prefix or subPath; it is clean, relative and ends in a slash.
	Path string `json:"path"`
}
