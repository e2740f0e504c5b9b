// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ProtectMemory makes this process undumpable until it executes another program: no other process of the same user can
// then open its /proc/PID/mem or environment, or trace it (proc(5), PR_SET_DUMPABLE). Without it, a program in the
// sandbox that may use files could write code into the process that started it, which is outside.
func ProtectMemory() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("set PR_SET_DUMPABLE: %w", err)
	}
	return nil
}
