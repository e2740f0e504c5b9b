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
	"slices"

	"sparkrtc.dev/recording-operator/internal/worker/exec"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
)

// Tool runs ffmpeg.
type Tool struct {
	// Program is ffmpeg's absolute path, and Worker that of this program, which runs it in the sandbox.
	Program, Worker string
	// Read and Write are the folders that ffmpeg may use.
	Read, Write []string
	// RequireLandlock does not run ffmpeg on a kernel without Landlock.
	RequireLandlock bool
	// Log gets the last lines that ffmpeg wrote when it failed.
	Log *slog.Logger
}

// run runs ffmpeg with its progress going to onProgress, and gives what it complained about. An error is an
// *exec.ExitError, sandbox.ErrSetup, or ctx's cause; what ffmpeg wrote is in the log alone.
func (t Tool) run(ctx context.Context, args []string, onProgress func(line []byte)) (Outcome, error) {
	return t.runWith(ctx, args, onProgress, func([]byte) {})
}

// runWith also hands each line of ffmpeg's standard error to onLine.
func (t Tool) runWith(ctx context.Context, args []string, onProgress, onLine func(line []byte)) (Outcome, error) {
	log := &stderr{dirs: slices.Concat(t.Read, t.Write)}
	lines := &exec.Lines{Each: func(line []byte) {
		log.line(line)
		onLine(line)
	}}
	rules := sandbox.Rules{Read: t.Read, Write: t.Write, RequireLandlock: t.RequireLandlock}
	err := exec.Run(ctx, exec.Command{
		Path:    t.Worker,
		Program: "ffmpeg",
		Args:    sandbox.Args(rules, append([]string{t.Program}, args...)),
		Env:     []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"},
		Stdout: &exec.Lines{Each: func(line []byte) {
			log.progress(line)
			onProgress(line)
		}},
		Stderr: lines,
	})
	_ = lines.Close() // it never fails
	if err == nil {
		return log.Outcome, nil
	}
	t.Log.Error("ffmpeg failed", "error", err.Error(), "stderr", log.Last)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Code == sandbox.ExitCode {
		return log.Outcome, fmt.Errorf("%w: ffmpeg was not run", sandbox.ErrSetup)
	}
	return log.Outcome, err
}
