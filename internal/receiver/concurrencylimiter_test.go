// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/internal/spool"
)

// queued starts a caller and waits until it stands in the queue.
func queued(t *testing.T, s *concurrencyLimiter) <-chan bool {
	t.Helper()
	taken, before := make(chan bool, 1), len(s.queue)
	go func() { taken <- s.acquire(nil) }()
	waitFor(t, "the caller to queue", func() bool { return len(s.queue) > before })
	return taken
}

// A burst waits for its turn, as many as there is room for.
func TestConcurrencyLimiter_QueuesABurst(t *testing.T) {
	s := newConcurrencyLimiter(1, 2, time.Second, clocktesting.NewFakeClock(testNow))
	if !s.acquire(nil) {
		t.Fatal("no slot, though none is taken")
	}
	first, second := queued(t, s), queued(t, s)
	if s.acquire(nil) {
		t.Error("a slot beyond the queue")
	}
	for _, caller := range []<-chan bool{first, second} {
		s.release()
		if !<-caller {
			t.Error("a queued caller is refused, though a slot was freed")
		}
	}
	s.release()
	if len(s.slots) != 0 || len(s.queue) != 0 {
		t.Errorf("%d slots and %d places in the queue are never given back", len(s.slots), len(s.queue))
	}
}

// Nobody waits for longer than the timeout.
func TestConcurrencyLimiter_RefusesAfterQueueTimeout(t *testing.T) {
	clk := clocktesting.NewFakeClock(testNow)
	s := newConcurrencyLimiter(1, 1, time.Second, clk)
	s.acquire(nil)
	caller := queued(t, s)
	waitFor(t, "the caller's timer", clk.HasWaiters)
	clk.Step(time.Second)
	if <-caller {
		t.Error("two callers have the only slot")
	}
	if len(s.queue) != 0 {
		t.Error("the place in the queue is never given back")
	}
}

// Who is gone leaves its place in the queue to others.
func TestConcurrencyLimiter_CanceledRequestLeavesQueue(t *testing.T) {
	s := newConcurrencyLimiter(1, 1, time.Second, clocktesting.NewFakeClock(testNow))
	gone := make(chan struct{})
	close(gone)
	if !s.acquire(gone) {
		t.Error("a free slot is not taken")
	}
	if s.acquire(gone) || len(s.queue) != 0 {
		t.Error("it waits for a slot")
	}
}

// When an outage begins, those who wait behind the first outlast the time that the API server is given: they find a slot
// when the first are synced to disk. Their bodies have their time, too.
func TestLimits_QueueOutlastsTheFirstOfAnOutage(t *testing.T) {
	limits := Limits{}.withDefaults()
	if limits.QueueTimeout < spool.DefaultDirectTimeout+time.Second || limits.ReadTimeout < limits.QueueTimeout+2*time.Second {
		t.Errorf("a callback waits %s for a slot, of %s for its body, while the first wait %s for the API server",
			limits.QueueTimeout, limits.ReadTimeout, spool.DefaultDirectTimeout)
	}
}
