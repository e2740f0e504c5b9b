// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	line := "42 (a (b) c) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0"
	start, state, err := parseStat(line)
	if err != nil || start != "987654" || state != "S" {
		t.Errorf("parseStat = %q, %q, %v", start, state, err)
	}
	for _, bad := range []string{"", "42 (x", "42 (x) S 1"} {
		if _, _, err := parseStat(bad); err == nil {
			t.Errorf("parseStat(%q) gave no error", bad)
		}
	}
}

func TestHashTellsSpecsApart(t *testing.T) {
	base := Spec{Args: []string{"a", "b"}, Inputs: []string{"x"}}
	for name, other := range map[string]Spec{
		"argument":      {Args: []string{"a", "c"}, Inputs: []string{"x"}},
		"word boundary": {Args: []string{"ab"}, Inputs: []string{"x"}},
		"config":        {Args: []string{"a", "b"}, Inputs: []string{"y"}},
		"environment":   {Args: []string{"a", "b"}, Inputs: []string{"x"}, Env: []string{"A=1"}},
		"moved":         {Args: []string{"a", "b", "x"}},
	} {
		if base.Hash() == other.Hash() {
			t.Errorf("%s: the hash is the same", name)
		}
	}
	if base.Hash() != (Spec{Name: "n", LogFile: "l", Args: []string{"a", "b"}, Inputs: []string{"x"}}).Hash() {
		t.Error("the name and the log file are no reason to restart")
	}
}

func sleeper(t *testing.T, script string) (Book, Spec) {
	t.Helper()
	dir := t.TempDir()
	return Book(filepath.Join(dir, "book")), Spec{
		Name: "sleeper", Args: []string{"/bin/sh", "-c", script}, LogFile: filepath.Join(dir, "log"),
	}
}

func TestStartAndStop(t *testing.T) {
	book, spec := sleeper(t, "echo hello; sleep 60")
	r, _, err := book.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := book.Get("sleeper")
	if err != nil || got != r || !got.Alive() || got.Hash != spec.Hash() {
		t.Fatalf("Get = %+v, %v; started %+v", got, err, r)
	}
	if err := book.Stop("sleeper", time.Second); err != nil {
		t.Fatal(err)
	}
	if r.Alive() {
		t.Error("it lives on")
	}
	if got, _ := book.Get("sleeper"); got.PID != 0 {
		t.Errorf("the record is still there: %+v", got)
	}
	log, _ := os.ReadFile(spec.LogFile)
	if !strings.Contains(string(log), "hello") {
		t.Errorf("the log lacks the output: %q", log)
	}
}

func TestStopKillsTheStubborn(t *testing.T) {
	book, spec := sleeper(t, "trap '' TERM; while :; do sleep 0.1; done")
	r, _, err := book.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // let the shell set its trap
	if err := book.Stop("sleeper", 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if r.Alive() {
		t.Error("it survived")
	}
}

func TestRecycledPIDIsNotOurs(t *testing.T) {
	self, err := Of(os.Getpid())
	if err != nil || !self.Alive() {
		t.Fatalf("Of(self) = %+v, %v", self, err)
	}
	later := self
	later.Start = "1"
	if later.Alive() {
		t.Error("a process with another start time passes for ours")
	}
	earlier := self
	earlier.BootID = "another boot"
	if earlier.Alive() {
		t.Error("a process of an earlier boot passes for running")
	}
	if err := Terminate(later, time.Second); err != nil {
		t.Error(err)
	}
}

func TestDamagedRecordIsNoProcess(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.json"), []byte(`{"pid": 1`), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Book(dir).Get("x")
	if err != nil || r.Alive() {
		t.Errorf("Get = %+v, %v", r, err)
	}
}
