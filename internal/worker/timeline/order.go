// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"math"
	"slices"
	"sort"

	"sparkrtc.dev/recording-operator/internal/media"
)

// isExpected says that a part lies behind the run and begins where the playlist says, whatever the segment before it
// holds.
func (b *builder) isExpected(now *run, each *part) bool {
	at, tolerance, known := b.expected(now, each)
	least, _ := b.deltas(now, each)
	return known && least >= -minStep && distance(each.early, at) <= tolerance
}

// goesOn says that a part goes on with the run's clock: no stream goes back, and one begins in time.
func (b *builder) goesOn(now *run, each *part) bool {
	least, _ := b.deltas(now, each)
	slow := int64(0) // how long the run's last packet lasts beyond what deltas count
	for _, kind := range kinds {
		if last := now.last[kind]; last != nil && len(each.Slices(kind)) > 0 {
			slow = max(slow, last.lastInterval-minStep)
		}
	}
	return least >= -minStep && least <= maxMiss+slow
}

// partAfter is the part behind one that is no copy; nil: there is none, or the playlist announces another clock before it.
func (b *builder) partAfter(index int) *part {
	for _, after := range b.parts[index+1:] {
		switch {
		case b.segments[after.Segment].Discontinuity:
			return nil
		case after.dropped == "":
			return after
		}
	}
	return nil
}

// goesOnAfter says that the run's clock goes on behind a part as if the part's time had passed: what follows begins
// where the playlist says, counted from before the part, or misses that by less than the tolerance.
func (b *builder) goesOnAfter(now *run, each *part, index int, tolerance int64) bool {
	duration := b.segments[each.Segment].Duration
	after := b.partAfter(index)
	if duration == 0 || after == nil || after.Segment == each.Segment {
		return false
	}
	b.unwrap(now, after)
	least, _ := b.deltas(now, after)
	at, miss, known := b.expected(now, after)
	return distance(least, duration) <= tolerance || known && distance(after.early, at) <= min(miss, tolerance)
}

// clockDistance is from one time of a part's clock to another, which may have wrapped.
func (b *builder) clockDistance(from, to int64, each *part) int64 {
	if !b.wraps(each) {
		return to - from
	}
	return to - from - int64(math.Round(float64(to-from)/wrap))*wrap
}

// judgeForeign finds a segment of another recording: its clock is another one, before and behind it.
func (b *builder) judgeForeign(now *run, each *part, index int, least, most int64) bool {
	duration := b.segments[each.Segment].Duration
	if most >= -minStep && least <= max(maxJoin, duration/2) {
		return false
	}
	if b.isExpected(now, each) || b.goesOn(now, each) || b.fitsInFront(now, each, index) {
		return false // the end of the segment before is lost, or the last picture of before was shown for long, or two were exchanged
	}
	// What follows must be nearer to the run's clock than to the part's.
	if !b.goesOnAfter(now, each, index, min(maxMiss, max(least, -most)/3)) {
		return false
	}
	if after := b.partAfter(index); each.early > now.shown && (each.lastShown()-after.early <= minStep || goesInto(each, after)) {
		return false // it lies where it belongs, and its beginning is lost
	}
	each.dropped = SegmentForeign
	b.later(each, SegmentForeign, 0, duration, "its clock is that of another recording: it is off by %s, and the clock goes on behind it",
		position(max(least, -most)))
	return true
}

// judgeExcursion finds the rest of a segment whose clock goes back, or leaps, while the next segment begins as if it had not: its bytes
// are those of another one.
func (b *builder) judgeExcursion(now *run, each *part, index int) bool {
	own, before, after := b.segments[each.Segment], now.newest, b.partAfter(index)
	if !own.isListed() || before == nil || before.Segment != each.Segment || !before.first {
		return false
	}
	if after == nil || after.Segment != each.Segment+1 || !after.first || goesInto(each, after) {
		return false
	}
	if !slices.ContainsFunc(kinds[:], func(kind media.Kind) bool {
		from, _, begins := before.ends(kind)
		to, _, goesOn := after.ends(kind)
		return begins && goesOn && distance(b.clockDistance(from.firstDTS, to.firstDTS, after), own.Duration) <= minHole+own.Precision
	}) {
		return false
	}
	each.dropped = SegmentForeign
	b.later(each, SegmentForeign, 0, 0, "the clock goes back, or leaps, within the segment, and the next one goes on as if it had not: the rest of the segment is another one's")
	return true
}

// judgeLeapBefore finds a segment whose clock leaps, so that it holds more than the playlist says, before one whose clock goes back to just
// where the playlist has it begin: the end of the former is another segment's.
func (b *builder) judgeLeapBefore(now *run, each *part) bool {
	at, tolerance, known := b.expected(now, each)
	if !known || tolerance > minHole+exactly || now.late-at <= maxJoin {
		return false
	}
	begins := false
	for _, kind := range kinds {
		if _, last, ok := now.newest.ends(kind); ok && last.longest <= max(minHole, 2*last.interval) {
			return false
		}
		first, _, ok := each.ends(kind)
		begins = begins || ok && distance(first.begin, at) <= tolerance
	}
	if begins {
		b.later(now.newest, SegmentForeign, at, now.late-at, "its clock leaps, and the next segment begins where the playlist says: the end of the segment belongs to another one")
	}
	return begins
}

// fitsInFront says that a part ends where the run begins, and that the run's clock goes on behind the part. Behind the
// last one, and before another clock, nothing does.
func (b *builder) fitsInFront(now *run, each *part, index int) bool {
	first := b.segments[now.parts[0].Segment] // its line is that of the part, when the two were exchanged
	named := each.early + first.Duration
	named = min(distance(named, now.early), distance(named, now.parts[0].opens()))
	miss := min(distance(each.late, now.early), distance(each.lastShown(), now.early), named, seam(each, now.parts[0]))
	after := b.partAfter(index)
	if after == nil {
		return miss <= together || named <= together+first.Precision && (b.countersLeadTo(now, each) || keyLeadsTo(each, now.parts[0]))
	}
	b.unwrap(now, after)
	least, _ := b.deltas(now, after)
	own := b.segments[each.Segment] // its line says how long the run's first segment is, when the two were exchanged
	return miss <= maxMiss &&
		(distance(least, 0) <= maxMiss || distance(after.early, now.early+own.Duration) <= minHole+own.Precision)
}

// goesInto says that a stream of one part goes on in another where it ends.
func goesInto(x, y *part) bool {
	return slices.ContainsFunc(kinds[:], func(kind media.Kind) bool {
		_, last, ends := x.ends(kind)
		first, _, begins := y.ends(kind)
		return ends && begins && distance(last.next(), first.firstDTS) <= minStep
	})
}

// seam is how far the streams of one part end from where those of another begin: the greatest distance of both kinds, which
// end at different times where one of them stops. Without one of the kinds it is not known, and math.MaxInt64.
func seam(x, y *part) int64 {
	apart := int64(0)
	for _, kind := range kinds {
		_, last, ends := x.ends(kind)
		first, _, begins := y.ends(kind)
		if !ends || !begins {
			return math.MaxInt64
		}
		apart = max(apart, distance(last.next(), first.firstDTS))
	}
	return apart
}

// countersLeadTo says that the continuity counters of a part go on where the run begins, and not where the run ends.
func (b *builder) countersLeadTo(now *run, each *part) bool {
	front, behind := b.countersFrom(each, now.parts[0]), b.countersFrom(now.newest, each)
	return front.goOn > 0 && front.breaks == 0 && behind.breaks > 0
}

// keyLeadsTo says that a part begins with a key frame, and another one, with which a clock is said to begin, does not.
func keyLeadsTo(each, fresh *part) bool {
	first, _, ok := each.ends(media.Video)
	other, _, both := fresh.ends(media.Video)
	return ok && both && first.key && !other.key
}

// fits says that a part lies in a hole that the run has left. The holes are in the order of time.
func (r *run) fits(each *part) bool {
	begin := each.early // of the kind that begins last: pictures may be decoded long before they are shown
	for _, kind := range kinds {
		if first, _, ok := each.ends(kind); ok {
			begin = max(begin, first.begin)
		}
	}
	behind := sort.Search(len(r.holes), func(i int) bool { return r.holes[i].from-minStep > begin })
	return slices.ContainsFunc(r.holes[max(0, behind-2):behind], func(room room) bool { return room.holds(each) })
}

// holds says for each kind that a part begins behind what is before the hole, and ends before what is behind it. Nobody
// knows how long the last picture is shown.
func (r *room) holds(each *part) bool {
	for _, kind := range kinds {
		first, last, ok := each.ends(kind)
		if !ok {
			continue
		}
		from, to := r.from, r.to
		if _, end, ok := r.before.ends(kind); ok {
			from = end.greatest
		}
		if begin, _, ok := r.behind.ends(kind); ok {
			to = begin.begin
		}
		if first.begin < from-minStep || last.greatest > to+minStep {
			return false
		}
	}
	return true
}

// judgeOrder finds a segment that belongs before others that the playlist names first: into a hole that was left, or
// before the first one when the run's clock goes on behind it.
func (b *builder) judgeOrder(now *run, each *part, index int) bool {
	fits := now.fits(each) || b.fitsInFront(now, each, index)
	if !fits {
		return false
	}
	each.misplaced = true
	b.later(each, OutOfOrder, each.early, each.late-each.early, "it belongs before segments that the playlist names first")
	return true
}
