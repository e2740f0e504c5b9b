// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

// Every object that the worker writes to a bucket has this user metadata, so that discovery of lost recordings never takes
// a result for a recording, wherever it lies.
const (
	MarkName  = "recording-operator"
	MarkValue = "output"
)
