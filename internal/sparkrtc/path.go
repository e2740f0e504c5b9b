// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

// PathPrefix is what the paths begin with at which the operator takes callbacks.
const PathPrefix = "/callbacks/"

// Path is where the operator takes the callbacks of a RecordingSource.
func Path(namespace, source string) string { return PathPrefix + namespace + "/" + source }
