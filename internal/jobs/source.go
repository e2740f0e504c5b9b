// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Problem says why a step cannot be made into a Job until a person corrects something.
type Problem struct {
	// Reason is one of the Reason constants of the API.
	Reason string
	// Message says what to correct.
	Message string
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Message }

func problemf(reason, format string, args ...any) *Problem {
	return &Problem{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// recordingSource says where the recording itself is read from. Credentials only go to the endpoint of the source's
// StorageLocation, and only for buckets that the source allows; a URL is read without any, from allowed hosts alone.
func recordingSource(facts recording.Facts, source *v1alpha1.RecordingSource, storage *v1alpha1.StorageLocation) (workerapi.Source, *Problem) {
	from := workerapi.Source{
		Format:          facts.Format,
		SizeBytes:       min(facts.SizeBytes, v1alpha1.MaxSizeBytes),
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
		from.Bucket, from.Object = facts.Object.Bucket, facts.Object.Key
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
	from.URL, from.AllowedHosts = facts.DownloadURL, source.Spec.AllowedHosts
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

// stepSource says where the output of another step is read from: the place that it was published to.
func stepSource(output v1alpha1.Output, storage *v1alpha1.StorageLocation) (workerapi.Source, *Problem) {
	from := workerapi.Source{
		Format:    "MP4",
		Storage:   &workerapi.Storage{Name: storage.Name, Spec: storage.Spec},
		SizeBytes: min(output.SizeBytes, v1alpha1.MaxSizeBytes),
		MaxBytes:  maxBytes(output.SizeBytes),
	}
	if output.Media != nil {
		from.DurationSeconds = output.Media.DurationMilliseconds / 1000
	}
	if s3 := storage.Spec.S3; s3 != nil {
		if bucket, key, ok := strings.Cut(strings.TrimPrefix(output.URI, "s3://"), "/"); ok && strings.HasPrefix(output.URI, "s3://") {
			from.Bucket, from.Object = bucket, key
			return from, nil
		}
	}
	if claim := storage.Spec.PersistentVolumeClaim; claim != nil {
		root := "pvc://" + claim.ClaimName + "/"
		if claim.SubPath != "" {
			root += strings.Trim(claim.SubPath, "/") + "/"
		}
		if object, ok := strings.CutPrefix(output.URI, root); ok {
			from.Object = object
			return from, nil
		}
	}
	return from, problemf(v1alpha1.ReasonInputMissing,
		"the input %s does not lie in StorageLocation %q any more", output.URI, storage.Name)
}
