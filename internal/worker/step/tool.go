// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sparkrtc.dev/recording-operator/internal/worker/exec"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// progressInterval is how often progress is logged at most.
const progressInterval = 10 * time.Second

// Progress counts ffmpeg's progress in milliseconds, and logs it sparingly. total is how long the recording is.
func (r *Run) Progress(total time.Duration) func(line []byte) {
	progress := &ffmpeg.Progress{Total: total.Seconds()}
	var logged time.Time
	var counted time.Duration
	return func(line []byte) {
		changed := progress.Line(line)
		if done := progress.Done(); done > counted {
			r.Meter.Add(done.Milliseconds() - counted.Milliseconds())
			counted = done
		}
		if !changed {
			return
		}
		if now := r.Now(); progress.Percent() == 100 || now.Sub(logged) >= progressInterval {
			logged = now
			r.Log.Info("Encoding", "percent", progress.Percent())
		}
	}
}

// ToolFailure says what an error of ffmpeg means; what was being done is for a person. What ffmpeg cannot do is permanent, since the input is the same next time;
// a full disk, a missing sandbox or a kill is not the recording's fault.
func ToolFailure(ctx context.Context, what string, complaints ffmpeg.Outcome, err error) error {
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, sandbox.ErrSetup), !failed:
		return fmt.Errorf("%s: %w", what, err)
	case complaints.FullDisk:
		return failure.Transient(workerapi.ReasonInternal, "%s: the work volume is full", what)
	case exit.OutOfMemory():
		return failure.Transient(workerapi.ReasonOutOfMemory, "%s: %w", what, exit)
	case complaints.OutOfMemory:
		return failure.Transient(workerapi.ReasonOutOfMemory, "%s: ffmpeg ran out of memory: raise the step's resources.limits.memory", what)
	case exit.Signal != 0:
		return failure.Transient(workerapi.ReasonTranscodeFailed, "%s: %w; the step's log has its last lines", what, exit)
	}
	return failure.Permanent(workerapi.ReasonTranscodeFailed, "%s: %w; the step's log has its last lines", what, exit)
}
