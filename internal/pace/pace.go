// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pace slows the controllers' writes down while they would hold callbacks up. Callbacks come first: while they
// pour in, nearly all of the API server is theirs, and what follows from them is caught up with afterwards.
package pace

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"
)

const (
	// slack is how many times longer than the fastest callback the usual one may take before the API server counts as
	// busy: that much they differ when nothing is wrong.
	slack = 1.25
	// patience is how many times as long as callbacks are held up, a write of the controllers waits.
	patience = 200
	// longest is the longest pause between two writes, so that the controllers go on however many callbacks come.
	longest = 2 * time.Second
	// quiet is how many times as long as callbacks take none has to come for the burst to be over.
	quiet = 5
	// credit is how much time pauses may take together, and a tenth of the time that passes is added to it again: a burst
	// of callbacks is given way to, a flood that does not end must not hold up for ever what follows from it, nor an API
	// server that has become slow for good.
	credit = 2 * time.Minute
	// window is about how long a callback is remembered.
	window = time.Second
)

// Pacer watches how long callbacks take, and spaces the writes of a client out when that becomes longer than it has to
// be. Where callbacks are few, or the API server takes them in its stride, it does nothing. It is safe for concurrent use.
type Pacer struct {
	clock clock.Clock

	mu sync.Mutex
	// fastest is the least time that a callback takes; zero before the first.
	fastest time.Duration
	// count and busy are how many callbacks there were within the window, and their time together.
	count, busy float64
	// seen is when these were right, last when a callback was written.
	seen, last time.Time
	// free is when the next write may begin, and left what there is of the credit.
	free time.Time
	left time.Duration
}

// New makes a Pacer.
func New(clk clock.Clock) *Pacer { return &Pacer{clock: clk, seen: clk.Now(), left: credit} }

// Written tells of a callback that the API server has taken, and how long it took.
func (p *Pacer) Written(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decay()
	p.count++
	p.busy += took.Seconds()
	p.last = p.seen
	if p.fastest == 0 || took < p.fastest {
		p.fastest = took
	}
}

// decay forgets what was longer ago than the window, and gives credit for the time that has passed.
func (p *Pacer) decay() {
	now := p.clock.Now()
	p.left = min(p.left+now.Sub(p.seen)/10, credit)
	keep := math.Exp(-now.Sub(p.seen).Seconds() / window.Seconds())
	p.count, p.busy, p.seen = p.count*keep, p.busy*keep, now
}

// pause is how long a write keeps the next one waiting: long if callbacks take long, and are there all the time. It is
// taken from the credit.
func (p *Pacer) pause() time.Duration {
	p.decay()
	if p.over() {
		return 0
	}
	held := p.usual() - slack*p.fastest.Seconds()
	inFlight := min(p.busy/window.Seconds(), 1)
	pause := min(time.Duration(max(0, patience*held*inFlight)*float64(time.Second)), longest, p.left)
	p.left -= pause
	return pause
}

// usual is how long callbacks take, in seconds.
func (p *Pacer) usual() float64 { return p.busy / p.count }

// over says that nobody calls any more, so that nobody has to wait.
func (p *Pacer) over() bool {
	return p.count == 0 || p.clock.Since(p.last).Seconds() > quiet*p.usual()
}

// turn is when the next write may begin, now at the earliest.
func (p *Pacer) turn(now time.Time) time.Time {
	if p.free.Before(now) || p.over() {
		return now
	}
	return p.free
}

// reserve takes the next turn to write and returns how far off it is.
func (p *Pacer) reserve() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	turn := p.turn(now)
	p.free = turn.Add(p.pause())
	return turn.Sub(now)
}

// Config is a configuration whose clients are paced together.
func (p *Pacer) Config(config *rest.Config) *rest.Config {
	paced := rest.CopyConfig(config)
	paced.RateLimiter = limiter{p}
	return paced
}

// limiter is the Pacer as client-go asks it.
type limiter struct{ *Pacer }

var _ flowcontrol.RateLimiter = limiter{}

// Wait waits until a request may begin. Its error is the context's.
func (l limiter) Wait(ctx context.Context) error {
	wait := l.reserve()
	if wait <= 0 {
		return nil
	}
	timer := l.clock.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for callbacks to be written: %w", ctx.Err())
	}
}

// Accept waits until a request may begin.
func (l limiter) Accept() { _ = l.Wait(context.Background()) }

// TryAccept reports whether a request may begin now; then it takes its turn.
func (l limiter) TryAccept() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if l.turn(now).After(now) {
		return false
	}
	l.free = now.Add(l.pause())
	return true
}

// QPS is unlimited: there is no fixed rate.
func (limiter) QPS() float32 { return -1 }

// Stop does nothing.
func (limiter) Stop() {}
