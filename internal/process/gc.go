// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// heapHeadroom is how much the heap grows between two garbage collections. Go's own rule, a share of the live heap,
	// is too little for a few objects, so that callbacks would pay for collections, and far too much for many. With 10 MiB
	// live, a collection takes some 10 ms of CPU time; under the heaviest load two follow in a second.
	heapHeadroom = 12 << 20
	// maxGCPercent bounds the growth while hardly anything is live.
	maxGCPercent = 400
	// minGCPercent keeps collections rare when a great many objects are live.
	minGCPercent = 15
)

// keepHeadroom sets the garbage collector's target after each collection.
func keepHeadroom() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := uint64(maxGCPercent)
	if bytes := live[0].Value.Uint64(); bytes > 0 {
		percent = min(max(100*heapHeadroom/bytes, minGCPercent), maxGCPercent)
	}
	debug.SetGCPercent(int(percent))
	// The next collection finds this object unreachable and runs the cleanup.
	runtime.AddCleanup(new([64]byte), func(struct{}) { keepHeadroom() }, struct{}{})
}
