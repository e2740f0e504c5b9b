// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import "sync/atomic"

// Stats is what the spool holds, and what went through it since it was opened.
type Stats struct {
	// Events wait for the API server, in Segments of 4 MiB with Bytes of them in use.
	Events, Segments int
	Bytes            int64
	// Appended, Drained and Rejected count events: those that went to disk, and what became of them.
	Appended, Drained, Rejected uint64
	// Corrupt counts records that could not be read.
	Corrupt uint64
	// BreakerOpen says that the API server is away.
	BreakerOpen bool
}

// counters only grow.
type counters struct {
	appended, drained, rejected, corrupt atomic.Uint64
}

// Stats is a snapshot.
func (s *Spool) Stats() Stats {
	stats := Stats{
		Appended: s.counters.appended.Load(), Drained: s.counters.drained.Load(), Rejected: s.counters.rejected.Load(),
		Corrupt: s.counters.corrupt.Load(), BreakerOpen: s.breaker.isOpen(),
	}
	if s.segments == nil {
		return stats
	}
	for {
		handled := s.handled.Load()
		held := s.segments.Stats()
		if s.handled.Load() == handled { // both are of one moment
			stats.Segments, stats.Bytes, stats.Events = held.Segments, held.Bytes, max(0, held.Records-int(handled))
			return stats
		}
	}
}
