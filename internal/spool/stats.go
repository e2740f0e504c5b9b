// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import "sync/atomic"

// Stats is what the spool holds, and what went through it since it was opened.
type Stats struct {
	// Events and Bytes wait for the API server.
	Events int
	Bytes  uint64
	// Appended, Drained count events.
	Appended, Drained uint64
	// Letters are kept now; Invalid, Undecodable and Expired count those that were made, by cause, and Dropped those that
	// had to go for newer ones.
	Letters                       uint64
	Invalid, Undecodable, Expired uint64
	Dropped                       uint64
	// Corrupt counts records that could not be read.
	Corrupt uint64
	// BreakerOpen says that the API server is away.
	BreakerOpen bool
}

// counters only grow.
type counters struct {
	appended, drained, dropped, corrupt atomic.Uint64
	invalid, undecodable, expired       atomic.Uint64
}

func (c *counters) buried(cause Cause) {
	switch cause {
	case Invalid:
		c.invalid.Add(1)
	case Undecodable:
		c.undecodable.Add(1)
	case Expired:
		c.expired.Add(1)
	}
}

// Stats is a snapshot.
func (s *Spool) Stats() Stats {
	stats := Stats{
		Events: s.queue.len(), Appended: s.counters.appended.Load(), Drained: s.counters.drained.Load(),
		Invalid: s.counters.invalid.Load(), Undecodable: s.counters.undecodable.Load(), Expired: s.counters.expired.Load(),
		Dropped: s.counters.dropped.Load(), Corrupt: s.counters.corrupt.Load(), BreakerOpen: s.breaker.isOpen(),
	}
	if s.store != nil {
		held := s.store.tallies()
		stats.Bytes, stats.Letters = held.Events.Bytes, held.Letters.Count
	}
	return stats
}
