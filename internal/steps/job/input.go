// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

func problemf(reason, format string, args ...any) *pipeline.Problem {
	return &pipeline.Problem{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// newInputs says what the step works on: the recording itself, the first artifact of the step that is its input, or, where the
// kind reads files, all of these that it names.
func newInputs(work *Work, files bool) ([]workerapi.Input, *pipeline.Problem) {
	wanted := work.Inputs
	if len(wanted) == 0 {
		wanted = []pipeline.Input{{Step: v1alpha1.InputRecording}}
	}
	var inputs []workerapi.Input
	var places []string
	for _, from := range wanted {
		input, problem := newInput(work, from, files)
		if problem != nil {
			return nil, problem
		}
		place := "" // a download has no credentials and no volume, and a place of its own all the same
		if input.Storage != nil {
			place = input.Storage.Name
		}
		if input.Place = slices.Index(places, place); input.Place < 0 {
			input.Place = len(places)
			places = append(places, place)
		}
		if inputs = append(inputs, input); !files {
			break
		}
	}
	return inputs, nil
}

// newInput says where one input is read from.
func newInput(work *Work, from pipeline.Input, files bool) (workerapi.Input, *pipeline.Problem) {
	if from.Step == v1alpha1.InputRecording {
		input, problem := recordingInput(work.Facts, work.Source, work.InputStorage)
		if problem == nil && input.Format != workerapi.FormatHLS && input.Format != workerapi.FormatMP4 {
			problem = problemf(v1alpha1.ReasonFormatUnsupported, "the recording's format is %q; steps read HLS and MP4", input.Format)
		}
		return input, problem
	}
	storage := work.InputStorages[from.StorageRef.Name]
	if storage == nil {
		return workerapi.Input{}, problemf(v1alpha1.ReasonStorageLocationNotFound, "StorageLocation %q of step %q not found", from.StorageRef.Name, from.Step)
	}
	return stepInput(from.Step, from.Artifact, storage, files)
}

// recordingInput says where the recording itself is read from. Credentials only go to the endpoint of the source's
// StorageLocation, and only for buckets that the source allows; a URL is read without any, from allowed hosts alone.
func recordingInput(facts recording.Facts, source *v1alpha1.RecordingSource, storage *v1alpha1.StorageLocation) (workerapi.Input, *pipeline.Problem) {
	from := workerapi.Input{
		Step:            v1alpha1.InputRecording,
		Format:          facts.Format,
		Artifact:        v1alpha1.Artifact{SizeBytes: min(facts.SizeBytes, v1alpha1.MaxSizeBytes)},
		DurationSeconds: facts.DurationSeconds,
		MaxBytes:        maxBytes(facts.SizeBytes),
	}
	if storage != nil && facts.Object.Key != "" {
		if !bucketAllowed(facts.Object.Bucket, source, storage) {
			return from, problemf(v1alpha1.ReasonBucketNotAllowed,
				"the recording lies in bucket %q, which RecordingSource %q does not allow; add it to spec.allowedBuckets to process it",
				facts.Object.Bucket, source.Name)
		}
		from.Storage = &workerapi.Storage{Name: storage.Name, Spec: storage.Spec}
		from.Artifact.Name, from.Artifact.Bucket, from.Artifact.Key = path.Base(facts.Object.Key), facts.Object.Bucket, facts.Object.Key
		return from, nil
	}
	if facts.DownloadURL == "" {
		return from, problemf(v1alpha1.ReasonStorageLocationNotFound,
			"the recording has no downloadURL, and RecordingSource %q has no spec.storageRef to read its object from", source.Name)
	}
	parsed, err := url.Parse(facts.DownloadURL)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || !hostAllowed(parsed, source.Spec.AllowedHosts) {
		host := "(unreadable)"
		if err == nil {
			host = parsed.Host
		}
		return from, problemf(v1alpha1.ReasonHostNotAllowed,
			"the recording's downloadURL is at host %q, which RecordingSource %q does not allow; set spec.storageRef to read the bucket with credentials, or add the host to spec.allowedHosts",
			host, source.Name)
	}
	from.Artifact.Name, from.URL, from.AllowedHosts = path.Base(parsed.Path), facts.DownloadURL, source.Spec.AllowedHosts
	return from, nil
}

// hostAllowed compares hosts as the worker does: without regard to case, and an entry without a port means the scheme's
// own.
func hostAllowed(target *url.URL, allowed []string) bool {
	standard := target.Port() == "" || target.Scheme == "https" && target.Port() == "443" || target.Scheme == "http" && target.Port() == "80"
	return slices.ContainsFunc(allowed, func(host string) bool {
		return strings.EqualFold(host, target.Host) || standard && strings.EqualFold(host, target.Hostname())
	})
}

func bucketAllowed(bucket string, source *v1alpha1.RecordingSource, storage *v1alpha1.StorageLocation) bool {
	if len(source.Spec.AllowedBuckets) > 0 {
		return slices.Contains(source.Spec.AllowedBuckets, bucket)
	}
	// A volume has no bucket of its own; the folders below its subPath are what it was given for.
	return storage.Spec.S3 == nil || storage.Spec.S3.Bucket == bucket
}

// stepInput says where an output of another step is read from: the place that it was published to. files says that any file
// is read.
func stepInput(step string, output v1alpha1.Artifact, storage *v1alpha1.StorageLocation, files bool) (workerapi.Input, *pipeline.Problem) {
	output.SizeBytes = min(output.SizeBytes, v1alpha1.MaxSizeBytes)
	from := workerapi.Input{
		Step:     step,
		Artifact: output,
		Storage:  &workerapi.Storage{Name: storage.Name, Spec: storage.Spec},
		MaxBytes: maxBytes(output.SizeBytes),
	}
	from.Format = formatOf(output)
	switch {
	case from.Format != "":
	case files:
		from.Format = workerapi.FormatFile
	default:
		return from, problemf(v1alpha1.ReasonFormatUnsupported, "step %q has made %s (%s), which no step can read", step, output.Name, output.MediaType)
	}
	if output.Media != nil {
		from.DurationSeconds = output.Media.DurationMilliseconds / 1000
	}
	// The credentials are for the bucket that the StorageLocation names, and for no other.
	if s3 := storage.Spec.S3; output.Key == "" || s3 != nil && output.Bucket != s3.Bucket || s3 == nil && output.Bucket != "" {
		return from, problemf(v1alpha1.ReasonInputMissing,
			"the input %s is no longer in StorageLocation %q", output.URI, storage.Name)
	}
	return from, nil
}

// formatOf is the format of media that a step has published; empty: it is none that steps read. What is in a file counts
// before its name, by which its media type is chosen: an archive keeps the names of the recording, which need not tell.
func formatOf(output v1alpha1.Artifact) string {
	if output.Media != nil {
		switch output.Media.Container {
		case "hls":
			return workerapi.FormatHLS
		case string(media.MP4):
			return workerapi.FormatMP4
		}
	}
	switch output.MediaType {
	case "application/vnd.apple.mpegurl":
		return workerapi.FormatHLS
	case "video/mp4":
		return workerapi.FormatMP4
	}
	return ""
}
