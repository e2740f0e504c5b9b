// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"math"
	"slices"
)

// Damages by their number in drawing.damage, as far as what is expected depends on them.
const (
	lastCut = iota
	middleCut
	middleCutAnywhere
	headCut          = 5
	pidsGone         = 6
	packetsOfPIDGone = 7
	duplicatedFar    = 9
	pidOfSegmentGone = 11
	zeroed           = 10
	bytesInserted    = 14
	bytesGone        = 15
	lastLineMissing  = 16
)

// expect says which verdicts are right, and what the recording leaves open.
func (d *drawing) expect(r *recording, kind int, s *segment, style tsStyle) {
	if len(r.truth.damages) == 0 {
		if kind == headCut || kind == zeroed {
			r.truth.states = []state{intact, unknown, damaged} // the tables alone are lost
		}
		return // nothing was there to be damaged
	}
	lost := 0.0
	for _, dm := range r.truth.damages {
		lost += dm.to - dm.from
	}
	r.truth.states = []state{damaged, unknown}
	d.widen(r, kind, s)
	if kind == lastLineMissing {
		d.expectEarlierEnd(r)
		return
	}
	if len(r.truth.joins) > 0 {
		d.openJoins(r, kind, s)
	}
	r.truth.slack = max(r.truth.slack, r.openStarts())
	if d.canBeIntact(r, kind, s, style, lost) {
		r.truth.states = append(r.truth.states, intact)
	}
}

// leavesNoTrace says that nothing in the bytes shows the damage.
func (d *drawing) leavesNoTrace(r *recording, kind int, t *traces) bool {
	tail := r.lostTail()
	return d.unseen || t.areHidden() || kind <= middleCutAnywhere && tail < 0.4 || tail < 1.5 && r.playlist.whole && (kind <= middleCutAnywhere || kind == pidsGone)
}

// widen makes the damages as long as what is wrong around them.
func (d *drawing) widen(r *recording, kind int, s *segment) {
	for i := range r.truth.damages {
		dm := &r.truth.damages[i]
		if dm.sound {
			if kind == bytesInserted || kind == bytesGone {
				dm.to += d.soundPacket + 0.1 // what is damaged may be the time of the next packet
			}
			dm.to += d.soundPacket // frames behind a loss have the time of the packet before, up to the next packet
		}
		if r.has("h264-b") || r.has("hevc-b") {
			dm.to += 0.4 // pictures are shown in another order
		}
		if kind == duplicatedFar && (s.discontinuity || s == r.segments[0]) {
			// Both copies may begin a clock: then it is open which one is another's, and how long that was.
			dm.from, dm.to = s.from-2, s.to+2
		}
	}
}

// expectEarlierEnd expects of a recording without its last line that it ends before: nothing shows that more was there.
func (d *drawing) expectEarlierEnd(r *recording) {
	last := r.segments[len(r.segments)-2]
	end := last.to // nothing but a container says how long the last picture is shown: up to one that is lost
	if !r.isTS(last) {
		end = r.end
	}
	r.forgetLost(last.to)
	r.truth.openEnd = max(d.openEnd, end-last.lastTime())
	r.truth.states = []state{intact, unknown}
	if r.truth.openEnd > 0.3 {
		r.truth.states = append(r.truth.states, damaged) // where the sound ended before, the last segment looks cut
	}
}

// openJoins says how well the places of takes are known beside a loss.
func (d *drawing) openJoins(r *recording, kind int, s *segment) {
	r.truth.slack = max(r.truth.slack, 0.35) // a loss of less at the end of a take is not seen
	if r.playlist.whole {
		// Nor how long a take was whose end is lost: whole seconds may be rounded up, so that up to one more is not missed.
		// What is lost is counted from the last picture before it. Nobody says how long that one is shown.
		r.truth.slack = max(r.truth.slack, 0.55, min(r.openTakes()+0.1, 1.5), min(d.openEnd, 0.35)+0.5)
	}
	// The only segment of a clock may be cut just before tables, so that nothing tells its beginning from its end.
	hidden := kind == headCut && r.isAlone(slices.Index(r.segments, s)) && r.isTS(s) && len(s.data) > 3 && s.data[1]&0x1f == 0 && s.data[2] == 0
	if hidden || (kind == packetsOfPIDGone || kind == pidOfSegmentGone) && r.lostAnEnd() {
		r.truth.slack = max(r.truth.slack, r.openTakes())
	}
}

// canBeIntact says that the recording has the bytes of one that has lost nothing.
func (d *drawing) canBeIntact(r *recording, kind int, s *segment, style tsStyle, lost float64) bool {
	ofOne := kind == packetsOfPIDGone || kind == pidOfSegmentGone || kind == pidsGone && r.lostOneKind()
	fewCounters := style.restart || len(r.segments) <= 4
	switch {
	case lost < 0.4:
		return true // as much lies between pictures
	case ofOne && r.lostAnEnd():
		return true // what a stream of a take begins or ends with: it may have begun later, or ended before
	case ofOne && d.run%16 == 0, kind == pidOfSegmentGone && style.restart, kind == packetsOfPIDGone && fewCounters && s.lostAtBorder():
		return true // no counter shows it: the stream may have paused
	case ofOne && d.run%16 == 15 && (r.has("hevc") || r.has("hevc-b")):
		return true // x265 writes its settings into each key picture: what follows the loss may look like a packet sent twice
	case (kind == middleCut || (kind == pidsGone || kind == packetsOfPIDGone) && s.lostAtBorder()) && fewCounters && !r.lostSound():
		return true // of pictures alone: they may have stood still
	}
	// Whole seconds may be rounded up.
	return kind <= middleCutAnywhere && r.playlist.whole && lost < 1.5 && r.endsTake(s, kind)
}

// has says that the recording is made from a source.
func (r *recording) has(name string) bool {
	return slices.ContainsFunc(r.units, func(u *unit) bool { return u.source.name == name })
}

// lostSound says that sound is lost.
func (r *recording) lostSound() bool {
	return slices.ContainsFunc(r.truth.damages, func(d damage) bool { return d.sound })
}

// lostOneKind says that packets of one stream alone are lost: the other one was silent then.
func (r *recording) lostOneKind() bool {
	return !slices.ContainsFunc(r.truth.damages, func(d damage) bool { return d.video && d.sound })
}

// endsTake says that nothing follows a segment with its clock.
func (r *recording) endsTake(s *segment, kind int) bool {
	i := slices.Index(r.segments, s)
	return kind == lastCut || i+1 == len(r.segments) || r.segments[i+1].discontinuity
}

// openTakes is by how much it is open where takes begin or end, since the first or last packets of one are lost.
func (r *recording) openTakes() float64 {
	open := 0.0
	whole, kept := noSpan(), noSpan()
	for i, s := range r.segments {
		if s.discontinuity {
			whole, kept = noSpan(), noSpan()
		}
		for _, u := range s.units {
			if whole.add(u.at); !u.lost {
				kept.add(u.at)
			}
		}
		if last := i+1 == len(r.segments) || r.segments[i+1].discontinuity; last && kept.from <= kept.to {
			open = max(open, kept.from-whole.from, whole.to-kept.to)
		}
	}
	return open
}

func noSpan() span { return span{from: math.Inf(1), to: math.Inf(-1)} }

// add makes a span hold a time.
func (s *span) add(at float64) { s.from, s.to = min(s.from, at), max(s.to, at) }

// lastTime is when the last unit of the segment is shown.
func (s *segment) lastTime() float64 {
	at := s.from
	for _, u := range s.units {
		at = max(at, u.at)
	}
	return at
}

// lostAtBorder says that the first or last packets of a stream of the segment are lost.
func (s *segment) lostAtBorder() bool {
	for slot := range 2 {
		own := slices.DeleteFunc(slices.Clone(s.units), func(u *unit) bool { return u.slot != slot })
		if len(own) > 0 && (own[0].lost || own[len(own)-1].lost) {
			return true
		}
	}
	return false
}

// lostAnEnd says that the first or the last packets of a stream of a take are lost.
func (r *recording) lostAnEnd() bool {
	last := map[*source]*unit{}
	for _, u := range r.units {
		before := last[u.source]
		if begins := before == nil || u.time < before.time-1; begins && (u.lost || before != nil && before.lost) {
			return true
		}
		last[u.source] = u
	}
	for _, u := range last {
		if u.lost {
			return true
		}
	}
	return false
}
