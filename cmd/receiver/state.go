// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"syscall"
)

// tmpfsMagic is the type of a memory-backed file system, as statfs(2) has it.
const tmpfsMagic = 0x01021994

// errNotMemory says that a folder is not on a memory-backed file system.
var errNotMemory = errors.New("not on a memory-backed file system (tmpfs)")

// validateState refuses to write callback keys to a disk.
func (o *options) validateState() error {
	if o.stateDir == "" {
		return nil
	}
	if err := checkMemoryBacked(o.stateDir); err != nil {
		return fmt.Errorf("--state-dir: %w", err)
	}
	return nil
}

// checkMemoryBacked returns errNotMemory unless the folder is on a memory-backed file system. It is here, and not beside
// receiver.StateCache, because statfs(2) is Linux', and the kubectl plugin has that package on every platform.
func checkMemoryBacked(dir string) error {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if stat.Type != tmpfsMagic {
		return fmt.Errorf("%s is %w: callback keys must not be written to a disk", dir, errNotMemory)
	}
	return nil
}
