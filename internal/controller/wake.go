// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

// Wake has objects reconciled that the cache does not hold, because they are done. The reconcilers read them live.
type Wake struct{ files, tasks chan event.GenericEvent }

// NewWake makes the queues; reconcilers empty them once they run.
func NewWake() *Wake {
	return &Wake{files: make(chan event.GenericEvent), tasks: make(chan event.GenericEvent)}
}

// File has a RecordingFile reconciled.
func (w *Wake) File(ctx context.Context, name types.NamespacedName) { send(ctx, w.files, name) }

// Task has a RecordingTask reconciled.
func (w *Wake) Task(ctx context.Context, name types.NamespacedName) { send(ctx, w.tasks, name) }

// send waits no longer than the context: a controller takes what comes into a queue without bound, but only while it runs.
func send(ctx context.Context, to chan<- event.GenericEvent, name types.NamespacedName) {
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	select {
	case to <- event.GenericEvent{Object: object}:
	case <-ctx.Done():
	}
}
