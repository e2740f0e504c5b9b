// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package recording

import "sparkrtc.dev/recording-operator/api/v1alpha1"

// SourceOf names the RecordingSource of a RecordingFile or RecordingTask; it is empty for any other object.
func SourceOf(object any) string {
	switch object := object.(type) {
	case *v1alpha1.RecordingFile:
		return object.Spec.SourceRef.Name
	case *v1alpha1.RecordingTask:
		return object.Spec.SourceRef.Name
	default:
		return ""
	}
}
