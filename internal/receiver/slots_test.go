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
func queued(t *testing.T, s *slots) <-chan bool {
	t.Helper()
	taken, before := make(chan bool, 1), len(s.queue)
	go func() { taken <- s.take(nil) }()
	waitFor(t, "the caller to queue", func() bool { return len(s.queue) > before })
	return taken
}

// A burst waits for its turn, as many as there is room for.
func TestABurstQueues(t *testing.T) {
	s := newSlots(1, 2, time.Second, clocktesting.NewFakeClock(testNow))
	if !s.take(nil) {
		t.Fatal("no slot, though none is taken")
	}
	first, second := queued(t, s), queued(t, s)
	if s.take(nil) {
		t.Error("a slot beyond the queue")
	}
	for _, caller := range []<-chan bool{first, second} {
		s.free()
		if !<-caller {
			t.Error("a queued caller is refused, though a slot was freed")
		}
	}
	s.free()
	if len(s.taken) != 0 || len(s.queue) != 0 {
		t.Errorf("%d slots and %d places in the queue are never given back", len(s.taken), len(s.queue))
	}
}

// Nobody waits for longer than the timeout.
func TestAQueuedCallerIsRefusedInTime(t *testing.T) {
	clk := clocktesting.NewFakeClock(testNow)
	s := newSlots(1, 1, time.Second, clk)
	s.take(nil)
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
func TestWhoIsGoneDoesNotWait(t *testing.T) {
	s := newSlots(1, 1, time.Second, clocktesting.NewFakeClock(testNow))
	gone := make(chan struct{})
	close(gone)
	if !s.take(gone) {
		t.Error("a free slot is not taken")
	}
	if s.take(gone) || len(s.queue) != 0 {
		t.Error("it waits for a slot")
	}
}

// When an outage begins, those who wait behind the first outlast the time that the API server is given: they find a slot
// when the first are synced to disk. Their bodies have their time, too.
func TestTheQueueOutlastsTheFirstOfAnOutage(t *testing.T) {
	limits := Limits{}.withDefaults()
	if limits.QueueTimeout < spool.DefaultDirectTimeout+time.Second || limits.ReadTimeout < limits.QueueTimeout+2*time.Second {
		t.Errorf("a callback waits %s for a slot, of %s for its body, while the first wait %s for the API server",
			limits.QueueTimeout, limits.ReadTimeout, spool.DefaultDirectTimeout)
	}
}
