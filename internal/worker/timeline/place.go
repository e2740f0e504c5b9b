// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"math"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Bounds for telling whether a clock goes on.
const (
	// wrap is where the 33 bits of an MPEG-TS time begin again (ISO/IEC 13818-1, 2.4.3.7).
	wrap = 1 << 33
	// maxJoin is how late a part may begin that goes on with the same clock although the playlist announces another.
	maxJoin = media.Clock / 2
	// maxMiss is by how much a segment may miss the place that the playlist gives it.
	maxMiss = media.Clock / 2
	// minDatePause is the shortest pause that recorded dates show; clocks of computers are set by less.
	minDatePause = media.Clock * 3 / 10
	// maxPause is the longest pause that a clock or recorded dates show; beyond it, they are wrong.
	maxPause = 86_400 * media.Clock
	// exactly is the greatest rounding of durations that tell pictures apart.
	exactly = media.Clock / 50
	// maxTime keeps sums of times within their type.
	maxTime = 1 << 61
)

// run is a stretch of parts with one clock.
type run struct {
	parts []*part
	// last is what each kind ends with; a kind that the run has not had is absent.
	last map[media.Kind]*stats
	// early and late are the least and greatest time of the run, and shown is when its last packet begins.
	early, late, shown int64
	// behind is the number of the segment after the last one that is in the result.
	behind int
	// newest is the part that the run's clock has come to.
	newest *part
	// holes are the stretches that were jumped over.
	holes []room
}

// room is a hole between two parts.
type room struct {
	hole
	before, behind *part
}

// hole is a stretch of a run's clock without packets.
type hole struct {
	from, to int64
}

// place divides the parts into runs and gives each its offset.
func (b *builder) place() {
	var runs []*run
	var now *run
	for i, each := range b.parts {
		b.announce(each)
		if each.dropped != "" { // a copy
			if now == nil {
				now = newRun()
				runs = append(runs, now)
			}
			now.add(each)
			continue
		}
		if now != nil {
			b.unwrap(now, each)
		}
		if own := b.leave(now, each, i); own != nil {
			now, runs = own, append(runs, own)
			b.unwrap(now, each)
		}
		switch {
		case now != nil && now.empty():
			each.fresh = true // the run's clock begins here
		case now == nil || len(b.recording.Starts) > 0 || b.startsClock(now, each, i):
			now = newRun()
			runs = append(runs, now)
			each.fresh = true
		}
		b.begin(now, each)
		now.add(each)
		b.announced = b.announced && each.dropped != ""
	}
	b.offset(runs)
}

// leave takes the newest part out of a run and begins another one with it, which it gives; nil: it stays. The playlist announces
// another clock for that part, which begins where the run's has come to by chance: it and the next part were exchanged.
func (b *builder) leave(now *run, each *part, index int) *run {
	if now == nil || len(now.parts) < 2 || now.newest != b.parts[index-1] {
		return nil
	}
	last := now.newest
	if !last.first || !each.first || last.misplaced || !b.segments[last.Segment].Discontinuity || b.segments[each.Segment].Discontinuity {
		return nil
	}
	if _, most := b.deltas(now, each); most >= -minStep || now.fits(each) {
		return nil
	}
	order := last.order
	own := newRun(last)
	if !b.fitsInFront(own, each, index) {
		last.order = order
		return nil
	}
	*now = *newRun(now.parts[:len(now.parts)-1]...)
	last.fresh, last.begins, last.start = true, last.early, last.early
	return own
}

// empty says that all parts of the run were dropped.
func (r *run) empty() bool { return len(r.last) == 0 }

// newRun is a run of these parts.
func newRun(parts ...*part) *run {
	made := &run{last: map[media.Kind]*stats{}}
	for _, each := range parts {
		made.add(each)
	}
	return made
}

// add takes a part into the run.
func (r *run) add(each *part) {
	if each.dropped != "" {
		// It keeps its place, so that findings about it have one.
		each.early, each.late = r.late, r.late
		if r.empty() {
			each.early, each.late = -maxTime, -maxTime // before whatever the run will have
		}
		r.parts = append(r.parts, each)
		return
	}
	if r.empty() {
		r.early, r.late, r.shown = each.early, each.late, each.lastShown()
	}
	r.parts = append(r.parts, each)
	r.behind = max(r.behind, each.Segment+1)
	each.order = each.early
	if !each.misplaced {
		if r.newest != nil {
			each.order = max(each.early, r.newest.order)
		}
		if to := each.opens(); to > r.late {
			r.holes = append(r.holes, room{hole: hole{from: r.shown, to: to}, before: r.newest, behind: each})
		}
		for _, kind := range kinds {
			if _, last, ok := each.ends(kind); ok {
				r.last[kind] = last
			}
		}
		r.newest = each
	}
	r.early, r.late, r.shown = min(r.early, each.early), max(r.late, each.late), max(r.shown, each.lastShown())
}

// offset places each run behind the one before it.
func (b *builder) offset(runs []*run) {
	var end, content int64 // of the run before, by the playlist too, and by what it has
	for number, each := range runs {
		lost, first := b.dropped(each), each.parts[0]
		first.lost = b.lostHead(each)
		at, ahead := end, lost
		if number > 0 {
			ahead += first.lost
			if pause := b.datePause(runs[number-1], first); pause > 0 {
				at, end = content+pause, content // the dates count from there
			} else {
				ahead += b.unread(runs[number-1], each)
			}
		}
		base := max(at+ahead-each.opens(), end-each.early)
		if b.keepsEdits() {
			base = 0
		}
		if len(b.recording.Starts) > 0 {
			base = b.recording.Starts[each.parts[0].Segment]
			b.trim(each.parts[0], base)
		}
		b.mixed[number] = each.isMixed()
		for _, part := range each.parts {
			part.Run, part.base = number, base
			part.Offset += base
			if part.dropped == "" {
				b.pieces = append(b.pieces, part)
			} else {
				part.early = max(part.early, each.early-lost)
				part.late = max(part.late, each.early-lost)
				if part.last {
					lost = max(0, lost-b.segments[part.Segment].Duration)
				}
			}
		}
		content, end = min(base+each.late, maxTime), min(base+b.lastEnd(each), maxTime)
	}
	slices.SortStableFunc(b.pieces, func(x, y *part) int {
		return cmp.Or(cmp.Compare(x.Run, y.Run), cmp.Compare(x.order, y.order))
	})
	for number, piece := range b.pieces {
		piece.number = number
	}
}

// opens is where the run begins by the playlist: with its first part, though pictures of other parts may be shown before that one.
func (r *run) opens() int64 {
	i := slices.IndexFunc(r.parts, func(p *part) bool { return p.dropped == "" })
	if i < 0 || r.isMixed() {
		return r.early
	}
	return r.parts[i].early
}

// trim leaves out the sound of a segment that is not within its place: what an encoder puts in front of its first frame
// and behind its last one.
func (b *builder) trim(each *part, base int64) {
	end := int64(math.MaxInt64)
	if next := each.Segment + 1; next < len(b.recording.Starts) {
		end = b.recording.Starts[next]
	}
	for i := range each.Audio {
		slice := &each.Audio[i]
		number := 0
		for packet := range b.segments[each.Segment].File.Streams[slice.Stream].Packets.All() {
			at, half := packet.PTS+slice.Shift, packet.Duration/2
			if each.Segment > 0 && at < -half && number == slice.From {
				slice.From++
			}
			if at+base > end-half && number < slice.To {
				slice.To = number
			}
			number++
		}
	}
}

// unwrap moves a part by whole wraps, so that its clock is nearest to the run's.
func (b *builder) unwrap(now *run, each *part) {
	if !b.wraps(each) {
		return
	}
	delta, _ := b.deltas(now, each)
	if turns := int64(math.Round(float64(-delta) / wrap)); turns != 0 {
		each.move(turns * wrap)
	}
}

// wraps says that a part's times have 33 bits: also those that sound without a container is stamped with (RFC 8216, 3.4).
func (b *builder) wraps(each *part) bool {
	container := b.segments[each.Segment].File.Container
	return container == media.MPEGTS || container == media.PackedAudio
}

// move adds to all times of a part.
func (p *part) move(ticks int64) {
	p.Offset += ticks
	p.early += ticks
	p.late += ticks
	for _, kind := range kinds {
		all := p.Slices(kind)
		for i := range all {
			all[i].stats.move(ticks)
		}
	}
}

// due is when the packet after the last one is expected, which may be followed by a pause.
func (s *stats) due() int64 { return s.lastDTS + min(s.lastInterval, minStep) }

// deltas are how late a part begins, judged for each kind that the run and the part both have: the least and the
// greatest. With no kind in common, it is judged by the end of the run.
func (b *builder) deltas(now *run, each *part) (least, most int64) {
	least, most = math.MaxInt64, math.MinInt64
	for _, kind := range kinds {
		last := now.last[kind]
		if first, _, ok := each.ends(kind); ok && last != nil {
			late := first.firstDTS - last.due()
			least, most = min(least, late), max(most, late)
		}
	}
	if least > most {
		// Nobody knows how long the last picture is shown, when sound follows it.
		reached := int64(math.MinInt64)
		for _, last := range now.last {
			reached = max(reached, last.due())
		}
		if now.empty() {
			reached = now.late
		}
		return each.early - reached, each.early - reached
	}
	return least, most
}

// startsClock says whether a part begins a new clock. It also judges a part whose clock goes back although the run's
// own clock goes on after it: such a part is a copy, of another recording, or out of order.
func (b *builder) startsClock(now *run, each *part, index int) bool {
	if !each.first {
		if b.judgeExcursion(now, each, index) {
			return false
		}
		b.later(each, ClockStep, each.early, 0, "the clock goes back, or leaps, within the segment")
		return true
	}
	least, most := b.deltas(now, each)
	switch {
	case b.announced:
		return b.isAnotherClock(now, each, least-b.between(now, each))
	case b.judgeForeign(now, each, index, least, most):
		return false
	case least > maxPause:
		b.later(each, ClockStep, each.early, 0, "the clock of all streams leaps by %s", position(least))
		return true
	case most >= -minStep:
		if least >= -maxOverlap || !b.judgeOrder(now, each, index) {
			b.judgeOneStep(each, least)
		}
		return false
	case b.judgeOrder(now, each, index):
		return false
	case b.judgeLeapBefore(now, each):
		return true
	}
	b.later(each, ClockStep, each.early, 0, "the clock of all streams goes back by %s, and the playlist does not announce it", position(-most))
	return true
}

// isAnotherClock says that a part that the playlist announces another clock for does not go on with the run's. Where it begins
// just where the playlist says, the recorder paused: another clock would begin elsewhere. Several durations in whole seconds
// together do not say it so exactly, and where segments are out of order, the durations are those of others.
func (b *builder) isAnotherClock(now *run, each *part, late int64) bool {
	at, tolerance, known := b.expected(now, each)
	known = known && !now.isMixed() && (!now.newest.fresh || !b.beginsCut(now.newest)) // it may begin before what is left of it
	if late > maxJoin {
		return !known || distance(each.early, at) > min(tolerance, minHole+minShortWhole)
	}
	return late < -minStep || known && each.beginsFrom(at, tolerance) < at-max(tolerance, maxJoin)
}

// announce notes the tags up to a part: also one before segments that nothing can be read from, or is taken.
func (b *builder) announce(each *part) {
	for ; b.announcedTo <= each.Segment; b.announcedTo++ {
		b.announced = b.announced || b.segments[b.announcedTo].Discontinuity
	}
}

// judgeOneStep judges a stream that goes back alone. A little of that happens where a stream changes its PID.
func (b *builder) judgeOneStep(each *part, least int64) {
	if least < -maxOverlap {
		b.later(each, TimestampOutlier, each.early, -least, "one stream goes back by %s while the other goes on", position(-least))
	}
}
