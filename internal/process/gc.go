// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// maxGCPercent bounds the growth while hardly anything is live.
	maxGCPercent = 400
	// minGCPercent keeps collections rare when a great many objects are live.
	minGCPercent = 15
)

// keepHeadroom lets the heap grow by headroom, in bytes, between two garbage collections: it sets the collector's target
// after each. Go's own rule, a share of the live heap, is too little for a few objects, so that callbacks would pay for
// collections, and far too much for many.
func keepHeadroom(headroom uint64) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := uint64(maxGCPercent)
	if bytes := live[0].Value.Uint64(); bytes > 0 {
		percent = min(max(100*headroom/bytes, minGCPercent), maxGCPercent)
	}
	debug.SetGCPercent(int(percent))
	// The next collection finds this object unreachable and runs the cleanup.
	runtime.AddCleanup(new([64]byte), keepHeadroom, headroom)
}
