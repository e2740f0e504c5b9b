/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package door

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
