// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// heapHeadroom is by how much the heap grows from one collection to the next. A share of what is live, as Go counts
	// by itself, is too little for a few files, whose callbacks would be spent collecting, and far too much for many.
	heapHeadroom = 24 << 20
	// maxGCPercent bounds it while hardly anything is live.
	maxGCPercent = 400
	// minGCPercent keeps collections rare enough when a great many files are live.
	minGCPercent = 15
)

// keepHeadroom sets the collector's goal anew after each collection.
func keepHeadroom() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := uint64(maxGCPercent)
	if bytes := live[0].Value.Uint64(); bytes > 0 {
		percent = min(max(100*heapHeadroom/bytes, minGCPercent), maxGCPercent)
	}
	debug.SetGCPercent(int(percent))
	// The next collection finds this unreachable, which is how Go tells of a collection.
	runtime.AddCleanup(new([64]byte), func(struct{}) { keepHeadroom() }, struct{}{})
}
