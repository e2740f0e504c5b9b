// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package builders

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// RejectedCallback builds one.
type RejectedCallback struct{ rejected v1alpha1.RejectedCallback }

// MakeRejectedCallback begins with a callback of a source that the API server refused, received in 2021.
func MakeRejectedCallback(name, source, body string) *RejectedCallback {
	b := &RejectedCallback{}
	b.rejected.Name, b.rejected.Namespace = name, Namespace
	b.rejected.Spec = v1alpha1.RejectedCallbackSpec{
		SourceRef: v1alpha1.LocalReference{Name: source}, Reason: v1alpha1.RejectionInvalid,
		ReceivedTime: metav1.NewTime(time.Unix(1619600282, 0)), Body: []byte(body),
	}
	return b
}

// In sets the namespace.
func (b *RejectedCallback) In(namespace string) *RejectedCallback {
	b.rejected.Namespace = namespace
	return b
}

// Replay asks for the callback to be stored.
func (b *RejectedCallback) Replay() *RejectedCallback {
	b.rejected.Spec.Replay = true
	return b
}

// Obj is the callback that was built.
func (b *RejectedCallback) Obj() *v1alpha1.RejectedCallback { return b.rejected.DeepCopy() }
