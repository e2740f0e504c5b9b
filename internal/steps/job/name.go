// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package job builds the batch/v1 Job that runs a step, and reads what became of it. It is pure: it takes values and
// imports no client.
package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
)

// maxName is the longest name of a Job: it becomes a label of its pods.
const maxName = 63

// Name is the name of the Job for one step in one run of one file. It is deterministic, so that the name is the lock: of
// two that create the Job, one gets AlreadyExists. The file's UID is part of it, so that a file that is deleted and
// written again never meets the Jobs of its predecessor; so is the digest of the facts, which may change again before the
// run's number is written. A step that is tried again has a Job of another name.
func Name(file *v1alpha1.RecordingFile, start *pipeline.Start) string {
	run := fmt.Sprint(start.Run)
	if start.Retry > 0 {
		run += fmt.Sprintf("-%d", start.Retry)
	}
	step := start.Step.Name
	suffix := fmt.Sprintf("-%s-%s-%s", step, run, digest(10, string(file.UID), file.Name, step, run, start.InputDigest))
	prefix := file.Name
	if most := maxName - len(suffix); len(prefix) > most {
		prefix = prefix[:most]
	}
	// A RecordingFile's name may hold dots, which the name of a pod should not.
	return strings.Trim(strings.ReplaceAll(prefix, ".", "-"), "-") + suffix
}

// digest is the first n hex digits of a SHA-256 over the parts; no two lists of parts give the same bytes.
func digest(n int, parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil))[:n]
}
