// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestTurns_EndWhenTheyAreGivenBack(t *testing.T) {
	var taken Turns
	take := func(namespace string, want bool) {
		t.Helper()
		if got := taken.Take(namespace, 2, 6); got != want {
			t.Errorf("%s: %v", namespace, got)
		}
	}
	take("a", true)
	take("a", true)
	take("a", false)
	take("b", true)
	taken.GiveBack("a")
	take("a", true)
	for _, namespace := range []string{"a", "a", "b"} {
		taken.GiveBack(namespace)
	}
	if taken.Held() != 0 || taken.taken != 0 {
		t.Errorf("%d namespaces are remembered with %d calls", taken.Held(), taken.taken)
	}
}

// TestTurns_SeveralAttackersLeaveRoom: N namespaces take all that they can get, one after the other, and nothing ends. One
// more still has at least one of 2^(N+1) of all.
func TestTurns_SeveralAttackersLeaveRoom(t *testing.T) {
	const all = 256
	var taken Turns
	for attackers := 0; all>>(attackers+1) > 0; attackers++ {
		works, got := Turns{taken: taken.taken, held: map[string]int{}}, 0
		for works.Take("works", all, all) {
			got++
		}
		if want := all >> (attackers + 1); got < want {
			t.Errorf("beside %d attackers %d calls, want %d", attackers, got, want)
		}
		attacker := fmt.Sprint(attackers)
		for taken.Take(attacker, all, all) {
			continue
		}
	}
}

// TestTurns_HoldTheirBounds in any history: a namespace that has none gets one as long as any is free, none has more than
// it may, or took one when it had as many as were free, and all together have no more than there are.
func TestTurns_HoldTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var taken Turns
		all, most := rapid.IntRange(1, 40).Draw(t, "all"), rapid.IntRange(1, 20).Draw(t, "most")
		held, total := map[string]int{}, 0
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			namespace := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "namespace")
			if held[namespace] > 0 && rapid.Bool().Draw(t, "give back") {
				taken.GiveBack(namespace)
				held[namespace]--
				total--
				continue
			}
			free := all - total
			want := free > 0 && held[namespace] < most && (held[namespace] == 0 || held[namespace] < free)
			if got := taken.Take(namespace, most, all); got != want {
				t.Fatalf("%s has %d, %d of %d are free: got one is %v", namespace, held[namespace], free, all, got)
			}
			if want {
				held[namespace]++
				total++
			}
		}
	})
}
