// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// Walls says what of the sandbox this kernel and this process offer. It is for logs: Run sets the walls up itself, and
// fails where one that is required is missing.
type Walls struct {
	// Seccomp says that the kernel takes system call filters.
	Seccomp bool
	// Undumpable says that ProtectMemory is in force in this process.
	Undumpable bool
	// LandlockABI is Landlock's version, see LandlockABI; 0: there is none.
	LandlockABI int
}

// CurrentWalls asks the kernel.
func CurrentWalls() Walls {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return Walls{Seccomp: seccomp.Supported(), Undumpable: err == nil && dumpable == 0, LandlockABI: LandlockABI()}
}
