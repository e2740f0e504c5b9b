// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net/netip"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
)

const (
	// failureRate and failureBurst are how many callbacks an address may fail to prove per second, and at once: more
	// than a person who tries out a key, or the probes of a load balancer.
	failureRate  = 10
	failureBurst = 50
	// maxAddresses is how many addresses that failed are remembered, some 4 MiB; an address that failed longest ago is
	// forgotten first.
	maxAddresses = 16 << 10
)

// strangers keeps those who prove nothing from crowding out the others. A genuine callback may come from the address of
// an attacker, behind one ingress or NAT, and one that is refused may be lost for ever: so an address that has used up
// its failures, or that sends many bodies at one time, is not refused, but has to share a few slots with its like.
type strangers struct {
	clock    clock.PassiveClock
	failures *lru.Cache[netip.Addr, *rate.Limiter]
	// most is how many bodies of one address may be under way before it is suspect.
	most    int
	mu      sync.Mutex
	reading map[netip.Addr]int
}

func newStrangers(most int, clk clock.PassiveClock) *strangers {
	return &strangers{clock: clk, most: most, failures: bounded[netip.Addr, *rate.Limiter](maxAddresses), reading: map[netip.Addr]int{}}
}

// enter counts a body that an address begins to send, and says whether the address is suspect. Whoever entered has to
// leave.
func (s *strangers) enter(address netip.Addr) (suspect bool) {
	s.mu.Lock()
	s.reading[address]++
	many := s.reading[address] > s.most
	s.mu.Unlock()
	if many {
		return true
	}
	failures, failed := s.failures.Get(address)
	return failed && failures.TokensAt(s.clock.Now()) < 1
}

// leave says that the body has come, or never will.
func (s *strangers) leave(address netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading[address]--; s.reading[address] == 0 {
		delete(s.reading, address)
	}
}

// fail counts a callback that was not proven.
func (s *strangers) fail(address netip.Addr) {
	failures, ok := s.failures.Get(address)
	if !ok {
		failures = rate.NewLimiter(failureRate, failureBurst)
		s.failures.Add(address, failures)
	}
	failures.AllowN(s.clock.Now(), 1)
}
