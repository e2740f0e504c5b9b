// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pace holds status writes back while callbacks arrive in a burst. Callbacks come first: each has a sender that
// waits for its response, while a status can be written a little later. The manager sees a burst in its own watch.
package pace

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// quiet is how long after the last arrival a burst is over.
	quiet = 500 * time.Millisecond
	// interval is the time between two status writes during a burst.
	interval = 250 * time.Millisecond
	// longest bounds a burst. What goes on for longer is the usual load, which statuses have to keep up with.
	longest = time.Minute
	// spacing is the time between the retries of two writes that were held back, so that retries cost next to nothing
	// during a burst, and follow each other as fast as the API server takes them afterwards.
	spacing = 5 * time.Millisecond
)

// Pacer says when a status may be written. It is safe for concurrent use.
type Pacer struct {
	clock clock.PassiveClock

	mu sync.Mutex
	// began and last are the first and the last arrival of the burst.
	began, last time.Time
	// next is when the next status may be written during a burst, retry when the last one that was held back asks again.
	next, retry time.Time
}

// New makes a Pacer.
func New(clk clock.PassiveClock) *Pacer { return &Pacer{clock: clk} }

// Arrived takes note of a new recording.
func (p *Pacer) Arrived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if now.Sub(p.last) > quiet {
		p.began = now
	}
	p.last = now
}

// Delay is zero when the caller may write a status now, and has to. Otherwise it is how long to wait before asking again.
func (p *Pacer) Delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if now.Sub(p.last) > quiet || now.Sub(p.began) > longest {
		return 0
	}
	if !now.Before(p.next) {
		p.next = now.Add(interval)
		return 0
	}
	if soon := now.Add(quiet); p.retry.Before(soon) {
		p.retry = soon
	}
	p.retry = p.retry.Add(spacing)
	return p.retry.Sub(now)
}
