// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

// Every object that the worker writes to a bucket bears this user metadata, so that a sweep of the bucket for lost
// recordings never takes a result for a recording, wherever it lies.
const (
	MarkName  = "recording-operator"
	MarkValue = "output"
)
