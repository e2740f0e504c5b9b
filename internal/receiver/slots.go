// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"time"

	"k8s.io/utils/clock"
)

// slots are for callbacks that are read and handled at one time. Whoever comes when all are taken waits for a turn,
// for a bounded time and with a bounded number of others: one that is refused may be lost for ever, and bursts pass.
type slots struct {
	clock    clock.Clock
	taken    chan struct{}
	queue    chan struct{}
	patience time.Duration
}

func newSlots(number, queue int, patience time.Duration, clk clock.Clock) *slots {
	return &slots{clock: clk, taken: make(chan struct{}, number), queue: make(chan struct{}, queue), patience: patience}
}

// take says whether there is a slot for the caller, who then has to free it. Who is gone does not wait; nil is for who
// stays.
func (s *slots) take(gone <-chan struct{}) bool {
	select {
	case s.taken <- struct{}{}:
		return true
	default:
	}
	select {
	case s.queue <- struct{}{}:
		defer func() { <-s.queue }()
	default:
		return false
	}
	end := s.clock.NewTimer(s.patience)
	defer end.Stop()
	select {
	case s.taken <- struct{}{}:
		return true
	case <-end.C():
		return false
	case <-gone:
		return false
	}
}

// free gives a slot to the next.
func (s *slots) free() { <-s.taken }
