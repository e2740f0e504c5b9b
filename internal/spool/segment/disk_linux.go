// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// preallocate reserves disk space, which reads as zeros.
func preallocate(file *os.File, size int64) error {
	err := syscall.Fallocate(int(file.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return fill(file, size)
	}
	if err != nil {
		return fmt.Errorf("reserve %d bytes: %w", size, err)
	}
	return nil
}

// syncData makes what was written to preallocated space durable. It leaves out the times of the file.
func syncData(file *os.File) error { return syscall.Fdatasync(int(file.Fd())) }
