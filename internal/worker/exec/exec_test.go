// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package exec

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestRun(t *testing.T) {
	t.Setenv("WORKER_SECRET", "secret")
	var out, stderr bytes.Buffer
	err := Run(t.Context(), Command{
		Path: "/bin/sh", Args: []string{"-c", `echo "$GIVEN,$WORKER_SECRET"; echo "a long complaint" >&2; exit 7`},
		Env: []string{"GIVEN=yes"}, Stdout: &out, Stderr: &stderr,
	})
	exit, ok := errors.AsType[*ExitError](err)
	if !ok || exit.Code != 7 || exit.Program != "sh" || exit.Signal != 0 {
		t.Errorf("%v", err)
	}
	if out.String() != "yes,\n" {
		t.Errorf("the child sees %q", out.String())
	}
	if stderr.String() != "a long complaint\n" {
		t.Errorf("standard error is %q", stderr.String())
	}
	if err := Run(t.Context(), Command{Path: "/no/such/program"}); err == nil || errors.As(err, &exit) && exit.Code != 7 {
		t.Errorf("%v", err)
	}
}

func TestRun_SaysWhichSignalEndedTheChild(t *testing.T) {
	tests := map[string]struct {
		signal      syscall.Signal
		outOfMemory bool
		message     string
	}{
		"KILL": {syscall.SIGKILL, true, "ffmpeg was killed by signal SIGKILL, most often because the container ran out of memory: raise the step's resources.limits.memory"},
		"SEGV": {syscall.SIGSEGV, false, "ffmpeg was killed by signal SIGSEGV"},
	}
	for name, test := range tests {
		err := Run(t.Context(), Command{Path: "/bin/sh", Program: "ffmpeg", Args: []string{"-c", "kill -" + name + " $$"}})
		exit, ok := errors.AsType[*ExitError](err)
		if !ok || exit.Signal != test.signal || exit.Code != -1 || exit.OutOfMemory() != test.outOfMemory || err.Error() != test.message {
			t.Errorf("%s: %+v, %v", name, exit, err)
		}
	}
}

// A child that has children of its own, which ignore nothing but outlive it by themselves, is ended whole: the pipe
// that they all hold closes.
func TestRunEndsTheWholeGroup(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	told := errors.New("told to stop")
	lines := &Lines{Each: func(line []byte) {
		if string(line) == "ready" {
			cancel(told)
		}
	}}
	err = Run(ctx, Command{
		Path: "/bin/sh", Args: []string{"-c", `sh -c "echo ready; exec sleep 1000" & wait`},
		Env: []string{"PATH=/usr/bin:/bin"}, Stdout: io.MultiWriter(lines, write),
	})
	if !errors.Is(err, told) {
		t.Errorf("%v", err)
	}
	_ = write.Close()
	if said, err := io.ReadAll(read); err != nil || string(said) != "ready\n" {
		t.Errorf("%q, %v", said, err)
	}
}

func TestLines(t *testing.T) {
	var got []string
	lines := &Lines{Each: func(line []byte) { got = append(got, string(line)) }}
	for _, part := range []string{"a", "b\nc\n", "\n", strings.Repeat("x", 2*maxLine), "\nend"} {
		if n, err := lines.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	_ = lines.Close()
	want := []string{"ab", "c", "", strings.Repeat("x", maxLine), "end"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
}
