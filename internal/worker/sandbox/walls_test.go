// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestCurrentWalls_SayWhatIsInForce(t *testing.T) {
	if walls := CurrentWalls(); !walls.Seccomp || walls.Undumpable || walls.LandlockABI != LandlockABI() {
		t.Errorf("before ProtectMemory: %+v", walls)
	}
	if err := ProtectMemory(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
			t.Error(err)
		}
	})
	if walls := CurrentWalls(); !walls.Undumpable {
		t.Errorf("after ProtectMemory: %+v", walls)
	}
}
