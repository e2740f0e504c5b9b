// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pace holds writes of the controller manager back while callbacks arrive in a burst. Callbacks come first: each
// has a sender that waits for its response, while a status can be written a little later. The manager sees a burst in its
// own watch. What concerns RecordingTasks gives way to RecordingFiles too.
package pace

import (
	"maps"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// few may arrive at once, and usual a second, without being a burst.
	few, usual = 10, 20
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

// Pacer says what may be written when. Each namespace is paced by itself: what arrives in one holds back nothing of
// another. It is safe for concurrent use.
type Pacer struct {
	clock clock.PassiveClock

	mu sync.Mutex
	// lanes are those of namespaces in which something goes on.
	lanes map[string]*lane
}

// lane is the pace of one namespace.
type lane struct {
	// arrivals are of callbacks, writes those of files.
	arrivals, writes burst
	// next is when the next write may follow during a burst.
	next time.Time
	// files and tasks are when the last one of them that was held back asks again.
	files, tasks time.Time
}

// idle says that the lane is as good as a new one.
func (l *lane) idle(now time.Time) bool {
	return l.arrivals.over(now) && l.writes.over(now) && now.After(l.next) && now.After(l.files) && now.After(l.tasks)
}

// burst is a time in which more comes than usual, without a pause.
type burst struct {
	// level is how many came beyond the usual rate up to noted, the last time that something came.
	level float64
	noted time.Time
	// began is when the level was exceeded after a pause, and last when it last was.
	began, last time.Time
}

func (b *burst) note(now time.Time) {
	b.level = min(max(0, b.level-now.Sub(b.noted).Seconds()*usual)+1, 2*few)
	b.noted = now
	if b.level <= few {
		return
	}
	if now.Sub(b.last) > quiet {
		b.began = now
	}
	b.last = now
}

func (b *burst) lasts(now time.Time) bool {
	return now.Sub(b.last) <= quiet && now.Sub(b.began) <= longest
}

// over says that nothing came for so long that the burst is as good as a new one.
func (b *burst) over(now time.Time) bool { return now.Sub(b.noted) > quiet }

// New makes a Pacer.
func New(clk clock.PassiveClock) *Pacer { return &Pacer{clock: clk, lanes: map[string]*lane{}} }

// lane is that of a namespace. When one is added, those that are idle are forgotten.
func (p *Pacer) lane(namespace string, now time.Time) *lane {
	found := p.lanes[namespace]
	if found == nil {
		maps.DeleteFunc(p.lanes, func(_ string, other *lane) bool { return other.idle(now) })
		found = &lane{}
		p.lanes[namespace] = found
	}
	return found
}

// Arrived takes note of a callback that was stored.
func (p *Pacer) Arrived(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	p.lane(namespace, now).arrivals.note(now)
}

// File is zero when the caller may write what concerns a RecordingFile now, and has to. Otherwise it is how long to wait
// before asking again.
func (p *Pacer) File(namespace string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	own := p.lane(namespace, now)
	delay := own.delay(now, own.arrivals.lasts(now), &own.files)
	if delay == 0 {
		own.writes.note(now)
	}
	return delay
}

// Busy says that callbacks arrive in a burst, in whatever namespace: what can wait does not ask to be written.
func (p *Pacer) Busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	for _, lane := range p.lanes {
		if lane.arrivals.lasts(now) {
			return true
		}
	}
	return false
}

// Task is the same for what concerns a RecordingTask alone. It gives way to files as well.
func (p *Pacer) Task(namespace string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	own := p.lane(namespace, now)
	return own.delay(now, own.arrivals.lasts(now) || own.writes.lasts(now), &own.tasks)
}

func (l *lane) delay(now time.Time, busy bool, retry *time.Time) time.Duration {
	if !busy {
		return 0
	}
	if !now.Before(l.next) {
		l.next = now.Add(interval)
		return 0
	}
	if soon := now.Add(quiet); retry.Before(soon) {
		*retry = soon
	}
	*retry = retry.Add(spacing)
	return retry.Sub(now)
}
