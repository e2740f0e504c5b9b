// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"fmt"
	"os"
	"testing"

	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
)

// TestMain lets the test binary stand in for the worker, which sandboxes ffmpeg by running itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.Subcommand {
		fmt.Fprintln(os.Stderr, sandbox.Run(os.Args[2:]))
		os.Exit(sandbox.ExitCode)
	}
	code := m.Run()
	if dir, err := hlsCache(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}
