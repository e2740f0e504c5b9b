// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// judgeTails finds a segment whose last packet is not whole. One that may not be proves nothing alone: one whole packet in 184
// ends so. But where a file is cut, picture and sound stop together, neither goes on at the border, and the same stream comes
// back.
func (b *builder) judgeTails(each *border) bool {
	if !each.x.last {
		return false
	}
	isCut := each.x.endsTogether() && !b.countersGoOnBehind(each.x) && !b.changesLayout(each) && !slices.ContainsFunc(each.stops, func(s stop) bool { return !s.open() })
	for _, stop := range each.stops {
		unstuffed := stop.isUnstuffed() && stop.counters == countersUnknown && stop.same && isCut
		if stop.tail == media.TailUnfinished && !stop.hasRest() || unstuffed {
			b.find(SegmentTruncated, each.x.Segment, each.x.base+stop.end, max(0, stop.gap),
				"its end is lost: the last %s packet is not whole", stop.kind)
			return true
		}
	}
	return b.judgeStopped(each)
}

// changesLayout says that the next segment does not name a kind of stream that the one before has: the recorder began it for that.
func (b *builder) changesLayout(each *border) bool {
	return slices.ContainsFunc(kinds[:], func(kind media.Kind) bool {
		return len(each.x.Slices(kind)) > 0 && !b.names(each.y, kind)
	})
}

// doubtTails finds a segment before a hole whose last packet may not be whole, where nothing else shows a loss.
func (b *builder) doubtTails(each *border) {
	for _, stop := range each.stops {
		if each.x.last && stop.isUnstuffed() {
			b.find(UnknownHole, each.x.Segment, each.x.base+stop.end, stop.gap,
				"no %s packets for %s, and the last one may not be whole; whether something is lost cannot be decided", stop.kind, position(stop.gap))
			return
		}
	}
}

// isUnstuffed says that the last packet before a hole may not be whole.
func (s stop) isUnstuffed() bool {
	return s.tail == media.TailUnstuffed && s.open() && !s.hasRest()
}

// hasRest says that the next segment begins with what may be the rest of the last packet.
func (s stop) hasRest() bool { return s.head > 0 && s.counters != countersBreak }

// judgeStopped finds a kind whose last packet is not whole and that the next segment does not have.
func (b *builder) judgeStopped(each *border) bool {
	for _, kind := range kinds {
		if len(each.x.Slices(kind)) > 0 && len(each.y.Slices(kind)) == 0 && b.endsWithin(each, kind) {
			b.find(SegmentTruncated, each.x.Segment, each.x.base+each.x.late, 0, "its end is lost: the last %s packet is not whole", kind)
			return true
		}
	}
	return false
}

// endsWithin says that a kind that the next segment does not have ends within a packet whose rest is not there.
func (b *builder) endsWithin(each *border, kind media.Kind) bool {
	from := b.streamAt(each.x, kind, true)
	return from.Tail == media.TailUnfinished && !slices.ContainsFunc(b.segments[each.y.Segment].File.Streams, func(s media.Stream) bool {
		return s.ID == from.ID && s.HeadBytes > 0
	})
}
