// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestCurrentWalls_SayWhatIsInForce(t *testing.T) {
	t.Cleanup(func() { // as TestMain has it
		if err := ProtectMemory(); err != nil {
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
