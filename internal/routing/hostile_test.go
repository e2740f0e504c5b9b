// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// doubled names a list and doubles it, n times over: 2^n elements.
func doubled(n int, last string) string {
	expression, closing, value := "", "", "[1]"
	for i := range n {
		name := fmt.Sprintf("v%d", i)
		expression += fmt.Sprintf("[%s+%s].exists(%s, ", value, value, name)
		closing += ")"
		value = name
	}
	return expression + strings.ReplaceAll(last, "X", value) + closing
}

// TestHostileExpressionsEnd: whatever a tenant writes into a route, the reconciler that evaluates it for everybody goes
// on. Each of these held it up for seconds to weeks, or took its memory.
func TestHostileExpressionsEnd(t *testing.T) {
	long := strings.Repeat("x", 1024)
	recording := Recording{Stream: strings.Repeat("é", 256), Room: strings.Repeat("a", 256), Object: long}
	tests := map[string]struct {
		when    string
		problem string
	}{
		"lists doubled, then compared": {doubled(30, "X == X"), "inside or after"},
		"lists doubled by map":         {"[[1]].map(a, a+a).map(b, b+b) == []", "inside or after"},
		"loops in loops":               {"[1,2,3].all(a, [1,2,3].all(b, a == b))", "inside or after"},
		"a long pattern":               {"recording.object.matches('" + strings.Repeat("x{0,999}", 115) + "$')", "steps, at most"},
		"a long pattern, as function":  {"matches(recording.object, '" + strings.Repeat("(.{0,999})?", 80) + "$')", "steps, at most"},
		"a pattern from a callback":    {"recording.object.matches(recording.room)", "must be written out"},
		"a pattern that is put together": {
			"recording.object.matches('x{0,999}' + 'x{0,999}')", "must be written out"},
		"a wrong pattern": {"recording.object.matches('(')", "pattern of matches is wrong"},
		"a pattern of the greatest size": {
			"recording.object.matches('^(" + strings.Repeat("x?", 400) + ")y$')", "cost"},
		"text multiplied": {"recording.stream.replace('',recording.room).replace('',recording.object).size() == 7", "cost"},
		"text joined":     {"[" + strings.Repeat("recording.object,", 50) + "''].join(recording.object).size() == 1", "cost"},
		"a long fraction": {`"%.100000000f".format([1.0]) == ''`, "precision"},
		"one long loop":   {"[" + strings.Repeat("1,", 400) + "1].all(a, !recording.object.contains(recording.room))", "cost"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if len(test.when) > 1024 {
				t.Fatalf("the API server refuses %d characters", len(test.when))
			}
			begin := time.Now()
			matches, err := newRouter(t).matches(test.when, recording)
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			if matches || err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %v, %v; want an error with %q", matches, err, test.problem)
			}
		})
	}
}

// TestUsefulExpressionsRemain: the bounds take nothing away that routes are written with.
func TestUsefulExpressionsRemain(t *testing.T) {
	recording := Recording{Room: "room01", Stream: "Teacher-1", Format: "HLS", Object: "Record/app/room01/a.m3u8"}
	for _, when := range []string{
		"recording.room in ['room01', 'room02']",
		"['room', 'hall'].exists(prefix, recording.room.startsWith(prefix))",
		"['a', 'b'].all(p, !recording.room.startsWith(p)) && ['r'].exists(p, recording.room.startsWith(p))",
		"recording.stream.lowerAscii().startsWith('teacher')",
		"recording.room.matches('^room[0-9]{1,8}$') && matches(recording.format, '^(HLS|MP4)$')",
		"recording.object.split('/')[2] == recording.room",
	} {
		if matches, err := newRouter(t).matches(when, recording); !matches || err != nil {
			t.Errorf("%s: got %v, %v", when, matches, err)
		}
	}
}
