// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"math"
	"slices"
	"sort"

	"sparkrtc.dev/recording-operator/internal/media"
)

// judgeCopy finds a segment whose file is a copy of another one's. Equal bytes alone prove nothing, since a source may
// repeat itself; beside its twin, or where a hole of its length follows, the copy stands in the place of another.
func (b *builder) judgeCopy(now *run, each *part, index int) bool {
	twin := b.twin(index)
	if twin < 0 {
		twin = b.next[index] // 0: none
	}
	odd := b.isOddCopy(each, index)
	if twin <= 0 && b.twin(index) < 0 {
		return false
	}
	if (b.goesOn(now, each) || b.isExpected(now, each)) && (!odd || !b.follows(twin)) {
		return false // with the run's own clock
	}
	odd = odd || b.isCopyBeside(each, index) || b.isLoneCopy(now, each, index)
	if !odd && !b.goesOnAfter(now, each, index, maxMiss) && !b.returnsAfter(now, each, index) {
		return false
	}
	each.dropped = SegmentDuplicated
	b.later(each, SegmentDuplicated, 0, 0, "its file is a copy of segment %d, so what belongs here is lost or there is one file too many",
		b.parts[twin].Segment)
	return true
}

// isLoneCopy says that a part has the bytes of another one, and that nothing follows it with its clock. A source that
// repeats itself begins with what it began with before, which lasts as long, and goes back.
func (b *builder) isLoneCopy(now *run, each *part, index int) bool {
	if index+1 < len(b.parts) && !b.segments[b.parts[index+1].Segment].Discontinuity {
		return false
	}
	if twin := b.twin(index); twin >= 0 {
		least, _ := b.deltas(now, each)
		return !b.parts[twin].fresh || least > maxMiss || !b.isChain(twin, index) || b.fitsDuration(twin) && !b.fitsDuration(index)
	}
	later := b.next[index] // 0: none
	return later > 0 && b.follows(later)
}

// judgeLoneTwins finds segments with the bytes of another one, which both may be where they belong: both begin a clock of
// their own. What lies beside them is not equal, so that the source does not repeat itself.
func (b *builder) judgeLoneTwins() {
	for index, each := range b.parts {
		twin := b.twin(index)
		if twin < 0 || each.dropped != "" || b.parts[twin].dropped != "" {
			continue
		}
		if !b.repeats(twin, index) && (twin == 0 || b.twin(index-1) != twin-1) {
			b.find(UnknownHole, each.Segment, each.early+each.base, 0,
				"its file is a copy of segment %d, and both begin a clock; whether one of them is another's cannot be decided", b.parts[twin].Segment)
		}
	}
}

// isChain says that the parts before two equal ones, or those behind them, are equal too, or begin with them.
func (b *builder) isChain(twin, index int) bool {
	return b.repeats(twin, index) || twin > 0 && b.twin(index-1) == twin-1 || twin == 0
}

// isCopyBeside says that a part has the bytes of the one before it, and that the source does not repeat itself.
func (b *builder) isCopyBeside(each *part, index int) bool {
	return index > 0 && each.first && b.twin(index) == index-1 && !b.repeats(index-1, index)
}

// isOddCopy says that a part has the bytes of another one and does not last as long as the playlist says, which the
// other one does better, so that the playlist means another file.
func (b *builder) isOddCopy(each *part, index int) bool {
	twin := b.twin(index)
	if twin < 0 {
		twin = b.next[index] // 0: none
	}
	own := b.segments[each.Segment]
	if twin <= 0 && b.twin(index) < 0 || !own.isListed() || twin == index+1 || b.parts[twin].dropped != "" {
		return false // of two neighbors, the second one is the copy; and one of both stays
	}
	tolerance := minHole + max(own.Precision, b.segments[b.parts[twin].Segment].Precision)
	miss := b.missesDuration(index)
	return miss > minHole+own.Precision && miss > b.missesDuration(twin)+tolerance
}

// missesDuration is by how much a part misses the duration that the playlist gives its segment: by what it holds, or by
// where the next one begins.
func (b *builder) missesDuration(index int) int64 {
	each := b.parts[index]
	duration := b.segments[each.Segment].Duration
	miss := distance(duration, each.late-each.opens())
	if index+1 < len(b.parts) && !b.segments[b.parts[index+1].Segment].Discontinuity {
		miss = min(miss, distance(duration, b.toNext(index)))
	}
	return miss
}

// fitsDuration says that a part lasts as long as the playlist says, up to what that is rounded to.
func (b *builder) fitsDuration(index int) bool {
	return b.missesDuration(index) <= minHole+b.segments[b.parts[index].Segment].Precision
}

// toNext is from where a part begins to where the next one does.
func (b *builder) toNext(index int) int64 {
	return b.clockDistance(b.parts[index].opens(), b.parts[index+1].opens(), b.parts[index])
}

// clockDistance is from one time of a part's clock to another, which may have wrapped.
func (b *builder) clockDistance(from, to int64, each *part) int64 {
	if !b.wraps(each) {
		return to - from
	}
	return to - from - int64(math.Round(float64(to-from)/wrap))*wrap
}

// isExpected says that a part lies behind the run and begins where the playlist says, whatever the segment before it
// holds.
func (b *builder) isExpected(now *run, each *part) bool {
	at, tolerance, known := b.expected(now, each)
	least, _ := b.deltas(now, each)
	return known && least >= -minStep && distance(each.early, at) <= tolerance
}

// follows says that a part may belong where it is: the one before it ends there, or lasts up to there by the playlist, or
// the playlist announces another clock.
func (b *builder) follows(index int) bool {
	if index == 0 || b.segments[b.parts[index].Segment].Discontinuity {
		return true
	}
	before := b.parts[index-1]
	late := b.clockDistance(before.late, b.parts[index].opens(), b.parts[index])
	own := b.segments[before.Segment]
	named := own.isListed() && before.first && distance(b.toNext(index-1), own.Duration) <= minHole+own.Precision
	return late >= -minStep && (late <= maxMiss || named)
}

// returnsAfter says that what follows a part goes on behind the run, and not behind the part, whose clock is back.
func (b *builder) returnsAfter(now *run, each *part, index int) bool {
	if index+1 >= len(b.parts) {
		return false
	}
	after := b.parts[index+1]
	if after.Segment == each.Segment || b.segments[after.Segment].Discontinuity {
		return false
	}
	b.unwrap(now, after)
	least, _ := b.deltas(now, after)
	return least >= -minStep && (least < after.early-each.late || after.early < each.early)
}

// isMisplacedCopy says that the only part of a run has the bytes of another segment, and that the next part does not go
// on with its clock.
func (b *builder) isMisplacedCopy(now *run, each *part, index int) bool {
	only := now.parts[0]
	if only.dropped != "" || each.Segment == only.Segment {
		return false
	}
	if b.segments[each.Segment].Discontinuity {
		return b.isOddCopy(only, index-1) // nothing but its duration says so
	}
	if b.goesOn(now, each) || b.isExpected(now, each) {
		return false
	}
	b.twin(index)
	if later := b.next[index-1]; later > index {
		return !b.repeats(index-1, later) && !b.isOddCopy(b.parts[later], later)
	}
	earlier := b.twin(index - 1)
	return earlier >= 0 && !b.repeats(earlier, index-1) && !b.isOddCopy(b.parts[earlier], earlier)
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

// twin is the nearest part before the one at index that has the same bytes; -1: there is none.
func (b *builder) twin(index int) int {
	if b.twins == nil {
		b.twins = map[[32]byte]int{}
		b.before, b.next = make([]int, len(b.parts)), make([]int, len(b.parts))
		for i, each := range b.parts {
			file := b.segments[each.Segment].File
			b.before[i] = -1
			if !each.first || !each.last || file.SHA256 == [32]byte{} || file.Container == media.PackedAudio && !file.HasStart {
				continue
			}
			if twin, known := b.twins[file.SHA256]; known {
				b.before[i], b.next[twin] = twin, i
			}
			b.twins[file.SHA256] = i
		}
	}
	return b.before[index]
}

// repeats says that the parts after two equal ones are equal too: the source repeats itself.
func (b *builder) repeats(twin, index int) bool {
	return index+1 < len(b.parts) && b.twin(index+1) == twin+1 && twin+1 != index
}

// goesOnAfter says that the run's clock goes on behind a part as if the part's time had passed: what follows begins
// where the playlist says, counted from before the part, or misses that by less than the tolerance.
func (b *builder) goesOnAfter(now *run, each *part, index int, tolerance int64) bool {
	duration := b.segments[each.Segment].Duration
	if duration == 0 || index+1 >= len(b.parts) {
		return false
	}
	after := b.parts[index+1]
	if after.Segment == each.Segment || b.segments[after.Segment].Discontinuity {
		return false
	}
	b.unwrap(now, after)
	least, _ := b.deltas(now, after)
	at, miss, known := b.expected(now, after)
	return distance(least, duration) <= tolerance || known && distance(after.early, at) <= min(miss, tolerance)
}

// judgeForeign finds a segment of another recording: its clock is another one, before and behind it.
func (b *builder) judgeForeign(now *run, each *part, index int, least, most int64) bool {
	duration := b.segments[each.Segment].Duration
	if most >= -minStep && least <= max(maxJoin, duration/2) {
		return false
	}
	if b.isExpected(now, each) || b.goesOn(now, each) {
		return false // the end of the segment before is lost, or the last picture of before was shown for long
	}
	// What follows must be nearer to the run's clock than to the part's.
	if !b.goesOnAfter(now, each, index, min(maxMiss, max(least, -most)/3)) {
		return false
	}
	if after := b.parts[index+1]; each.early > now.shown && (each.lastShown()-after.early <= minStep || goesInto(each, after)) {
		return false // it lies where it belongs, and its beginning is lost
	}
	each.dropped = SegmentForeign
	b.later(each, SegmentForeign, 0, duration, "its clock is that of another recording: it is off by %s, and the clock goes on behind it",
		position(max(least, -most)))
	return true
}

// fitsInFront says that a part ends where the run begins, and that the run's clock goes on behind the part. Behind the
// last one, and before another clock, nothing does.
func (b *builder) fitsInFront(now *run, each *part, index int) bool {
	first := b.segments[now.parts[0].Segment] // its line is that of the part, when the two were exchanged
	named := each.early + first.Duration
	named = min(distance(named, now.early), distance(named, now.parts[0].opens()))
	miss := min(distance(each.late, now.early), distance(each.lastShown(), now.early), named, seam(each, now.parts[0]))
	if index+1 == len(b.parts) || b.segments[b.parts[index+1].Segment].Discontinuity {
		return miss <= together || named <= together+first.Precision && b.countersLeadTo(now, each)
	}
	after := b.parts[index+1]
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
