// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestValidateState_RefusesDisks(t *testing.T) {
	check := func(dir string) error { return (&options{stateDir: dir}).validateState() }
	if err := check(""); err != nil {
		t.Errorf("no folder: %v", err)
	}
	if err := check("/dev/shm"); err != nil {
		t.Skipf("no memory-backed file system here: %v", err)
	}
	// Some machines have a memory-backed /tmp; a package's own folder is on a disk.
	if err := check("."); !errors.Is(err, errNotMemory) {
		t.Errorf("a disk: %v", err)
	}
	if err := check(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing folder is accepted")
	}
}
