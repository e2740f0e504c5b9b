// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

var errNoLandlock = errors.New("it is required, and this node's kernel does not have it or does not enable it (lsm=landlock)")

// LandlockABI is the version of Landlock's interface in this kernel; 0: there is none. Files are restricted from 1 on,
// abstract sockets and signals from 6 on.
func LandlockABI() int {
	abi, err := landlocksys.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return abi
}

// checkLandlock says whether a kernel with this ABI does for the rules.
func (r Rules) checkLandlock(abi int) error {
	if r.RequireLandlock && abi == 0 {
		return errNoLandlock
	}
	return nil
}

// restrictFiles is best effort unless the rules require Landlock: a kernel without it restricts nothing. That is not an
// error then, because the container's root file system is read-only and the process container holds no secrets.
func restrictFiles(rules Rules, programDir string) error {
	if err := rules.checkLandlock(LandlockABI()); err != nil {
		return err
	}
	return landlock.V6.BestEffort().Restrict(
		landlock.RODirs("/usr", "/lib", "/lib64", "/bin", "/sys/devices/system/cpu", programDir).IgnoreIfMissing(),
		landlock.ROFiles("/etc/ld.so.cache", "/etc/ld.so.conf", "/dev/urandom", "/proc/cpuinfo", "/proc/stat").IgnoreIfMissing(),
		landlock.RWFiles("/dev/null").IgnoreIfMissing(),
		landlock.RODirs(rules.Read...),
		landlock.RWDirs(rules.Write...),
	)
}
