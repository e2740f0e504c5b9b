// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package killed runs a test binary once more, as a child process that is killed while it works.
package killed

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Report writes one line of a child, in one write, so that a line is whole or not there.
func Report(verb, what string) { _, _ = os.Stdout.WriteString(verb + " " + what + "\n") }

// Run starts the test binary with one more variable in its environment, kills it after so many reported lines, and gives
// all lines to heard, also those that were written before the child died. It fails the test when the child ends by itself.
func Run(t *testing.T, variable string, lines int, heard func(verb, what string)) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), variable)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(output)
	for left := lines; scanner.Scan(); left-- {
		if left == 0 {
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		verb, what, _ := strings.Cut(scanner.Text(), " ")
		heard(verb, what)
	}
	if err := command.Wait(); command.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child was not killed: %v", err)
	}
}
