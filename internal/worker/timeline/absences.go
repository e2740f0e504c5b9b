// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// maxSkew bounds by how much picture and sound of a segment are taken to be apart.
const maxSkew = media.Clock

// judgeAbsences looks at segments that lack a kind of stream which others have.
func (b *builder) judgeAbsences() {
	for _, kind := range kinds {
		b.judgeKind(kind)
	}
	var at int64 // where a segment without a place of its own would be
	for i, segment := range b.segments {
		switch {
		case segment.File == nil:
			b.find(SegmentMissing, i, at, segment.Duration, "%s", cmp.Or(segment.Absence, "the playlist names it, but the file does not exist or is empty"))
		case len(b.partsOf[i]) == 0:
			b.judgeEmpty(i, at)
		}
		for _, each := range b.partsOf[i] {
			at = max(at, each.late+each.base)
		}
	}
}

// judgeEmpty judges a segment without any packets.
func (b *builder) judgeEmpty(segment int, at int64) {
	file := b.segments[segment].File
	if len(file.Damage) > 0 || len(file.Streams) == 0 {
		b.find(Corrupt, segment, at, b.segments[segment].Duration, "no picture and no sound can be read from it")
		return
	}
	if b.breaksOver(segment) {
		b.find(PacketsLost, segment, at, b.segments[segment].Duration,
			"it holds neither picture nor sound, and the continuity counters do not go on over it")
		return
	}
	b.find(UnknownHole, segment, at, b.segments[segment].Duration,
		"it holds neither picture nor sound; whether something is lost cannot be decided")
}

// breaksOver says that the counters of a kind do not go on from the segment before one without packets to the one behind it.
func (b *builder) breaksOver(segment int) bool {
	if segment == 0 || segment+1 == len(b.segments) || len(b.partsOf[segment-1]) == 0 || len(b.partsOf[segment+1]) == 0 {
		return false
	}
	before, after := b.partsOf[segment-1], b.partsOf[segment+1][0]
	last := before[len(before)-1]
	return last.Run == after.Run && slices.ContainsFunc(kinds[:], func(kind media.Kind) bool {
		return b.countersOver(last, after, kind) == countersBreak
	})
}

// judgeKind goes through the stretches of pieces that lack a kind.
func (b *builder) judgeKind(kind media.Kind) {
	seen := false
	for i := 0; i < len(b.pieces); i++ {
		if len(b.pieces[i].Slices(kind)) > 0 {
			seen = true
			continue
		}
		from := i
		for i+1 < len(b.pieces) && len(b.pieces[i+1].Slices(kind)) == 0 {
			i++
		}
		if !seen && i+1 == len(b.pieces) {
			b.judgeUnread(kind)
			return // the recording has no such stream
		}
		b.noteLayout(kind, from, i)
		for from <= i {
			to := from
			for to < i && b.pieces[to+1].Run == b.pieces[from].Run {
				to++
			}
			b.judgeAbsence(kind, from, to)
			from = to + 1
		}
	}
}

// noteLayout notes a stream that the first of the pieces that lack it does not even name: it was not recorded there.
func (b *builder) noteLayout(kind media.Kind, from, to int) {
	first, last := b.pieces[from], b.pieces[to]
	switch {
	case b.names(first, kind):
	case from > 0:
		at := first.early + first.base
		b.find(LayoutChange, first.Segment, at, last.late+last.base-at, "the recording goes on without %s", kind)
	default:
		after := b.pieces[to+1]
		b.find(LayoutChange, after.Segment, after.early+after.base, 0, "%s begins", kind)
	}
}

// judgeUnread finds a stream that has bytes in some segments, and in none of them a single packet, or none that could be read.
func (b *builder) judgeUnread(kind media.Kind) {
	for _, each := range b.pieces {
		if slices.Contains(b.segments[each.Segment].File.Unreadable, kind) {
			b.find(UnknownEncoding, each.Segment, each.early+each.base, 0,
				"the only %s of the recording is in an encoding that is not known, and is not in the result", kind)
			return
		}
		for _, stream := range b.segments[each.Segment].File.Streams {
			if stream.Kind == kind && stream.HeadBytes > 0 {
				b.find(Corrupt, each.Segment, each.early+each.base, 0, "the %s stream (%s) has %d bytes, and none can be read",
					kind, stream.Codec, stream.HeadBytes)
				return
			}
		}
	}
}

// judgeAbsence judges the pieces of one run from one number to another, which all lack a kind. One that they name may have been silent;
// but silence from one border exactly to another is what a lost stream looks like, too.
func (b *builder) judgeAbsence(kind media.Kind, from, to int) {
	first, last := b.pieces[from], b.pieces[to]
	if !b.names(first, kind) {
		return
	}
	before, after := b.pieceBefore(first), b.pieceAfter(last)
	over := b.countersOver(before, after, kind)
	if over == countersBreak {
		at, length := b.absence(before, after, kind)
		b.find(PacketsLost, first.Segment, at, length, "all %s packets are lost for %s: the continuity counters do not go on", kind, position(length))
		return
	}
	if over == countersUnknown && b.mayBeLost(kind, before, after, first, last) {
		at, length := first.early+first.base, last.late+last.base-first.early-first.base
		b.find(UnknownStreamAway, first.Segment, at, length,
			"there are no %s packets for %s, from the segment's beginning to its end; whether they are lost cannot be decided", kind, position(length))
	}
}

// mayBeLost says of a kind that is away from the first to the last of some pieces that it may be lost there: it is away from one border
// exactly to another, and nothing shows that it was not recorded.
func (b *builder) mayBeLost(kind media.Kind, before, after, first, last *part) bool {
	if before.inRunOf(first) == nil && after.inRunOf(last) == nil {
		return first == last && b.mayBeLostAlone(kind, before, after, first)
	}
	before, after = before.inRunOf(first), after.inRunOf(last) // nil where a clock begins or ends
	if b.isJoint(before) || b.isJoint(after) {
		return false
	}
	if (before == nil || after == nil) && first != last || after == nil && b.isBrief(before, last, kind) {
		return false // silent for several segments at the beginning or the end, or for a moment: it is not a segment's loss
	}
	return b.segments[first.Segment].isListed() && b.reachesBorder(before, kind, first.early, true) && b.reachesBorder(after, kind, last.late, false)
}

// mayBeLostAlone says the same of a segment that is alone with its clock: those beside it have the kind up to it.
func (b *builder) mayBeLostAlone(kind media.Kind, before, after, alone *part) bool {
	if before == nil && after == nil || b.isJoint(before) || b.isJoint(after) {
		return false
	}
	begins, ends := alone.early, alone.late
	if before != nil {
		begins = before.late
	}
	if after != nil {
		ends = after.early
	}
	return b.segments[alone.Segment].isListed() && b.reachesBorder(before, kind, begins, true) && b.reachesBorder(after, kind, ends, false)
}

// inRunOf is the part itself if it has the clock of another one, and nil if not.
func (p *part) inRunOf(other *part) *part {
	if p == nil || p.Run != other.Run {
		return nil
	}
	return p
}

// isJoint says that the movie fragments of a piece's file hold several streams. Those without one of them were written so.
func (b *builder) isJoint(each *part) bool {
	return each != nil && b.segments[each.Segment].File.Joint
}

// absence is the stretch between two pieces in which packets of a kind are lost, somewhere.
func (b *builder) absence(before, after *part, kind media.Kind) (at, length int64) {
	_, from, _ := before.ends(kind)
	to, _, _ := after.ends(kind)
	at = from.end + before.base
	return at, max(0, to.begin+after.base-at)
}

// isBrief says that a kind stops so shortly before the end of the last piece that there may be no packet to come.
func (b *builder) isBrief(before, last *part, kind media.Kind) bool {
	_, from, _ := before.ends(kind)
	return last.late-from.next() <= max(minHole, from.interval*18/10)
}

// names says that a segment names a stream of the kind although it has no packets.
func (b *builder) names(each *part, kind media.Kind) bool {
	for _, stream := range b.segments[each.Segment].File.Streams {
		if stream.Kind == kind {
			return true
		}
	}
	return false
}

// reachesBorder says that a kind goes up to a border. Beyond the beginning and end of a clock, it does.
func (b *builder) reachesBorder(neighbor *part, kind media.Kind, at int64, before bool) bool {
	if neighbor == nil {
		return true
	}
	first, last, ok := neighbor.ends(kind)
	if before {
		return ok && distance(last.next(), at) <= max(together, 2*last.interval, b.skew)
	}
	return ok && distance(first.firstDTS, at) <= max(together, 2*first.interval, b.skew)
}

// skewOf borders is by how much picture and sound may begin apart from one another where both go on from one segment to the next: twice
// what is seen, since they differ from segment to segment.
func skewOf(borders []border) (skew int64) {
	for _, each := range borders {
		if len(each.stops) == len(kinds) && !each.stops[0].open() && !each.stops[1].open() {
			skew = max(skew, 2*distance(each.stops[0].begin, each.stops[1].begin))
		}
	}
	return min(skew, maxSkew)
}
