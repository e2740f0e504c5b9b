// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ffmpeg runs ffmpeg in a sandbox, for what only a codec can do: encoding, and decoding to see whether that
// works. Its input is always an MP4 of our own; what a recording holds, ffmpeg is never asked.
package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"sparkrtc.dev/recording-operator/internal/worker/exec"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
)

// ExitSandbox is the exit code of the worker's sandbox subcommand when it could not confine; ffmpeg never ran.
const ExitSandbox = 125

// ErrSandbox says that ffmpeg could not be confined, and so was not run.
var ErrSandbox = errors.New("ffmpeg could not be put into its sandbox")

// Tool runs ffmpeg.
type Tool struct {
	// Program is ffmpeg's absolute path, and Worker that of this program, which confines it.
	Program, Worker string
	// Read and Write are the folders that ffmpeg may use.
	Read, Write []string
	// Log gets the last lines that ffmpeg wrote when it failed.
	Log *slog.Logger
}

// run runs ffmpeg with its progress going to onProgress, and gives what it complained about. An error is an
// *exec.ExitError, ErrSandbox, or ctx's cause; what ffmpeg wrote is in the log alone.
func (t Tool) run(ctx context.Context, args []string, onProgress func(line []byte)) (Complaints, error) {
	complaints := Complaints{}
	err := exec.Run(ctx, exec.Command{
		Path:   t.Worker,
		Args:   sandbox.Args(sandbox.Rules{Read: t.Read, Write: t.Write}, append([]string{t.Program}, args...)),
		Env:    []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"},
		Stdout: &exec.Lines{Each: onProgress},
		Stderr: &exec.Lines{Each: complaints.line},
	})
	if err == nil {
		return complaints, nil
	}
	t.Log.Error("ffmpeg failed", "error", err.Error(), "stderr", complaints.Last)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Code == ExitSandbox {
		return complaints, fmt.Errorf("%w: %w", ErrSandbox, err)
	}
	return complaints, err
}
