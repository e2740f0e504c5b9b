// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// identity tells one recorded object from another: bucket and object, or the URL without its query when there is no
// object (a query holds signatures and expiry times, which differ from report to report).
type identity struct{ bucket, object, url string }

func identityOf(file *v1alpha1.RecordedFile) identity {
	if file.OBS != nil {
		return identity{bucket: file.OBS.Bucket, object: file.OBS.Object}
	}
	url := file.DownloadURL
	if end := strings.IndexAny(url, "?#"); end >= 0 {
		url = url[:end]
	}
	return identity{url: url}
}

// bears says whether the file is of the object that the facts are of.
func bears(file *v1alpha1.RecordingFile, facts *v1alpha1.RecordedFile) bool {
	return file.Spec.File != nil && identityOf(file.Spec.File) == identityOf(facts)
}

// factsOf are the facts of a COMPLETE as a RecordingFile keeps them.
func factsOf(file sparkrtc.File) *v1alpha1.RecordedFile {
	facts := &v1alpha1.RecordedFile{
		DownloadURL:     file.DownloadURL,
		SizeBytes:       file.SizeBytes,
		DurationSeconds: file.DurationSeconds,
		StartTime:       timeOrNil(file.StartTime),
		EndTime:         timeOrNil(file.EndTime),
		Width:           file.Width,
		Height:          file.Height,
	}
	if file.Object != "" {
		facts.OBS = &v1alpha1.OBSObject{Location: file.Location, Bucket: file.Bucket, Object: file.Object}
	}
	return facts
}

func timeOrNil(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t}
}

// grow joins two reports of one object. It takes the greater of every size and time (the earlier start), so that
// reports may come in any order and any number of times: it is commutative, associative and idempotent. The same
// goes for the URL and the location beside an object, where no order means anything and that of strings will do.
// Only a URL that is itself the identity stays as it was first reported, because the API server lets it not change.
func grow(known, reported *v1alpha1.RecordedFile) *v1alpha1.RecordedFile {
	joined := known.DeepCopy()
	joined.SizeBytes = max(known.SizeBytes, reported.SizeBytes)
	joined.DurationSeconds = max(known.DurationSeconds, reported.DurationSeconds)
	joined.Width = max(known.Width, reported.Width)
	joined.Height = max(known.Height, reported.Height)
	if at := reported.StartTime; at != nil && (known.StartTime == nil || at.Before(known.StartTime)) {
		joined.StartTime = at.DeepCopy()
	}
	if at := reported.EndTime; at != nil && (known.EndTime == nil || known.EndTime.Before(at)) {
		joined.EndTime = at.DeepCopy()
	}
	if joined.OBS != nil && reported.OBS != nil {
		joined.DownloadURL = max(known.DownloadURL, reported.DownloadURL)
		joined.OBS.Location = max(known.OBS.Location, reported.OBS.Location)
	}
	return joined
}
