// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pace holds writes of the controller manager back while callbacks arrive in a burst. Callbacks come first: each
// has a sender that waits for its response, while a status can be written a little later. The manager sees a burst in its
// own watch. What concerns RecordingTasks gives way to RecordingFiles too.
package pace

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// quiet is how long after the last arrival a burst is over.
	quiet = 500 * time.Millisecond
	// interval is the time between two writes during a burst.
	interval = 250 * time.Millisecond
	// longest bounds a burst. What goes on for longer is the usual load, which statuses have to keep up with.
	longest = time.Minute
	// spacing is the time between the retries of two writes that were held back, so that retries cost next to nothing
	// during a burst, and follow each other as fast as the API server takes them afterwards.
	spacing = 5 * time.Millisecond
)

// Pacer says what may be written when. It is safe for concurrent use.
type Pacer struct {
	clock clock.PassiveClock

	mu sync.Mutex
	// arrivals are of callbacks, writes those of files.
	arrivals, writes burst
	// next is when the next write may follow during a burst.
	next time.Time
	// files and tasks are when the last one of them that was held back asks again.
	files, tasks time.Time
}

// burst is a time in which something goes on without a pause.
type burst struct{ began, last time.Time }

func (b *burst) note(now time.Time) {
	if now.Sub(b.last) > quiet {
		b.began = now
	}
	b.last = now
}

func (b *burst) lasts(now time.Time) bool {
	return now.Sub(b.last) <= quiet && now.Sub(b.began) <= longest
}

// New makes a Pacer.
func New(clk clock.PassiveClock) *Pacer { return &Pacer{clock: clk} }

// Arrived takes note of a callback that was stored.
func (p *Pacer) Arrived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrivals.note(p.clock.Now())
}

// File is zero when the caller may write what concerns a RecordingFile now, and has to. Otherwise it is how long to wait
// before asking again.
func (p *Pacer) File() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	delay := p.delay(now, p.arrivals.lasts(now), &p.files)
	if delay == 0 {
		p.writes.note(now)
	}
	return delay
}

// Task is the same for what concerns a RecordingTask alone. It gives way to files as well.
func (p *Pacer) Task() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	return p.delay(now, p.arrivals.lasts(now) || p.writes.lasts(now), &p.tasks)
}

func (p *Pacer) delay(now time.Time, busy bool, retry *time.Time) time.Duration {
	if !busy {
		return 0
	}
	if !now.Before(p.next) {
		p.next = now.Add(interval)
		return 0
	}
	if soon := now.Add(quiet); retry.Before(soon) {
		*retry = soon
	}
	*retry = retry.Add(spacing)
	return retry.Sub(now)
}
