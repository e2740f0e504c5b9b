// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// history is a repository with the script, whose CHANGELOG.md names the commit before the last one as v0.1.0. That one has
// all definitions.
type history struct {
	t   *testing.T
	dir string
}

func newHistory(t *testing.T) history {
	t.Helper()
	h := history{t, t.TempDir()}
	for _, name := range []string{
		"config/crd/bases", "hack/lib.sh", "hack/changelog.sh", "hack/compatibility.sh",
		"hack/compatibility/go.mod", "hack/compatibility/go.sum", "hack/compatibility/main.go",
	} {
		to := filepath.Join(h.dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if output, err := exec.CommandContext(t.Context(), "cp", "-r", filepath.Join("..", "..", name), to).CombinedOutput(); err != nil {
			t.Fatalf("copy %s: %v\n%s", name, err, output)
		}
	}
	h.git("init", "-q")
	h.commit()
	released := strings.TrimSpace(h.git("rev-parse", "HEAD"))
	h.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n## v0.1.0 (commit "+released+")\n\n## v0.0.1 (commit "+strings.Repeat("0", 40)+")\n")
	h.commit()
	return h
}

func (h history) write(name, content string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h history) git(arguments ...string) string {
	h.t.Helper()
	output, err := exec.CommandContext(h.t.Context(), "git", append([]string{"-C", h.dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, arguments...)...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("git %s: %v\n%s", strings.Join(arguments, " "), err, output)
	}
	return string(output)
}

func (h history) commit() {
	h.t.Helper()
	h.git("add", "-A")
	h.git("commit", "-q", "-m", "a commit")
}

// script runs hack/compatibility.sh in a clone.
func script(t *testing.T, clone string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(clone, "hack", "compatibility.sh"))
	output, err := command.CombinedOutput()
	return string(output), err
}

// TestScript_ComparesWithTheVersionOfTheChangelog finds a field that is gone since the commit that CHANGELOG.md names first.
func TestScript_ComparesWithTheVersionOfTheChangelog(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	h := newHistory(t)
	if output, err := script(t, h.dir); err != nil || !strings.Contains(output, "v0.1.0") {
		t.Fatalf("nothing changed: %v\n%s", err, output)
	}
	if err := os.Remove(filepath.Join(h.dir, "config/crd/bases/recording.sparkrtc.dev_recordingtasks.yaml")); err != nil {
		t.Fatal(err)
	}
	if output, err := script(t, h.dir); err == nil || !strings.Contains(output, "recordingtasks.recording.sparkrtc.dev: the definition is gone") {
		t.Errorf("a definition is gone: %v\n%s", err, output)
	}
	h.write("CHANGELOG.md", "# Changelog\n\n## v0.1.0\n")
	if output, err := script(t, h.dir); err == nil || !strings.Contains(output, "CHANGELOG.md names no version") {
		t.Errorf("no version with a commit: %v\n%s", err, output)
	}
}

// TestScript_SaysWhenTheCommitIsMissing: a shallow clone has nothing to compare with. The script says so and does not fail.
func TestScript_SaysWhenTheCommitIsMissing(t *testing.T) {
	h := newHistory(t)
	shallow := filepath.Join(t.TempDir(), "shallow")
	h.git("clone", "-q", "--depth", "1", "file://"+h.dir, shallow)
	if output, err := script(t, shallow); err != nil || !strings.Contains(output, "NOTHING WAS COMPARED: v0.1.0") {
		t.Errorf("a shallow clone: %v\n%s", err, output)
	}
}
