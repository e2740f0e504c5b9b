// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Bounds for judging borders.
const (
	// minHole is the least hole at a border that is judged; stretches below it are jitter.
	minHole = media.Clock * 15 / 100
	// together is how near picture and sound end that end together.
	together = media.Clock * 15 / 100
)

// border is where one piece follows another in a run.
type border struct {
	x, y *part
	// stops are what each kind does at the border.
	stops []stop
}

// stop is a kind of stream at a border: where it stops in x, and comes back in y.
type stop struct {
	kind media.Kind
	// end and begin are when it stops and comes back, in the run's clock, and gap what lies between.
	end, begin, gap int64
	// interval between packets.
	interval int64
	// last is the last packet in x, and usual the interval between others, whatever a container says of the last one.
	last, usual int64
	// shown is from the last packet that x shows to the first one that y does: pictures that are shown in another order than
	// they are decoded pause some pictures before their decoding times do.
	shown int64
	// counters says what the counters show, and moves that they do not begin with the same number in both.
	counters counters
	moves    bool
	tail     media.Tail
	head     int
	// same says that the stream that stops is the one that comes back.
	same bool
}

// open says that there is a hole.
func (s stop) open() bool { return s.gap > max(minHole, s.interval*18/10) }

// goesOn says that packets go through the border at their usual rate.
func (s stop) goesOn() bool { return max(s.begin-s.last, s.shown) < s.usual*3/2 }

// judgeBorders looks at what is between segments of one run.
func (b *builder) judgeBorders() {
	borders := b.borders()
	b.running, b.skew = b.runningCounters(borders), skewOf(borders)
	b.doubtByTables(borders)
	for i := range borders {
		each := &borders[i]
		again := b.beginsAgain(each)
		for k := range each.stops {
			if kind := each.stops[k].kind; again || !b.running[kind] || b.restartsIn(each.x, kind) {
				each.stops[k].counters = countersUnknown
			}
		}
		b.judgeBorder(each)
	}
}

// borders lists where pieces follow one another with one clock. A kind that x lacks is seen from the piece that had it
// last.
func (b *builder) borders() []border {
	var found []border
	last := map[media.Kind]*part{}
	for i, y := range b.pieces {
		if i > 0 && !y.fresh && b.pieces[i-1].Run == y.Run {
			each := border{x: b.pieces[i-1], y: y}
			for _, kind := range kinds {
				if stop, ok := b.stop(last[kind], y, kind); ok && last[kind] == each.x {
					each.stops = append(each.stops, stop)
				}
			}
			found = append(found, each)
		} else {
			clear(last)
		}
		for _, kind := range kinds {
			if len(y.Slices(kind)) > 0 {
				last[kind] = y
			}
		}
	}
	return found
}

// stop compares a kind in two pieces; false: one of them lacks it.
func (b *builder) stop(x, y *part, kind media.Kind) (stop, bool) {
	if x == nil {
		return stop{}, false
	}
	_, end, hasEnd := x.ends(kind)
	begin, _, hasBegin := y.ends(kind)
	if !hasEnd || !hasBegin {
		return stop{}, false
	}
	from, to := b.streamAt(x, kind, true), b.streamAt(y, kind, false)
	found := stop{
		kind: kind, end: end.next(), begin: begin.firstDTS, gap: begin.firstDTS - end.next(),
		interval: max(end.interval, end.lastInterval), last: end.lastDTS, usual: end.interval,
		shown: begin.begin - end.greatest, tail: from.Tail, head: to.HeadBytes, same: from.ID == to.ID,
	}
	if b.segments[x.Segment].File.Container == media.MPEGTS {
		found.usual = found.interval
	}
	if before := b.pieceBefore(x); before != nil && before.Run == x.Run && end.intervals < fewIntervals {
		// Of few pictures that come unevenly, the intervals may be longer than usual.
		if _, last, ok := before.ends(kind); ok && last.intervals >= fewIntervals {
			found.interval = min(found.interval, last.interval)
		}
	}
	if y.Segment == x.Segment+1 && x.last && y.first && !b.segments[y.Segment].Discontinuity {
		b.compareBorder(&found, from, to, b.segments[x.Segment].File, b.segments[y.Segment].File)
	}
	return found, true
}

// streamAt is the last or first stream of a kind in a piece.
func (b *builder) streamAt(each *part, kind media.Kind, last bool) *media.Stream {
	all := each.Slices(kind)
	slice := all[0]
	if last {
		slice = all[len(all)-1]
	}
	return &b.segments[each.Segment].File.Streams[slice.Stream]
}

// judgeBorder says what is lost between two pieces.
func (b *builder) judgeBorder(each *border) {
	if !b.judgeCounters(each) && !b.judgeTails(each) && !b.judgeHole(each) && !b.doubtSilence(each) {
		b.doubtTails(each)
	}
}

// judgeHole looks for a hole between two pieces for which the counters prove nothing, and says what it means; false: nothing.
func (b *builder) judgeHole(each *border) bool {
	hole, open := each.hole()
	if !open {
		hole, open = b.jump(each)
	}
	announced := b.segments[each.y.Segment].Discontinuity && hole.to-hole.from <= maxJoin
	if !open || each.goOn() && !b.namesJump(each.x, each.y) && !b.namesMayJump(each) && !b.lacksHead(each.y) || b.lostBetween(each) || announced {
		return false // nothing is missing, or the playlist announces another clock
	}
	return b.doubtHead(each, hole) || b.explainHole(each, hole)
}

// doubtHead says of a segment that begins late, ends in time, and does not look cut that its beginning may be lost.
func (b *builder) doubtHead(each *border, hole hole) bool {
	late, inTime := b.lateness(each)
	if each.y.start >= each.y.begins || inTime || b.showsLoss(each.y) || b.lacksKind(each.y) {
		return false
	}
	b.find(UnknownHole, each.y.Segment, each.x.base+hole.from, hole.to-hole.from,
		"it begins %s later than the playlist says, and ends in time; whether its beginning is lost cannot be decided", position(late))
	return true
}

// explainHole says what a hole between two segments means; false: nothing.
func (b *builder) explainHole(each *border, hole hole) bool {
	late, inTime := b.lateness(each)
	tolerance := minHole + b.segments[each.x.Segment].Precision
	at := each.x.base
	switch {
	case !b.segments[each.y.Segment].isListed():
		return false // Without a playlist, nobody says how long a file is.
	case late > tolerance && inTime, each.y.start < each.y.begins:
		b.find(SegmentTruncated, each.y.Segment, at+hole.from, hole.to-hole.from,
			"its beginning is lost: it starts %s late, and what follows is in time", position(late))
	case late > tolerance && b.namesJump(each.x, each.y):
		b.find(SegmentMissing, each.y.Segment, at+hole.from, hole.to-hole.from,
			"%s are lost before it: the clock jumps, and so do the numbers in the segments' names", position(hole.to-hole.from))
	case late > tolerance && b.namesFollow(each):
		return false // The recorder wrote one segment after the other: it paused.
	case b.segments[each.x.Segment].Precision > exactly && b.namesJump(each.x, each.y):
		b.find(UnknownHole, each.x.Segment, at+hole.from, hole.to-hole.from,
			"nothing was recorded for %s, and the numbers in the segments' names jump; the playlist's durations are too coarse to say whether something is lost",
			position(hole.to-hole.from))
	case each.x.endsTogether() || len(each.stops) == len(kinds) || b.isOddSilence(each):
		b.doubtEnd(each, hole)
	case late > tolerance:
		b.find(UnknownHole, each.x.Segment, at+hole.from, hole.to-hole.from,
			"the segment after it begins %s later than the playlist says; whether something is lost cannot be decided", position(late))
	default:
		return false
	}
	return true
}

// doubtEnd says of a hole at the end of a segment that something may have been lost there.
func (b *builder) doubtEnd(each *border, hole hole) {
	b.find(UnknownHole, each.x.Segment, each.x.base+hole.from, hole.to-hole.from,
		"nothing was recorded for %s at the end of the segment; whether something is lost cannot be decided", position(hole.to-hole.from))
}

// jump is the stretch at a border that the playlist does not know of, when no packets go through it, but only the duration
// of the last picture in its container, pictures that were decoded before, or a rate of pictures that is as slow while the
// numbers in the names jump.
func (b *builder) jump(each *border) (hole, bool) {
	late, _ := b.lateness(each)
	if late <= minHole+b.segments[each.x.Segment].Precision {
		return b.silenceOfJump(each)
	}
	named := b.namesJump(each.x, each.y) || b.namesMayJump(each)
	early := each.y.begins > each.y.early // pictures were decoded before
	if b.segments[each.x.Segment].File.Container == media.MPEGTS && !early && !named {
		return hole{}, false
	}
	for _, stop := range each.stops {
		if stop.kind == media.Audio && !stop.open() || stop.kind == media.Video && named && !early && stop.goesOn() {
			return hole{}, false
		}
	}
	found := hole{from: each.x.start + b.segments[each.x.Segment].Duration, to: each.y.begins}
	return found, b.segments[each.x.Segment].isListed()
}

// silenceOfJump is a hole in the sound at a border where the numbers in the names jump, and the playlist's durations are too coarse
// to say more, while the last picture is shown over it.
func (b *builder) silenceOfJump(each *border) (hole, bool) {
	if b.segments[each.x.Segment].Precision <= exactly || !b.namesJump(each.x, each.y) || len(each.stops) < len(kinds) {
		return hole{}, false
	}
	var found hole
	for _, stop := range each.stops {
		switch {
		case stop.goesOn(), stop.kind == media.Audio && !stop.open():
			return hole{}, false
		case stop.kind == media.Audio:
			found = hole{from: stop.end, to: stop.begin}
		}
	}
	return found, true
}

// endsTogether says that picture and sound of a part end at the same time: to a picture, since sound that is cut ends while
// the last one is shown.
func (p *part) endsTogether() bool {
	_, picture, hasPicture := p.ends(media.Video)
	_, sound, hasSound := p.ends(media.Audio)
	return hasPicture && hasSound && distance(picture.next(), sound.next()) <= max(together, min(picture.interval, maxOverlap))
}

// lostBetween says that a segment between the two has no place, so that the hole is judged with that segment.
func (b *builder) lostBetween(each *border) bool {
	if b.unplaced == nil {
		b.unplaced = make([]int, len(b.segments)+1)
		for i, parts := range b.partsOf {
			b.unplaced[i+1] = b.unplaced[i]
			if !slices.ContainsFunc(parts, func(p *part) bool { return p.dropped == "" }) {
				b.unplaced[i+1]++
			}
		}
	}
	from, to := each.x.Segment+1, each.y.Segment
	return from < to && b.unplaced[to] > b.unplaced[from]
}

// hole is the stretch at a border without any packets; false: some kind goes on.
func (e *border) hole() (hole, bool) {
	if len(e.stops) == 0 {
		return hole{from: e.x.late, to: e.y.early}, e.y.early-e.x.late > minHole
	}
	found := hole{from: e.stops[0].end, to: e.stops[0].begin}
	for _, stop := range e.stops {
		if !stop.open() {
			return hole{}, false
		}
		found.from, found.to = max(found.from, stop.end), min(found.to, stop.begin)
	}
	return found, found.to > found.from
}

// goOn says that the counters prove that nothing was lost.
func (e *border) goOn() bool {
	proven := false
	for _, stop := range e.stops {
		if stop.counters == countersBreak {
			return false
		}
		proven = proven || stop.counters == countersGoOn
	}
	return proven
}

// judgeCounters finds transport packets that are lost between two segments of a recording whose counters run on.
func (b *builder) judgeCounters(each *border) bool {
	for _, stop := range each.stops {
		if stop.counters != countersBreak {
			continue
		}
		hole, open := each.hole()
		late, _ := b.lateness(each)
		switch {
		case open && each.y.start < each.y.begins:
			b.find(SegmentTruncated, each.y.Segment, each.x.base+hole.from, hole.to-hole.from,
				"its beginning is lost: %s are missing, and the %s do not go on", position(hole.to-hole.from), b.counted(each.y))
		case open && late > minHole+b.segments[each.x.Segment].Precision:
			b.find(SegmentMissing, each.y.Segment, each.x.base+hole.from, hole.to-hole.from,
				"%s are lost before it: the clock jumps, and the %s do not go on", position(hole.to-hole.from), b.counted(each.y))
		case open:
			b.find(SegmentTruncated, each.x.Segment, each.x.base+hole.from, hole.to-hole.from,
				"its end is lost: %s are missing, and the %s do not go on", position(hole.to-hole.from), b.counted(each.y))
		default:
			b.find(PacketsLost, each.y.Segment, each.x.base+stop.end, max(0, stop.gap),
				"%s packets are lost at the border to the segment before: the %s do not go on", stop.kind, b.counted(each.y))
		}
		return true
	}
	return false
}

// lateness is how late y begins by the playlist, judged by the earliest stream of both, and whether what follows y is
// in time nevertheless.
func (b *builder) lateness(each *border) (late int64, inTime bool) {
	expected := each.x.start + b.segments[each.x.Segment].Duration
	late = each.y.begins - expected
	after := b.after(each.y)
	if after == nil {
		return late, false
	}
	tolerance := minHole + b.segments[each.x.Segment].Precision + b.segments[each.y.Segment].Precision
	return late, distance(after.start, expected+b.segments[each.y.Segment].Duration) <= tolerance
}

// after is the piece that follows another with the same clock; nil: none does.
func (b *builder) after(each *part) *part {
	if next := b.pieceAfter(each); next != nil && next.Run == each.Run {
		return next
	}
	return nil
}
