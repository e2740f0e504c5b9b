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

// MakeRecordingFile begins with an open file of a source.
func MakeRecordingFile(name, source string) *RecordingFile {
	b := &RecordingFile{}
	b.file.Name, b.file.Namespace = name, Namespace
	b.file.Spec.SourceRef.Name = source
	return b
}

// Of says which recording the file is of.
func (b *RecordingFile) Of(app, job, stream, format string) *RecordingFile {
	b.file.Spec.AppID, b.file.Spec.JobID, b.file.Spec.StreamName, b.file.Spec.Format = app, job, stream, format
	return b
}

// Room sets the room.
func (b *RecordingFile) Room(id string) *RecordingFile {
	b.file.Spec.RoomID = id
	return b
}

// Started says which delivery of a START created the file.
func (b *RecordingFile) Started(delivery string) *RecordingFile {
	b.file.Annotations = map[string]string{v1alpha1.AnnotationStartDelivery: delivery}
	return b
}

// Swept says when a sweep made the file.
func (b *RecordingFile) Swept(at string) *RecordingFile {
	b.file.Annotations = map[string]string{v1alpha1.AnnotationSwept: at}
	return b
}

// Complete gives the file its facts: an object of a size in bytes.
func (b *RecordingFile) Complete(bucket, object string, sizeBytes int64) *RecordingFile {
	b.file.Spec.File = &v1alpha1.RecordedFile{SizeBytes: sizeBytes, OBS: &v1alpha1.OBSObject{Bucket: bucket, Object: object}}
	return b
}

// Over says that the job ended while the file was open.
func (b *RecordingFile) Over() *RecordingFile {
	b.file.Spec.JobOver = true
	return b
}

// Obj is the file that was built.
func (b *RecordingFile) Obj() *v1alpha1.RecordingFile { return b.file.DeepCopy() }
