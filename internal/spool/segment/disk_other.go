// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package segment

import "os"

// preallocate reserves disk space, which reads as zeros.
func preallocate(file *os.File, size int64) error { return fill(file, size) }

// syncData makes what was written durable.
func syncData(file *os.File) error { return file.Sync() }
