// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package builders makes objects for tests, by default the least that the API server takes.
package builders

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Namespace is where every object is made.
const Namespace = "media"

// RecordingSource builds one.
type RecordingSource struct{ source v1alpha1.RecordingSource }

// MakeRecordingSource begins with a source whose callbacks are signed with no key.
func MakeRecordingSource(name string) *RecordingSource {
	b := &RecordingSource{}
	b.source.Name, b.source.Namespace = name, Namespace
	b.source.Spec.Callback.Authentication = v1alpha1.AuthenticationSignature
	return b
}

// App sets the app that the source takes callbacks of.
func (b *RecordingSource) App(id string) *RecordingSource {
	b.source.Spec.AppID = id
	return b
}

// Key adds a key of a Secret.
func (b *RecordingSource) Key(secret, key string) *RecordingSource {
	b.source.Spec.Callback.Keys = append(b.source.Spec.Callback.Keys,
		v1alpha1.CallbackKey{SecretRef: v1alpha1.SecretKeyReference{Name: secret, Key: key}})
	return b
}

// Unauthenticated takes callbacks from anybody.
func (b *RecordingSource) Unauthenticated() *RecordingSource {
	b.source.Spec.Callback.Authentication = v1alpha1.AuthenticationNone
	return b
}

// Timestamp sets what the timestamp header decides.
func (b *RecordingSource) Timestamp(policy v1alpha1.TimestampPolicy, tolerance *metav1.Duration) *RecordingSource {
	b.source.Spec.Callback.Timestamp = &v1alpha1.CallbackTimestamp{Policy: policy, Tolerance: tolerance}
	return b
}

// Obj is the source that was built.
func (b *RecordingSource) Obj() *v1alpha1.RecordingSource { return b.source.DeepCopy() }

// RecordingFile builds one.
type RecordingFile struct{ file v1alpha1.RecordingFile }

// MakeRecordingFile begins with a file of a source that nobody reported. Its object is named after it.
func MakeRecordingFile(name, source string) *RecordingFile {
	b := &RecordingFile{}
	b.file.Name, b.file.Namespace = name, Namespace
	b.file.Spec.SourceRef.Name = source
	b.file.Spec.Object = v1alpha1.ObjectIdentity{Bucket: "abc-rtc", Key: name}
	return b
}

// Object sets the object that the file is of.
func (b *RecordingFile) Object(bucket, key string) *RecordingFile {
	b.file.Spec.Object = v1alpha1.ObjectIdentity{Bucket: bucket, Key: key}
	return b
}

// Of says what the service reported of the recording's identity.
func (b *RecordingFile) Of(app, task, stream, format string) *RecordingFile {
	b.reported().App, b.reported().Stream, b.reported().Format = app, stream, format
	if task != "" {
		b.file.Spec.TaskIDs = []string{task}
	}
	return b
}

// Room sets the room that the service reported.
func (b *RecordingFile) Room(room string) *RecordingFile {
	b.reported().Room = room
	return b
}

// Size sets the size in bytes that the service reported.
func (b *RecordingFile) Size(bytes int64) *RecordingFile {
	b.reported().SizeBytes = bytes
	return b
}

// Reported sets the facts that the service reported.
func (b *RecordingFile) Reported(facts v1alpha1.RecordingFacts) *RecordingFile {
	b.reported().RecordingFacts = facts
	return b
}

func (b *RecordingFile) reported() *v1alpha1.ReportedRecording {
	if b.file.Spec.Reported == nil {
		b.file.Spec.Reported = &v1alpha1.ReportedRecording{}
	}
	return b.file.Spec.Reported
}

// Obj is the file that was built.
func (b *RecordingFile) Obj() *v1alpha1.RecordingFile { return b.file.DeepCopy() }

// RecordingTask builds one.
type RecordingTask struct{ task v1alpha1.RecordingTask }

// MakeRecordingTask begins with a task of a source that has no events.
func MakeRecordingTask(name, source, taskID string) *RecordingTask {
	b := &RecordingTask{}
	b.task.Name, b.task.Namespace = name, Namespace
	b.task.Spec.SourceRef.Name, b.task.Spec.TaskID = source, taskID
	return b
}

// Starts adds files that began; each key names one.
func (b *RecordingTask) Starts(keys ...string) *RecordingTask {
	if b.task.Spec.Starts == nil {
		b.task.Spec.Starts = map[string]v1alpha1.StartTimestamp{}
	}
	for _, key := range keys {
		b.task.Spec.Starts[key] = ""
	}
	return b
}

// Ended says that the task ended.
func (b *RecordingTask) Ended() *RecordingTask {
	b.task.Spec.Ended = true
	return b
}

// Obj is the task that was built.
func (b *RecordingTask) Obj() *v1alpha1.RecordingTask { return b.task.DeepCopy() }
