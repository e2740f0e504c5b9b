// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"crypto/sha256"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// replayWindow is how long a delivery is remembered: as long as Enforce accepts a timestamp by default.
	replayWindow = DefaultTolerance
	// maxDeliveries is how many deliveries are remembered, each in some 270 bytes, so 9 MiB at most: those of 15 minutes
	// at 36 a second. The oldest is forgotten first.
	maxDeliveries = 32 << 10
)

// deliveryKey identifies a delivery: a signature that was sent to a source. A source that is created again under the same
// name is another one.
type deliveryKey struct {
	source    types.UID
	signature [sha256.Size]byte
}

func deliveryKeyOf(source *v1alpha1.RecordingSource, proof sparkrtc.Proof) deliveryKey {
	signature, _ := proof.MAC() // it was verified, so it is well-formed
	return deliveryKey{source: source.UID, signature: signature}
}

// deliveryResult is the result of an earlier copy of a delivery.
type deliveryResult int

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
	clock   clock.PassiveClock
	results *lru.Cache[deliveryKey, cachedResult]
}

type cachedResult struct {
	result deliveryResult
	at     time.Time
}

func newReplayCache(clk clock.PassiveClock) *replayCache {
	return &replayCache{clock: clk, results: bounded[deliveryKey, cachedResult](maxDeliveries)}
}

// Get returns the result of a delivery. Reading does not keep it any longer.
func (c *replayCache) Get(key deliveryKey) deliveryResult {
	cached, ok := c.results.Peek(key)
	if !ok || c.clock.Since(cached.at) >= replayWindow {
		return unknown
	}
	return cached.result
}

// Put is called once the delivery is stored, or its rejection reported; never before, because its sender may send it again
// until then.
func (c *replayCache) Put(key deliveryKey, result deliveryResult) {
	c.results.Add(key, cachedResult{result: result, at: c.clock.Now()})
}
