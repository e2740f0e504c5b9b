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
	// replayWindow is how long a delivery is remembered: as long as Enforce takes a timestamp by default.
	replayWindow = 15 * time.Minute
	// maxDeliveries is how many deliveries are remembered, each in some 270 bytes, so 9 MiB at most: those of 15 minutes
	// at 36 a second. The oldest is forgotten first.
	maxDeliveries = 32 << 10
)

// delivery names one: a signature that was sent to a source. A source that is made anew under the same name is another
// one.
type delivery struct {
	source    types.UID
	signature [sha256.Size]byte
}

func deliveryOf(source *v1alpha1.RecordingSource, proof sparkrtc.Proof) delivery {
	signature, _ := proof.MAC() // it was verified, so it is well-formed
	return delivery{source: source.UID, signature: signature}
}

// fate is what became of a delivery.
type fate int

const (
	// unknown says that the delivery is new, or was not made safe.
	unknown fate = iota
	// refused says that the delivery was refused and its refusal told: doing so again would only be noise.
	refused
	// kept says that the delivery was answered with 200.
	kept
)

// deliveries is what this replica remembers, so that a delivery that is sent again costs nothing and changes nothing.
// Nothing depends on it but that: what it has forgotten, or another replica took, ingest finds to be a duplicate.
type deliveries struct {
	clock clock.PassiveClock
	known *lru.Cache[delivery, remembered]
}

type remembered struct {
	fate fate
	at   time.Time
}

func newDeliveries(clk clock.PassiveClock) *deliveries {
	return &deliveries{clock: clk, known: bounded[delivery, remembered](maxDeliveries)}
}

// fateOf looks a delivery up. Looking does not keep it any longer.
func (d *deliveries) fateOf(name delivery) fate {
	known, ok := d.known.Peek(name)
	if !ok || d.clock.Since(known.at) >= replayWindow {
		return unknown
	}
	return known.fate
}

// remember is called once the delivery is safe, or its refusal told; never before, because its sender may send it again
// until then.
func (d *deliveries) remember(name delivery, fate fate) {
	d.known.Add(name, remembered{fate: fate, at: d.clock.Now()})
}
