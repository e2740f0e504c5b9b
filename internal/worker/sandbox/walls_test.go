// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestCurrentWalls_SayWhatIsInForce(t *testing.T) {
	// Tests that start programs as another user leave this process undumpable: they share its memory before they run.
	before, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(before), 0, 0, 0); err != nil {
			t.Error(err)
		}
	})
	for _, undumpable := range []bool{false, true} {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		if undumpable {
			if err := ProtectMemory(); err != nil {
				t.Fatal(err)
			}
		}
		if walls := CurrentWalls(); !walls.Seccomp || walls.Undumpable != undumpable || walls.LandlockABI != LandlockABI() {
			t.Errorf("undumpable %v: %+v", undumpable, walls)
		}
	}
}
