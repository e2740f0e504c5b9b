// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package jobs turns a step of a pipeline into the batch/v1 Job that runs it. It is pure: it takes values and imports
// no client.
package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// maxNamePrefix leaves room in a Job's name, which becomes a label of at most 63 characters, for a step's name of 24,
// a digest of 10 and two hyphens.
const maxNamePrefix = 63 - 24 - 10 - 2

// Name is the name of the Job for one step of one file and one input. It is deterministic, so that the name is the
// lock: whoever tries to create the Job twice is told AlreadyExists. The file's UID is part of it, so that a file that
// is deleted and written again never meets the Jobs of its predecessor.
func Name(file *v1alpha1.RecordingFile, step, input string) string {
	prefix := file.Name
	if len(prefix) > maxNamePrefix {
		prefix = prefix[:maxNamePrefix]
	}
	// A RecordingFile's name may hold dots, which the name of a pod should not.
	prefix = strings.Trim(strings.ReplaceAll(prefix, ".", "-"), "-")
	return fmt.Sprintf("%s-%s-%s", prefix, step, digest(10, string(file.UID), file.Name, step, input))
}

// digest is the first n hex digits of a SHA-256 over the parts; no two lists of parts give the same bytes.
func digest(n int, parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil))[:n]
}
