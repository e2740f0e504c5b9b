// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

const (
	// firstRefusal and lastRefusal bound the time after which a delivery that was refused is tried again.
	firstRefusal = time.Second
	lastRefusal  = 5 * time.Minute
	// refusalsToPause is how many deliveries of a namespace are refused in a row before the rest of them waits.
	refusalsToPause = 16
	// maxPauses bounds the namespaces that are remembered. The one that was refused longest ago is forgotten first, which
	// only ever makes more attempts.
	maxPauses = 4096
)

// refusalDelay doubles with each refusal, and is jittered.
func refusalDelay(refusals int) time.Duration {
	delay := lastRefusal
	if doubled := firstRefusal << min(max(refusals-1, 0), 20); doubled < lastRefusal {
		delay = doubled
	}
	return wait.Jitter(delay, 0.5)
}

// pauses remembers the namespaces whose deliveries the API server refuses one after the other, for want of a right or a
// quota, or because a webhook hangs. Their deliveries wait, so that they do not hold up those of other namespaces.
type pauses struct {
	clock clock.PassiveClock
	mu    sync.Mutex
	known *lru.Cache[string, pause]
}

type pause struct {
	// refusals in a row, and how many pauses followed from them.
	refusals, pauses int
	until            time.Time
	// slow says that the last refusal took the whole deadline.
	slow bool
}

func newPauses(clk clock.PassiveClock) *pauses {
	known, err := lru.New[string, pause](maxPauses)
	if err != nil {
		panic(err) // for no entries at all
	}
	return &pauses{clock: clk, known: known}
}

// until is when deliveries of a namespace are tried again; zero, or a time that has passed, is now.
func (p *pauses) until(namespace string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, _ := p.known.Peek(namespace)
	return known.until
}

// slowUntil is until, of a namespace whose refusals take the whole deadline. Trying one would hold others up.
func (p *pauses) slowUntil(namespace string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, _ := p.known.Peek(namespace); known.slow {
		return known.until
	}
	return time.Time{}
}

// refused counts a refusal. One that took the whole deadline pauses the namespace at once.
func (p *pauses) refused(namespace string, slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, _ := p.known.Peek(namespace)
	known.refusals++
	known.slow = slow
	if now := p.clock.Now(); !now.Before(known.until) && (slow || known.refusals >= refusalsToPause) {
		known.pauses++
		known.until = now.Add(refusalDelay(known.pauses))
	}
	p.known.Add(namespace, known)
}

// accepted forgets the refusals of a namespace.
func (p *pauses) accepted(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known.Remove(namespace)
}
