// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestPrinter_LongBeatsUntilDone(t *testing.T) {
	var out bytes.Buffer
	p := New(&out)
	p.beat = 5 * time.Millisecond
	done := p.Long("building %s", "it")
	time.Sleep(50 * time.Millisecond)
	done()
	got := out.String()
	if !strings.HasPrefix(got, "[   0s] building it\n") {
		t.Errorf("the first line does not say what is done: %q", got)
	}
	if !strings.Contains(got, "still running") {
		t.Errorf("no heartbeat in %q", got)
	}
	after := out.Len()
	time.Sleep(20 * time.Millisecond)
	if out.Len() != after {
		t.Error("the heartbeat goes on after done")
	}
}

func TestPrinter_TerminalWritesOverTheLine(t *testing.T) {
	var out bytes.Buffer
	p := New(&out)
	p.terminal, p.beat = true, 5*time.Millisecond
	done := p.Long("building it")
	time.Sleep(50 * time.Millisecond)
	done()
	p.Linef("built it")
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("the terminal has %d lines, want the first and one that was written over: %q", len(lines), lines)
	}
	if last := lines[1][strings.LastIndex(lines[1], "\r\033[K")+4:]; last != "[   0s] built it" {
		t.Errorf("the last line reads %q", last)
	}
}
