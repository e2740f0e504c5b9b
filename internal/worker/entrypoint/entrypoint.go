// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package entrypoint is how the programs in a step's pod run and report: stopped by a signal, and with a termination
// message and an exit code in the end, whatever happens.
package entrypoint

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// EnvTerminationLog overrides where the Result is written.
const EnvTerminationLog = "TERMINATION_LOG"

// defaultTerminationLog is the file that Kubernetes reads.
const defaultTerminationLog = "/dev/termination-log"

// ErrStopped is the cause of the end of a context when the container is stopped.
var ErrStopped = errors.New("the container was stopped")

// Context ends when the container is stopped. Call stop to give the signals back.
func Context() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		select {
		case <-signals:
			cancel(ErrStopped)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// Program is one container's.
type Program struct {
	// TerminationLog is the file that the Result is written to; empty: that of EnvTerminationLog, or the one that Kubernetes
	// reads.
	TerminationLog string
	// Getenv reads the environment.
	Getenv func(string) string
	// Log gets what happens.
	Log *slog.Logger
}

// Run does the work, reports its result, and returns the exit code.
func (p *Program) Run(ctx context.Context, do func(context.Context) (workerapi.Result, error)) int {
	result, err := attempt(ctx, do)
	result, code := resultOf(result, err, errors.Is(context.Cause(ctx), ErrStopped))
	if failed := result.Failure; failed != nil {
		p.Log.Error("Step failed", "reason", failed.Reason, "permanent", failed.Permanent, "message", failed.Message)
	}
	if err := p.report(result); err != nil {
		p.Log.Error("Could not write the termination message", "error", err.Error())
		return workerapi.ExitTransient
	}
	return code
}

// attempt does the work; a panic is a failure like any other, so that the operator hears of it.
func attempt(ctx context.Context, do func(context.Context) (workerapi.Result, error)) (result workerapi.Result, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = failure.Transient(workerapi.ReasonInternal, "panic: %v", recovered)
		}
	}()
	return do(ctx)
}

// resultOf is what a container reports in the end, and its exit code. interrupted says that it was stopped, which
// explains any error.
func resultOf(result workerapi.Result, err error, interrupted bool) (workerapi.Result, int) {
	switch {
	case err == nil:
		return result, 0
	case interrupted:
		return workerapi.Result{Object: result.Object,
			Failure: &workerapi.Failure{Reason: workerapi.ReasonInterrupted, Message: "the container was stopped"}}, workerapi.ExitTransient
	}
	report := failure.Report(err)
	code := workerapi.ExitTransient
	switch {
	case report.NothingToDo:
		code = workerapi.ExitSkipped
	case report.Permanent:
		code = workerapi.ExitPermanent
	}
	return workerapi.Result{Failure: report, Integrity: result.Integrity, Object: result.Object}, code
}

// report writes the termination message.
func (p *Program) report(result workerapi.Result) error {
	path := p.TerminationLog
	if path == "" {
		path = p.Getenv(EnvTerminationLog)
	}
	if path == "" {
		path = defaultTerminationLog
	}
	message, err := result.Encode()
	if err != nil {
		return err
	}
	// Kubernetes makes the file; it may be written, not replaced.
	return os.WriteFile(path, message, 0o600)
}
