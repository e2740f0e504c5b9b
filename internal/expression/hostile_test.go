// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"golang.org/x/sys/unix"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
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

// maxEvaluation is what all hostile routes of one source may hold up the reconciler for, with the race detector, which slows an
// evaluation down tenfold, and on a slow machine. What is held out would take tenths of a second to weeks without either.
const maxEvaluation = 250 * time.Millisecond

// atLeast is the processor time that something takes at least, whatever else the machine does.
func atLeast(t *testing.T, work func()) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	used := func() time.Duration {
		var usage unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_THREAD, &usage); err != nil {
			t.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	least := time.Duration(math.MaxInt64)
	for range 5 {
		begin := used()
		work()
		least = min(least, used()-begin)
	}
	return least
}

// TestRouter_HostileExpressionsEnd: whatever a tenant writes into a route, the reconciler that evaluates it for everybody goes
// on. Each of these held it up for tenths of a second to weeks, or took its memory. A source has as many of them as
// routes, and they are compiled and evaluated within milliseconds together.
func TestRouter_HostileExpressionsEnd(t *testing.T) {
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
		"patterns that are long together": {
			strings.Repeat("recording.object.matches('(a*){60}b') || ", 10) + "false", "steps, at most"},
		"a pattern of empty loops": {"recording.object.matches('(a*){249}b')", "steps, at most"},
		"a pattern in a loop": {
			`recording.object.split("").exists(c, recording.object.matches("a*b"))`, "inside all"},
		"a loop, as function": {
			`recording.object.split("").exists(c, matches(c, "a*b"))`, "inside all"},
		"a pattern of the greatest size": {
			"recording.object.matches('^(" + strings.Repeat("x?", 96) + ")y$')", "cost"},
		"patterns within the bounds": {
			strings.Repeat("recording.object.matches('x*y')||", 15) + "false", ""},
		"a long text, searched": {
			"[" + strings.Repeat("recording.room,", 20) + "''].join().indexOf([" + strings.Repeat("recording.room,", 18) + "'b'].join()) == 1", "at most 4096"},
		"a long text, matched": {
			"[" + strings.Repeat("recording.room,", 20) + "''].join().matches('x*x*y')", "at most 4096"},
		"a text searched often": {
			strings.Repeat("recording.object.indexOf(recording.object+'y')==1||", 19) + "false", "cost"},
		"a long loop of searches": {
			`recording.object.split("").exists(c, recording.object.indexOf(recording.room) == 1)`, "cost"},
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
			matches, err := newRouter(t).compiler.holds(test.when, recording, nil, nil)
			if matches || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %v, %v; want an error with %q", matches, err, test.problem)
			}
			routes := make([]v1alpha1.Route, 32)
			for i := range routes {
				// Blanks keep them from being compiled once.
				routes[i].When = test.when + strings.Repeat(" ", i)
			}
			router := newRouter(t)
			_, _, _ = router.Choose(routes, recording) // Compiles them.
			if took := atLeast(t, func() { _, _, _ = router.Choose(routes, recording) }); took > maxEvaluation {
				t.Errorf("%d routes took %v", len(routes), took)
			}
			if took := atLeast(t, func() { _ = newRouter(t).Check(test.when) }); took > maxEvaluation {
				t.Errorf("compiling took %v", took)
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
		if matches, err := newRouter(t).compiler.holds(when, recording, nil, nil); !matches || err != nil {
			t.Errorf("%s: got %v, %v", when, matches, err)
		}
	}
}

// TestChoose_RoutesShareABudget: what comes after routes that cost too much is passed over, and said.
func TestChoose_RoutesShareABudget(t *testing.T) {
	dear := strings.Repeat("recording.object.matches('x*y')||", 15) + "false"
	routes := []v1alpha1.Route{route(dear, "a"), route(dear+" ", "b"), route(dear+"  ", "c"), route(dear+"   ", "d"), route("true", "last")}
	name, matched, err := newRouter(t).Choose(routes, Recording{Object: strings.Repeat("x", 1024)})
	if matched || !errors.Is(err, errBudget) {
		t.Errorf("got %q, %v, %v; want the budget to end before the last route", name, matched, err)
	}
	name, matched, err = newRouter(t).Choose(routes, Recording{Object: "Record/app/room01/a.m3u8"})
	if name != "last" || !matched || err != nil {
		t.Errorf("got %q, %v, %v; want the last route of one that is short", name, matched, err)
	}
}

// TestConditions_ShareABudget: the expressions of one pipeline are bounded together, those of the next recording are not
// concerned.
func TestConditions_ShareABudget(t *testing.T) {
	dear := strings.Repeat("recording.object.matches('x*y')||", 15) + "false"
	conditions := newConditions(t)
	long := Recording{Object: strings.Repeat("x", 1024)}
	of, evaluated := conditions.For(long), 0
	for ; evaluated < 1000; evaluated++ {
		if _, err := of.Holds(dear, nil, ""); err != nil {
			if !errors.Is(err, errBudget) {
				t.Fatal(err)
			}
			break
		}
	}
	if evaluated > conditionsLimit/CostLimit*2 {
		t.Errorf("%d dear expressions were evaluated", evaluated)
	}
	if _, err := of.Value("recording.object", nil, ""); !errors.Is(err, errBudget) {
		t.Errorf("a value: %v", err)
	}
	if _, err := conditions.For(long).Value("recording.object", nil, ""); err != nil {
		t.Errorf("the next recording: %v", err)
	}
}

// TestEvaluation_EndsWithItsContext: a loop that is slower than its cost is interrupted.
func TestEvaluation_EndsWithItsContext(t *testing.T) {
	program, err := newRouter(t).compiler.program("recording.object.split('').all(c, c == 'x')", cel.BoolType)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = program.ContextEval(ctx, map[string]any{"recording": Recording{Object: strings.Repeat("x", 1024)}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestObjects_HostileExpressionsEnd: what a trigger waits for is bounded as routes are.
func TestObjects_HostileExpressionsEnd(t *testing.T) {
	objects, err := NewObjects()
	if err != nil {
		t.Fatal(err)
	}
	object := map[string]any{"text": strings.Repeat("a", 64<<10)}
	for expression, problem := range map[string]string{
		"object.text.matches('(a*){60}b')":                        "steps, at most",
		"object.text.matches('a*a*b')":                            "cost",
		"matches(object.text, object.text)":                       "must be written out",
		"object.text.split('').exists(c, c.matches('a*b'))":       "inside all",
		"[1].exists(a, [1].exists(b, a == b))":                    "inside or after",
		"object.text.indexOf(object.text + 'b') == 1":             "at most 4096",
		"object.text.split('').exists(c, object.text == c + 'a')": "cost",
	} {
		var err error
		if took := atLeast(t, func() { _, err = objects.Bool(expression, object) }); took > maxEvaluation {
			t.Errorf("%s took %v", expression, took)
		}
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: got %v, want an error with %q", expression, err, problem)
		}
	}
}
