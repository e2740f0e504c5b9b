// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package steps_test

import (
	"path"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/steps"
)

// FuzzRecordingFile: whatever a person writes into a RecordingFile by hand, its step gets a Job whose path stays below the
// StorageLocation and in which the kubelet expands nothing, or a problem to read.
func FuzzRecordingFile(f *testing.F) {
	f.Add("recordings", "live/a/a.m3u8", "", "room", "stream", "HLS", "{room}/{stream}/{file}/")
	f.Add("recordings", "../../a.mp4", "https://recordings.example.com/a.mp4", "..", "$(RECORDING_STEP)", "MP4", "{room}/{stream}/{date}/")
	f.Add("", "", "https://user@evil.example.com/$(X)?q=1", "a/../..", "\u202e", "", "../{step}/{file}")
	f.Fuzz(func(t *testing.T, bucket, key, url, room, stream, format, folder string) {
		made := work(remux())
		made.File.Spec = v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: bucket, Key: key, URL: url},
			Room: room, Stream: stream, Format: format,
		}
		made.Facts = recording.Of(&made.File.Spec)
		made.Step.Output.Path = folder
		if made.Facts.Digest() != recording.Of(made.File.Spec.DeepCopy()).Digest() {
			t.Error("the digest of one recording differs")
		}
		job, problem := steps.Build(made)
		if problem != nil {
			if problem.Reason == "" || problem.Message == "" {
				t.Errorf("a problem without words: %+v", problem)
			}
			return
		}
		for _, container := range job.Spec.Template.Spec.Containers {
			for _, variable := range container.Env {
				if strings.Contains(variable.Value, "$") {
					t.Errorf("the kubelet would expand %q", variable.Value)
				}
			}
		}
		destination := job.Annotations[v1alpha1.AnnotationDestination]
		if !strings.HasPrefix(destination, "archive/") || path.Clean(destination)+"/" != destination {
			t.Errorf("the step publishes to %q", destination)
		}
	})
}
