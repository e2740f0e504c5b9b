// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"unsafe"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func TestSlim(t *testing.T) {
	file := func(change func(*v1alpha1.RecordingFileStatus)) *v1alpha1.RecordingFile {
		file := &v1alpha1.RecordingFile{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "media", Name: "lecture-1", Generation: 3, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "x"}},
				Labels: map[string]string{v1alpha1.LabelSource: "classroom"},
			},
			Spec: v1alpha1.RecordingFileSpec{
				SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "bucket", Key: "a/b.m3u8"}, TaskIDs: []string{"task"},
				Reported: &v1alpha1.ReportedRecording{DownloadURL: "https://bucket.example.com/a/b.m3u8", Location: "l",
					RecordingIdentity: v1alpha1.RecordingIdentity{App: "app", Room: "room", Stream: "stream", Format: "HLS"}},
			},
			Status: v1alpha1.RecordingFileStatus{
				ObservedGeneration: 3,
				Conditions: []metav1.Condition{
					{Type: v1alpha1.ConditionProcessed, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded},
					{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, Message: "1 of 1 steps succeeded"},
				},
				ProcessingStatus: v1alpha1.ProcessingStatus{
					Input: "facts", Run: 1, Pipeline: &v1alpha1.PipelineSnapshot{Name: "lecture", Revision: "lecture-1"},
					Steps: []v1alpha1.StepStatus{{Name: "mp4", State: v1alpha1.StepSucceeded, Outputs: []v1alpha1.Artifact{{URI: "s3://archive/a.mp4"}}}},
				},
			},
		}
		if change != nil {
			change(&file.Status)
		}
		return file
	}
	slimmer := &fileSlimmer{}
	for name, c := range map[string]struct {
		change func(*v1alpha1.RecordingFileStatus)
		done   bool
	}{
		"succeeded": {nil, true},
		"failed": {func(s *v1alpha1.RecordingFileStatus) {
			s.Conditions[1].Status, s.Conditions[1].Reason, s.Steps[0].State = metav1.ConditionFalse, v1alpha1.ReasonFailed, v1alpha1.StepFailed
		}, true},
		"skipped": {func(s *v1alpha1.RecordingFileStatus) {
			s.Conditions[1].Reason, s.Pipeline, s.Steps, s.Input = v1alpha1.ReasonSkipped, nil, nil, ""
		}, true},
		"running": {func(s *v1alpha1.RecordingFileStatus) {
			s.Conditions[1].Status, s.Conditions[1].Reason, s.Steps[0].State = metav1.ConditionFalse, v1alpha1.ReasonProcessing, v1alpha1.StepRunning
		}, false},
		// What the operator never writes, others may; a panic where the cache is filled would end the operator.
		"skipped by others": {func(s *v1alpha1.RecordingFileStatus) {
			s.Conditions[1].Reason, s.Steps = v1alpha1.ReasonSkipped, nil
		}, true},
		"new": {func(s *v1alpha1.RecordingFileStatus) { *s = v1alpha1.RecordingFileStatus{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			full, cached := file(c.change), file(c.change)
			if _, err := slimmer.slim(cached); err != nil {
				t.Fatal(err)
			}
			if done(full) != c.done || done(cached) != c.done {
				t.Errorf("done: %t, and %t in the cache; want %t", done(full), done(cached), c.done)
			}
			// Everything else that is asked of the cache has the same answer.
			if reasonOf(cached) != reasonOf(full) || cached.Status.ObservedGeneration != full.Status.ObservedGeneration ||
				!apiequality.Semantic.DeepEqual(taskNames(cached), taskNames(full)) ||
				!apiequality.Semantic.DeepEqual(pending(cached), pending(full)) ||
				!apiequality.Semantic.DeepEqual(unfinishedRevision(cached), unfinishedRevision(full)) {
				t.Errorf("in the cache it reads %+v", cached.Status)
			}
			if !apiequality.Semantic.DeepEqual(cached.Spec, full.Spec) || cached.ManagedFields != nil ||
				!apiequality.Semantic.DeepEqual(cached.Labels, full.Labels) {
				t.Errorf("in the cache there is %+v", cached)
			}
			if unchanged := apiequality.Semantic.DeepEqual(cached.Status, full.Status); unchanged == c.done {
				t.Errorf("the status: unchanged %t, done %t", unchanged, c.done)
			}
		})
	}
}

func TestWithin(t *testing.T) {
	longer := "https://host/job/object"
	for _, text := range []string{"object", "job", "", "other"} {
		got := within(longer, string([]byte(text)))
		if got != text {
			t.Errorf("%q became %q", text, got)
		}
		if at := strings.Index(longer, text); at > 0 && unsafe.StringData(got) != unsafe.StringData(longer[at:]) {
			t.Errorf("%q lies elsewhere", text)
		}
	}
}

func TestSharedIsBounded(t *testing.T) {
	var texts shared[string]
	first := string([]byte("first"))
	texts.of(first, first)
	if again := texts.of("first", string([]byte("first"))); unsafe.StringData(again) != unsafe.StringData(first) {
		t.Error("equal texts are not shared")
	}
	for i := range 2 * maxShared {
		key := string(rune(i + 1_000))
		texts.of(key, key)
	}
	if len(texts.known) > maxShared {
		t.Errorf("%d texts are kept", len(texts.known))
	}
}
