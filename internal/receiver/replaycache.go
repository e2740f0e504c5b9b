// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"crypto/sha256"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// replayWindow is how long a delivery is remembered: as long as Enforce accepts a timestamp by default.
	replayWindow = DefaultTolerance
	// maxDeliveries is how many deliveries are remembered at most, each in some 50 bytes, so 2 MiB: those of 15 minutes
	// at 36 a second. When there are as many, the older half is forgotten.
	maxDeliveries = 32 << 10
)

// deliveryKey identifies a delivery: 128 bits of a hash of its signature and of the source that it was sent to. A source
// that is created again under the same name is another one. Nothing else is kept of a delivery, and no pointer, so that
// the garbage collector need not look at what is remembered.
type deliveryKey [16]byte

func deliveryKeyOf(source *v1alpha1.RecordingSource, proof sparkrtc.Proof) deliveryKey {
	signature, _ := proof.MAC() // it was verified, so it is well-formed
	sum := sha256.Sum256(append(signature[:], source.UID...))
	return deliveryKey(sum[:len(deliveryKey{})])
}

// deliveryResult is the result of an earlier copy of a delivery.
type deliveryResult uint8

const (
	// unknown says that the delivery is new, or was not stored.
	unknown deliveryResult = iota
	// rejected says that the delivery was rejected, and that this was reported.
	rejected
	// accepted says that the delivery was answered with 200.
	accepted
)

// replayCache remembers results, so that a delivery that is sent again costs nothing and changes nothing. Nothing else
// depends on it: what it has forgotten, or another replica received, ingest finds to be a duplicate.
type replayCache struct {
	clock clock.PassiveClock

	mu sync.Mutex
	// recent takes new results. When it is full it becomes the older ones.
	recent, older map[deliveryKey]cachedResult
}

type cachedResult struct {
	// at is when the result was put, in nanoseconds since 1970.
	at     int64
	result deliveryResult
}

func newReplayCache(clk clock.PassiveClock) *replayCache {
	return &replayCache{clock: clk, recent: map[deliveryKey]cachedResult{}}
}

// Get returns the result of a delivery. Reading does not keep it any longer.
func (c *replayCache) Get(key deliveryKey) deliveryResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.recent[key]
	if !ok {
		cached, ok = c.older[key]
	}
	if !ok || c.clock.Since(time.Unix(0, cached.at)) >= replayWindow {
		return unknown
	}
	return cached.result
}

// Put is called once the delivery is stored, or its rejection reported; never before, because its sender may send it again
// until then.
func (c *replayCache) Put(key deliveryKey, result deliveryResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.recent) >= maxDeliveries/2 {
		c.recent, c.older = map[deliveryKey]cachedResult{}, c.recent
	}
	c.recent[key] = cachedResult{result: result, at: c.clock.Now().UnixNano()}
}
