// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package exec runs a program as a child in a process group of its own, so that a worker that is told to stop leaves
// nothing running.
package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	osexec "os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// grace is how long a child may take to end after SIGTERM. It is shorter than Kubernetes' 30 s, so that the worker
// can still say why it stopped.
const grace = 10 * time.Second

// Command is a program to run. The child sees Env and nothing of the worker's own environment.
type Command struct {
	Path string
	// Program is what errors call it; empty: Path's base name. It differs where Path is the sandbox.
	Program string
	Args    []string
	Env     []string
	Dir     string
	Stdout  io.Writer
	Stderr  io.Writer
}

// ExitError is a child that ended by itself with another exit code than 0, or that a signal ended which Run did not send.
type ExitError struct {
	// Program is the child's name.
	Program string
	// Code is its exit code; -1 when a signal ended it.
	Code int
	// Signal that ended it; 0: none did.
	Signal syscall.Signal
}

// Error says how the child ended and, when it was killed, what helps.
func (e *ExitError) Error() string {
	switch {
	case e.OutOfMemory():
		return e.Program + " was killed by signal SIGKILL, most often because the container ran out of memory: raise the step's resources.limits.memory"
	case e.Signal != 0:
		return fmt.Sprintf("%s was killed by signal %s", e.Program, unix.SignalName(e.Signal))
	default:
		return fmt.Sprintf("%s ended with exit code %d", e.Program, e.Code)
	}
}

// OutOfMemory says that the child was killed as the kernel kills for lack of memory. Nothing else in a step's pod sends
// SIGKILL to a child alone.
func (e *ExitError) OutOfMemory() bool { return e.Signal == syscall.SIGKILL }

// Run waits until the child has ended. When ctx ends first, the child's whole process group gets SIGTERM and, after a
// grace, SIGKILL; the error is then ctx's cause. An *ExitError says that the child ran and failed.
func Run(ctx context.Context, command Command) error {
	program := command.Program
	if program == "" {
		program = filepath.Base(command.Path)
	}
	cmd := osexec.CommandContext(ctx, command.Path, command.Args...) //nolint:gosec // running the given program is what this is for; no shell reads the arguments
	cmd.Env = append([]string{}, command.Env...)
	cmd.Dir = command.Dir
	cmd.Stdout, cmd.Stderr = command.Stdout, command.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return signalGroup(cmd, syscall.SIGTERM) }
	cmd.WaitDelay = grace

	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	err := cmd.Wait()
	if ctx.Err() != nil {
		// The leader is gone; what it started may not be. Nothing to do when the group is empty already.
		_ = signalGroup(cmd, syscall.SIGKILL)
		return fmt.Errorf("%s stopped: %w", program, context.Cause(ctx))
	}
	if exit, ok := errors.AsType[*osexec.ExitError](err); ok {
		failed := &ExitError{Program: program, Code: exit.ExitCode()}
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			failed.Signal = status.Signal()
		}
		return failed
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", program, err)
	}
	return nil
}

func signalGroup(cmd *osexec.Cmd, signal syscall.Signal) error {
	return syscall.Kill(-cmd.Process.Pid, signal)
}
