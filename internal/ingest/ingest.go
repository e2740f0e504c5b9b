// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ingest turns verified events into RecordingTasks and RecordingFiles. Each event becomes one write that is
// idempotent and commutes with all others, so that events may arrive in any order, any number of times, through any
// number of replicas: the tasks and files in the end are a function of the set of events alone.
//
//	START     merge patch of the task: one more start, and the identity that the event has; create on 404
//	COMPLETE  create of the file; when it exists, a guarded patch to the join of what is known and what is reported
//	OVER      merge patch of the task: ended; create on 404
//
// The name of an object is a pure function of its identity (names.go), and is the lock between replicas. What is joined
// and how is in join.go; the rules of the definitions hold a task's join in the API server itself. Nothing here depends
// on a cache or on a clock.
package ingest

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// maxCalls bounds the calls for one delivery, after lost races and refusals together.
	maxCalls = 5
	// DefaultCallTimeout is how long one call to the API server may take.
	DefaultCallTimeout = 2 * time.Second
)

// Options change what an Ingester does by default.
type Options struct {
	// CallTimeout is how long one call to the API server may take; DefaultCallTimeout when it is zero.
	CallTimeout time.Duration
}

// Ingester writes deliveries to the API server. It is safe for concurrent use.
type Ingester struct {
	store   store
	timeout time.Duration
	// maxStarts is how many starts a task may have; fewer in tests.
	maxStarts int
	tasks     taskQueue
	known     known
}

// New makes an Ingester that writes through a client. The reader has to read from the API server itself, not from a
// cache (a manager's GetAPIReader).
func New(writer client.Client, reader client.Reader, options Options) *Ingester {
	return newIngester(clientStore{writer: writer, reader: reader}, options)
}

func newIngester(s store, options Options) *Ingester {
	i := &Ingester{store: s, timeout: options.CallTimeout, maxStarts: v1alpha1.MaxStarts, known: newKnown()}
	if i.timeout <= 0 {
		i.timeout = DefaultCallTimeout
	}
	return i
}

// Ingest stores a delivery: when it returns without an error, the API server holds what the delivery says. Its errors
// are *Error. After an error of kind Unavailable the delivery may or may not have been written; delivering it again is
// always right.
func (i *Ingester) Ingest(ctx context.Context, d Delivery) (Result, error) {
	switch d.Event.Type {
	case sparkrtc.Complete:
		return i.writeFile(ctx, fileKey{d.Namespace, d.Source, ObjectOf(d.Event.File)}, reportOf(d.Event), d.KeyID)
	case sparkrtc.Start, sparkrtc.Over:
		taskID := text(d.Event.TaskID, maxID)
		if taskID == "" {
			return Result{Outcome: Unnamed}, nil
		}
		return i.tasks.do(ctx, taskKey{d.Namespace, d.Source, taskID}, updateOf(d), i.writeTask)
	case sparkrtc.Unknown:
		return Result{Outcome: Ignored}, nil
	default:
		return Result{Outcome: Ignored}, nil
	}
}

// Discover stores an object that was found in the bucket: when it returns without an error, the object has a
// RecordingFile that says at least what was found. Its errors are those of Ingest.
func (i *Ingester) Discover(ctx context.Context, found Found) (Result, error) {
	return i.writeFile(ctx, found.key(), foundOf(found), "")
}

// calls makes at most maxCalls calls, each with a deadline of its own.
type calls struct {
	timeout time.Duration
	made    int
}

// left says whether another call may be made.
func (c *calls) left() bool { return c.made < maxCalls }

func (c *calls) do(ctx context.Context, call func(context.Context) error) error {
	c.made++
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return call(ctx)
}
