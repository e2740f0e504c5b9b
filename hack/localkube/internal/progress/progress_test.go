// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestLongBeatsUntilDone(t *testing.T) {
	var out bytes.Buffer
	p := New(&out)
	p.beat = 5 * time.Millisecond
	done := p.Long("building %s", "it")
	time.Sleep(50 * time.Millisecond)
	done()
	got := out.String()
	if !strings.HasPrefix(got, "[   0s] building it\n") {
		t.Errorf("the first line does not say what is done: %q", got)
	}
	if !strings.Contains(got, "still at it") {
		t.Errorf("no heartbeat in %q", got)
	}
	after := out.Len()
	time.Sleep(20 * time.Millisecond)
	if out.Len() != after {
		t.Error("the heartbeat goes on after done")
	}
}
