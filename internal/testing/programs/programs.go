// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package programs finds the programs that tests run. A test whose program is not installed is skipped, unless an
// environment variable requires it, as in CI. With -short every such test is skipped.
package programs

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// FFmpeg is the absolute path of ffmpeg, which makes recordings: FFMPEG, or the one in PATH. REQUIRE_MEDIA=1 requires it.
func FFmpeg(tb testing.TB) string {
	tb.Helper()
	return find(tb, "ffmpeg", "FFMPEG", "REQUIRE_MEDIA")
}

// FFprobe is the absolute path of ffprobe: FFPROBE, or the one in PATH. REQUIRE_MEDIA=1 requires it.
func FFprobe(tb testing.TB) string {
	tb.Helper()
	return find(tb, "ffprobe", "FFPROBE", "REQUIRE_MEDIA")
}

// WorkerFFmpeg is the absolute path of the ffmpeg under test: WORKER_FFMPEG, or FFmpeg. The worker image has one that
// makes no test pictures.
func WorkerFFmpeg(tb testing.TB) string {
	tb.Helper()
	if os.Getenv("WORKER_FFMPEG") == "" {
		return FFmpeg(tb)
	}
	return find(tb, "ffmpeg", "WORKER_FFMPEG", "REQUIRE_MEDIA")
}

// VersityGW is the absolute path of versitygw, an S3 server: VERSITYGW, or the one in PATH. REQUIRE_STORAGE=1 requires it.
func VersityGW(tb testing.TB) string {
	tb.Helper()
	return find(tb, "versitygw", "VERSITYGW", "REQUIRE_STORAGE")
}

func find(tb testing.TB, name, variable, requirement string) string {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("runs %s", name)
	}
	path, err := exec.LookPath(cmp.Or(os.Getenv(variable), name))
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		if os.Getenv(requirement) == "1" {
			tb.Fatalf("%s is required (%s=1): %v", name, requirement, err)
		}
		tb.Skipf("%s is not installed", name)
	}
	return path
}
