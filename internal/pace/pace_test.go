// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
)

// paced is a Pacer whose clock the test moves.
type paced struct {
	*Pacer
	clock *clocktesting.FakeClock
}

func makePaced() paced {
	clk := clocktesting.NewFakeClock(time.Date(2026, 4, 28, 9, 0, 0, 0, time.UTC))
	return paced{Pacer: New(clk), clock: clk}
}

// callbacks come one after the other, each begun when the one before is answered and some time has passed.
func (p paced) callbacks(n int, took, gap time.Duration) {
	for range n {
		p.clock.Step(took + gap)
		p.Written(took)
	}
}

func expectWait(t *testing.T, what string, got, from, to time.Duration) {
	t.Helper()
	if got < from || got > to {
		t.Errorf("%s: a write waits %v, want %v to %v", what, got, from, to)
	}
}

// second is how long the second of two writes waits for the first.
func (p paced) second() time.Duration {
	p.reserve()
	wait := p.reserve()
	p.clock.Step(wait)
	return wait
}

func TestWritesGiveWay(t *testing.T) {
	p := makePaced()
	expectWait(t, "nobody calls", p.second(), 0, 0)
	p.callbacks(200, 5*time.Millisecond, 0)
	expectWait(t, "callbacks are as fast as ever", p.second(), 0, 0)
	p.callbacks(200, 6*time.Millisecond, 0)
	expectWait(t, "callbacks differ a little", p.second(), 0, 0)
	p.callbacks(200, 50*time.Millisecond, 0)
	expectWait(t, "callbacks are held up", p.second(), longest, longest)
	p.clock.Step(quiet*50*time.Millisecond + time.Millisecond)
	expectWait(t, "the burst is over", p.second(), 0, 0)
	p.callbacks(20, 10*time.Millisecond, time.Second)
	expectWait(t, "callbacks are few", p.second(), 0, 20*time.Millisecond)
}

// A flood that does not end takes the controllers at most the credit and a tenth of the time.
func TestAFloodHoldsNothingUpForEver(t *testing.T) {
	p := makePaced()
	p.callbacks(1, time.Millisecond, 0)
	began, waited := p.clock.Now(), time.Duration(0)
	for p.clock.Since(began) < time.Hour {
		p.callbacks(10, 50*time.Millisecond, 0)
		waited += p.second()
	}
	if most := credit + p.clock.Since(began)/10 + longest; waited > most || waited < credit {
		t.Errorf("writes waited %v of an hour, want %v to %v", waited, credit, most)
	}
}

func TestLimiter(t *testing.T) {
	p := makePaced()
	asked := p.Config(&rest.Config{}).RateLimiter
	p.callbacks(1, time.Millisecond, 0)
	p.callbacks(100, 50*time.Millisecond, 0)
	if !asked.TryAccept() || asked.TryAccept() {
		t.Error("the first may begin, the second not")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := asked.Wait(ctx); err == nil {
		t.Error("waited although the context has ended")
	}
	done := make(chan error, 1)
	go func() { done <- asked.Wait(t.Context()) }()
	for !p.clock.HasWaiters() {
		select {
		case err := <-done:
			t.Fatalf("did not wait: %v", err)
		default:
		}
	}
	p.clock.Step(3 * longest)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
