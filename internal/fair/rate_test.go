// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// rates are those that the receiver shares: forced reads of keys, events, and rejected callbacks that are kept.
var rates = map[string]func() *Rate{
	"10 a second, 40 at once": func() *Rate { return NewRate(10, 40) },
	"1 a second, 10 at once":  func() *Rate { return NewRate(1, 10) },
	"1 a second, 20 at once":  func() *Rate { return NewRate(1, 20) },
}

func name(attacker int) string { return fmt.Sprint("attacker-", attacker) }

// TestRate_OneHasHalf: one namespace that always asks gets half, and leaves half to another that asks as often.
func TestRate_OneHasHalf(t *testing.T) {
	for text, made := range rates {
		t.Run(text, func(t *testing.T) {
			r := made()
			limit, burst := float64(r.all.Limit()), r.all.Burst()
			got, seconds := 0, 200
			for tick := range seconds * 100 {
				if r.Take("attacker", start.Add(time.Duration(tick)*10*time.Millisecond)) != nil {
					got++
				}
			}
			if want := burst/2 + int(limit*float64(seconds)/2); got > want || got < want-1 {
				t.Errorf("%d tokens in %d s, want %d", got, seconds, want)
			}
		})
	}
}

// TestRate_SeveralAttackersLeaveAPartToOthers: N namespaces always ask first, together. One that asks for no more than its
// part of N+1 gets what it asks for; one that asks without end is one of N+1 that do, and share a half.
func TestRate_SeveralAttackersLeaveAPartToOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("asks millions of times")
	}
	for text, made := range rates {
		for _, attackers := range []int{1, 2, 5, 20} {
			for _, modest := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %d attackers, modest %v", text, attackers, modest), func(t *testing.T) {
					r := made()
					part := float64(r.all.Limit()) / float64(attackers+1)
					want, every := part/2, time.Duration(0)
					if modest {
						want, every = part, time.Duration(float64(time.Second)/part)
					}
					checkPart(t, r, attackers, every, want)
				})
			}
		}
	}
}

// checkPart has attackers ask every 20 ms, and one that works after them, at most once in every: it gets want tokens a
// second, but for a twentieth, once the first bursts are over.
func checkPart(t *testing.T, r *Rate, attackers int, every time.Duration, want float64) {
	t.Helper()
	const tick, seconds = 20 * time.Millisecond, 400
	begins := start.Add(2 * r.window)
	next, got := begins, 0
	for now := start; now.Before(begins.Add(seconds * time.Second)); now = now.Add(tick) {
		for attacker := range attackers {
			r.Take(name(attacker), now)
		}
		if now.Before(next) {
			continue
		}
		if next = next.Add(every); r.Take("works", now) != nil {
			got++
		}
	}
	if float64(got) < 0.95*want*seconds-1 {
		t.Errorf("%d tokens in %d s, want %.1f", got, seconds, want*seconds)
	}
}

// TestRate_NewcomerWaitsShortly: a namespace that asks again until it gets a token has one after the time of two, beside any
// number of attackers. In the moment in which these have all begun together with full buckets, it is a window more.
func TestRate_NewcomerWaitsShortly(t *testing.T) {
	if testing.Short() {
		t.Skip("asks millions of times")
	}
	for text, made := range rates {
		t.Run(text, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r := made()
				attackers := rapid.IntRange(1, 12).Draw(t, "attackers")
				period := time.Duration(float64(time.Second) / float64(r.all.Limit()))
				// Each attacker asks at every tick of a part of the rounds, and its bucket is full again in the next one.
				round := 3 * r.window
				parts := rapid.SliceOfN(rapid.IntRange(1, 3), attackers, attackers).Draw(t, "parts")
				comes := start.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "round")) * round).
					Add(time.Duration(rapid.OneOf(rapid.Int64Range(0, int64(2*period)), rapid.Int64Range(0, int64(round))).Draw(t, "later")))
				most, tick := 2*period, period/10
				if begun := comes.Sub(start) % round; begun < r.window+most {
					most += r.window + most - begun
				}
				for now := start; ; now = now.Add(tick) {
					for attacker := range attackers {
						if int(now.Sub(start)/round)%parts[attacker] == 0 {
							r.Take(name(attacker), now)
						}
					}
					if now.Before(comes) {
						continue
					}
					if r.Take("works", now) != nil {
						return
					}
					if waited := now.Sub(comes); waited > most+2*tick {
						t.Fatalf("%d attackers: no token after %s", attackers, waited)
					}
				}
			})
		})
	}
}

// TestRate_ForgetsNamespaces: what is remembered does not grow with the namespaces, and a refusal counts for a window.
func TestRate_ForgetsNamespaces(t *testing.T) {
	r := NewRate(10, 40)
	for i := range 3 * maxNamespaces {
		r.Take(name(i), start)
	}
	if r.own.Len() > maxNamespaces || r.refused.Len() > maxNamespaces {
		t.Errorf("%d and %d namespaces are remembered", r.own.Len(), r.refused.Len())
	}
	last := name(3*maxNamespaces - 1)
	if parts := r.parts(last, start.Add(r.window-1)); parts != 2*maxNamespaces {
		t.Errorf("%d parts", parts)
	}
	if parts := r.parts(last, start.Add(r.window)); parts != 2 || r.refused.Len() > 0 {
		t.Errorf("%d parts after a window, %d namespaces", parts, r.refused.Len())
	}
}

func TestRate_TokensAreGivenBack(t *testing.T) {
	r := NewRate(1, 10)
	for range 100 {
		token := r.Take("a", start)
		if token == nil {
			t.Fatal("a token that was given back is gone")
		}
		token.GiveBack(start)
	}
	for range 5 {
		if r.Take("a", start) == nil {
			t.Fatal("no token")
		}
	}
	if r.Take("a", start) != nil {
		t.Error("a token more than half")
	}
}
