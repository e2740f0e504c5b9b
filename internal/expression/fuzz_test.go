// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// FuzzExpression: whatever a tenant writes as a condition, compiling and evaluating it ends soon, and without a panic.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		"true", "recording.room == 'a'", "recording.object.matches('(a*){249}b')", "[1,2,3].all(a, [1,2,3].all(b, a == b))", "1/0 == 1", "recording",
		`recording.object.split("").exists(c, recording.object.indexOf(recording.room) == 1)`, `"%.100000000f".format([1.0]) == ''`, "\x00", "((((((((",
		"[" + strings.Repeat("recording.object,", 50) + "''].join(recording.object).size() == 1", "recording.startTime > timestamp('2021-01-01T00:00:00Z')",
	} {
		f.Add(seed, "room", "a/b.m3u8")
	}
	router, err := NewRouter()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, when, room, object string) {
		if len(when) > 1024 || len(room) > 256 || len(object) > 1024 {
			t.Skip("the API server refuses it")
		}
		began := time.Now()
		problem := router.Check(when)
		_, _, _ = router.Choose([]v1alpha1.Route{{When: when}}, Recording{Room: room, Object: object})
		_ = router.Warning(when)
		// Far more than it takes: the machine may be busy. TestRouter_HostileExpressionsEnd holds the bound itself.
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q took %v (%v)", when, took, problem)
		}
	})
}
