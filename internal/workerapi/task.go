// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workerapi is the contract between the operator, which makes a step's Job, and the worker in the Job's pod: what a
// step is told (Task, in the environment) and what it says in the end (Result, the container's termination message).
// It holds no secret: credentials reach a container as files of a mounted Secret.
package workerapi

import (
	"encoding/json"
	"fmt"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// EnvTask is the environment variable that holds the Task as JSON.
const EnvTask = "RECORDING_TASK"

// The containers of a step's pod, in the order in which they run, and the worker's subcommands.
const (
	// ContainerFetch is the init container that reads the source; it alone has the source's credentials.
	ContainerFetch = "fetch"
	// ContainerProcess is the init container that runs ffmpeg; it has no credentials.
	ContainerProcess = "process"
	// ContainerPublish is the container that writes the results; it alone has the destination's credentials.
	ContainerPublish = "publish"
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
)

// Exit codes of the worker, after sysexits.h. The Job's podFailurePolicy fails the Job on ExitPermanent; everything
// else counts against its backoffLimit.
const (
	// ExitPermanent says that another attempt cannot succeed (EX_DATAERR).
	ExitPermanent = 65
	// ExitTransient says that another attempt may succeed (EX_TEMPFAIL).
	ExitTransient = 75
)

// MaxTerminationMessage is the most that Kubernetes keeps of a container's termination message, in bytes.
const MaxTerminationMessage = 4096

// Task is everything that a step is told.
type Task struct {
	// Namespace, File and UID are the RecordingFile; Step is the step's name. They are written to the manifest, so that
	// no other recording's output is ever overwritten.
	Namespace string `json:"namespace"`
	File      string `json:"file"`
	UID       string `json:"uid"`
	Step      string `json:"step"`

	Source      Source      `json:"source"`
	Destination Destination `json:"destination"`

	// Transcode or Archive: exactly one is set.
	Transcode *v1alpha1.Transcode `json:"transcode,omitempty"`
	Archive   *v1alpha1.Archive   `json:"archive,omitempty"`

	// RequireLandlock has the step fail on a node whose kernel cannot keep ffmpeg from files (Landlock).
	RequireLandlock bool `json:"requireLandlock,omitempty"`
}

// Source says what the step works on: an object of Storage, or URL.
type Source struct {
	// Format is HLS (Object or URL names a playlist) or MP4 (one media file).
	Format string `json:"format"`

	// Storage that the object lies in; nil: URL is downloaded.
	Storage *Storage `json:"storage,omitempty"`
	// Bucket overrides the bucket of an S3 Storage; in a volume it is the first folder below subPath. Empty: the
	// Storage's own bucket, or subPath itself.
	Bucket string `json:"bucket,omitempty"`
	// Object is the full key in the bucket (the Storage's prefix is not added).
	Object string `json:"object,omitempty"`

	// URL is downloaded when Storage is nil, from AllowedHosts alone, without credentials.
	URL string `json:"url,omitempty"`
	// AllowedHosts are host or host:port; every URL that is followed, redirects and segments included, must be at one.
	AllowedHosts []string `json:"allowedHosts,omitempty"`
	// DeniedNetworks are CIDRs that reading a URL or an S3 Storage never connects to, whatever name leads there. The
	// address is compared when connecting, after the name is resolved. Empty: those of networks.Local.
	DeniedNetworks []string `json:"deniedNetworks,omitempty"`

	// SizeBytes and DurationSeconds are what the callback reported; 0: unknown.
	SizeBytes       int64 `json:"sizeBytes,omitempty"`
	DurationSeconds int64 `json:"durationSeconds,omitempty"`
	// MaxBytes bounds what is fetched.
	MaxBytes int64 `json:"maxBytes"`
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

// Result is what a container says in the end.
type Result struct {
	// Outputs that were published; only the publish container has any.
	Outputs []v1alpha1.Output `json:"outputs,omitempty"`
	// Failure says why the container failed; nil when it did not.
	Failure *Failure `json:"failure,omitempty"`
	// Integrity says whether the recording is whole, and what was found in it, for a step that failed as well as for one
	// that succeeded; nil when the recording was not read to its end. Of the containers that succeed only the last,
	// publish, is heard.
	Integrity *v1alpha1.Integrity `json:"integrity,omitempty"`
}

// Failure says why a step failed.
type Failure struct {
	// Reason is a CamelCase word, one of the Reason constants.
	Reason string `json:"reason"`
	// Message says what and where, for a person; it holds no secret and no query of a URL.
	Message string `json:"message"`
	// Permanent says that another attempt cannot succeed.
	Permanent bool `json:"permanent,omitempty"`
}

// Reasons of a Failure.
const (
	// ReasonInvalidTask: the task itself cannot be understood; the operator and the worker image do not match.
	ReasonInvalidTask = "InvalidTask"
	// ReasonNotFound: the recording is not where the callback said.
	ReasonNotFound = "NotFound"
	// ReasonSegmentMissing: the playlist names a segment that is not there, or is empty.
	ReasonSegmentMissing = "SegmentMissing"
	// ReasonForbidden: the storage refuses the credentials, or the host is not allowed.
	ReasonForbidden = "Forbidden"
	// ReasonInvalidPlaylist: the HLS playlist breaks the rules of RFC 8216 or names what may not be fetched.
	ReasonInvalidPlaylist = "InvalidPlaylist"
	// ReasonTooLarge: the recording is larger than the bound.
	ReasonTooLarge = "TooLarge"
	// ReasonNotMedia: the recording holds no media that ffmpeg can read.
	ReasonNotMedia = "NotMedia"
	// ReasonFramesMissing: the recording is damaged in another way than by a missing segment, and onDamage is Fail.
	ReasonFramesMissing = "FramesMissing"
	// ReasonRecordingChanged: the recording changes in a way that one MP4 track cannot hold, and onChange is Fail.
	ReasonRecordingChanged = "RecordingChanged"
	// ReasonDurationMismatch: the recording does not last as long as the service reported, and strict is true.
	ReasonDurationMismatch = "DurationMismatch"
	// ReasonNotVerified: it cannot be decided whether the recording is whole, and strict is true.
	ReasonNotVerified = "NotVerified"
	// ReasonResultDiffers: the result does not hold what the recording does, although the recording was read well: a
	// fault of the worker or of a disk.
	ReasonResultDiffers = "ResultDiffers"
	// ReasonOutOfMemory: the container, or a program in it, was killed because it needed more memory than it may have.
	ReasonOutOfMemory = "OutOfMemory"
	// ReasonUnsupported: the step cannot process this format.
	ReasonUnsupported = "Unsupported"
	// ReasonDestinationTaken: the folder holds the output of another recording.
	ReasonDestinationTaken = "DestinationTaken"
	// ReasonTranscodeFailed: ffmpeg failed.
	ReasonTranscodeFailed = "TranscodeFailed"
	// ReasonStorageUnavailable: the storage did not answer, or not in time.
	ReasonStorageUnavailable = "StorageUnavailable"
	// ReasonChecksumMismatch: what was written does not read back as it was sent.
	ReasonChecksumMismatch = "ChecksumMismatch"
	// ReasonInterrupted: the container was told to stop.
	ReasonInterrupted = "Interrupted"
	// ReasonInternal: anything else.
	ReasonInternal = "Internal"
)

// Encode writes the result as a termination message of at most MaxTerminationMessage bytes. When it is too long, the
// last findings are left out (Integrity.More counts them) and the last outputs, since the manifest lists them all; then
// the failure's message is cut.
func (r Result) Encode() ([]byte, error) {
	said := ""
	if r.Failure != nil {
		failure := *r.Failure
		said, r.Failure = failure.Message, &failure
	}
	r.Integrity = bounded(r.Integrity)
	limit := MaxTerminationMessage / 4
	for {
		if r.Failure != nil {
			r.Failure.Message = truncate(said, limit)
		}
		message, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encode result: %w", err)
		}
		switch {
		case len(message) <= MaxTerminationMessage:
			return message, nil
		case r.leaveOutOne():
		case limit == 0:
			return nil, fmt.Errorf("encode result: %d bytes do not fit into a termination message of %d", len(message), MaxTerminationMessage)
		default:
			limit /= 2
		}
	}
}

// leaveOutOne leaves out the last finding or the last output; false: neither is left. The first few of both are the last
// to go: the first damage is what a person wants to know, and the first output is the input of a step that follows.
func (r *Result) leaveOutOne() bool {
	for _, keep := range []int{4, 0} {
		if r.Integrity != nil && len(r.Integrity.Findings) > keep {
			r.Integrity = WithFindings(r.Integrity, len(r.Integrity.Findings)-1)
			return true
		}
		if len(r.Outputs) > keep {
			r.Outputs = r.Outputs[:len(r.Outputs)-1]
			return true
		}
	}
	return false
}

// DecodeResult reads a termination message. Users who may create pods can write one, so that its integrity is cut to
// what the API server takes.
func DecodeResult(message string) (Result, error) {
	var result Result
	if err := json.Unmarshal([]byte(message), &result); err != nil {
		return Result{}, fmt.Errorf("decode termination message: %w", err)
	}
	result.Integrity = bounded(result.Integrity)
	return result, nil
}

// truncate cuts s to at most limit bytes at the boundary of a rune.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}
