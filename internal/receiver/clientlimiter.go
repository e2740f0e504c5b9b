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
	// failureRate and failureBurst are how many callbacks a client may fail to authenticate a second, and at once: more
	// than a person who tries out a key, or the probes of a load balancer.
	failureRate  = 10
	failureBurst = 50
	// maxClients is how many clients that failed are remembered, some 4 MiB; the one that failed longest ago is forgotten
	// first.
	maxClients = 16 << 10
)

// clientLimiter keeps clients that do not authenticate from crowding out the others. An authentic callback may come from
// the address of an attacker, behind one ingress or NAT, and one that is refused may be lost for ever. So a client that
// has used up its failures, or that sends many bodies at the same time, is not refused but throttled: it shares a few
// slots with the other throttled clients.
type clientLimiter struct {
	clock    clock.PassiveClock
	failures *lru.Cache[netip.Prefix, *rate.Limiter]
	// maxReading is how many bodies of one address may be read at the same time before it is throttled.
	maxReading int
	mu         sync.Mutex
	reading    map[netip.Prefix]int
}

func newClientLimiter(maxReading int, clk clock.PassiveClock) *clientLimiter {
	return &clientLimiter{clock: clk, maxReading: maxReading, failures: bounded[netip.Prefix, *rate.Limiter](maxClients), reading: map[netip.Prefix]int{}}
}

// enter counts a body that a client begins to send, and says whether the client is throttled. It has to leave.
func (l *clientLimiter) enter(client clientKeys) (throttled bool) {
	l.mu.Lock()
	for _, key := range client {
		l.reading[key.prefix]++
		throttled = throttled || l.reading[key.prefix] > l.maxReading*key.share
	}
	l.mu.Unlock()
	for _, key := range client {
		if failures, failed := l.failures.Get(key.prefix); failed && failures.TokensAt(l.clock.Now()) < 1 {
			return true
		}
	}
	return throttled
}

// leave says that the body has come, or never will.
func (l *clientLimiter) leave(client clientKeys) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range client {
		if l.reading[key.prefix]--; l.reading[key.prefix] == 0 {
			delete(l.reading, key.prefix)
		}
	}
}

// fail counts a callback that was not authenticated.
func (l *clientLimiter) fail(client clientKeys) {
	for _, key := range client {
		failures, ok := l.failures.Get(key.prefix)
		if !ok {
			failures = rate.NewLimiter(rate.Limit(failureRate*key.share), failureBurst*key.share)
			l.failures.Add(key.prefix, failures)
		}
		failures.AllowN(l.clock.Now(), 1)
	}
}
