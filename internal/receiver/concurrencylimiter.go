// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"time"

	"k8s.io/utils/clock"
)

// concurrencyLimiter bounds how many callbacks are in one stage at the same time. When no slot is free, callers wait in
// a bounded queue for at most queueTimeout: a callback that is refused may be lost for ever, and bursts pass.
type concurrencyLimiter struct {
	clock        clock.Clock
	slots        chan struct{}
	queue        chan struct{}
	queueTimeout time.Duration
}

func newConcurrencyLimiter(slots, queue int, queueTimeout time.Duration, clk clock.Clock) *concurrencyLimiter {
	return &concurrencyLimiter{clock: clk, slots: make(chan struct{}, slots), queue: make(chan struct{}, queue), queueTimeout: queueTimeout}
}

// acquire reports whether the caller has a slot, which it then has to release. A caller whose canceled channel is closed
// leaves the queue; nil never is.
func (l *concurrencyLimiter) acquire(canceled <-chan struct{}) bool {
	select {
	case l.slots <- struct{}{}:
		return true
	default:
	}
	select {
	case l.queue <- struct{}{}:
		defer func() { <-l.queue }()
	default:
		return false
	}
	timeout := l.clock.NewTimer(l.queueTimeout)
	defer timeout.Stop()
	select {
	case l.slots <- struct{}{}:
		return true
	case <-timeout.C():
		return false
	case <-canceled:
		return false
	}
}

// release frees a slot for the next caller.
func (l *concurrencyLimiter) release() { <-l.slots }
