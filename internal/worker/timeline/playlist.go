// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// begin finds where a part begins by the playlist, which is where its first packet is, with two exceptions. Pictures
// that are shown in another order than they are decoded come late behind a pause: some in a segment may be shown before
// its sound by all of the pause. And when its beginning is lost, its time passed all the same.
func (b *builder) begin(now *run, each *part) {
	each.begins, each.start = each.early, each.early
	expected, tolerance, known := b.expected(now, each)
	if !known || each.dropped != "" || each.misplaced {
		return
	}
	each.begins = each.beginsFrom(expected, tolerance)
	each.start = each.begins
	own := b.segments[each.Segment]
	miss := each.late - expected - own.Duration // of its end
	fits := b.showsLoss(each) && miss <= tolerance+own.Precision || own.Precision <= exactly && b.lacksKind(each) && miss <= tolerance
	if each.begins > expected+tolerance && (fits || b.holdsItsEnd(each, miss, tolerance)) {
		each.start = expected
	} else if b.lacksHead(each) && each.begins > now.late+minHole {
		each.start = now.late // durations in whole seconds do not show so little
		if expected > now.late+tolerance {
			each.start = min(expected, each.begins) // behind a pause
		}
	}
}

// holdsItsEnd says that a segment that begins late holds less than the playlist says, and ends in time: what is missing was in
// front of what is there, lost or never recorded. miss is that of its end.
func (b *builder) holdsItsEnd(each *part, miss, tolerance int64) bool {
	own := b.segments[each.Segment]
	return own.Duration-(each.late-each.begins) > b.leastShort(each.Segment) && distance(miss, 0) <= tolerance
}

// lacksKind says that a segment names a stream and has no packet of it: what it begins with may have been there.
func (b *builder) lacksKind(each *part) bool {
	return slices.ContainsFunc(kinds[:], func(kind media.Kind) bool { return len(each.Slices(kind)) == 0 && b.names(each, kind) })
}

// beginsFrom is where a part begins that the playlist expects at a time: pictures of it that are shown before the end of the
// part before, because of a pause, do not count.
func (p *part) beginsFrom(expected, tolerance int64) int64 {
	if opens := p.opens(); distance(opens, expected) < min(distance(p.early, expected), tolerance) {
		return opens // whole seconds alone do not tell pictures of before a pause
	}
	if tolerance <= minHole+exactly && expected-p.early > exactly {
		for _, kind := range kinds {
			if first, _, ok := p.ends(kind); ok && distance(first.firstPTS, expected) <= exactly {
				return first.firstPTS // what is shown before it is decoded behind it
			}
		}
	}
	if p.early >= expected-tolerance || !p.jumps(expected-p.early) {
		return p.early
	}
	begins, found := p.early, false
	for _, kind := range kinds {
		if first, _, ok := p.ends(kind); ok && first.begin >= expected-tolerance && (!found || first.begin < begins) {
			begins, found = first.begin, true
		}
	}
	return begins
}

// opens is where a part begins whose place nobody knows yet: with its sound, when the picture that is decoded first is shown
// behind that, and others long before. These belong before a pause.
func (p *part) opens() int64 {
	sound, _, hasSound := p.ends(media.Audio)
	pictures, _, hasPictures := p.ends(media.Video)
	if hasSound && hasPictures && pictures.firstPTS > sound.begin && p.jumps(sound.begin-p.early) {
		return sound.begin
	}
	return p.early
}

// jumps says that the part's pictures are shown over a stretch that is longer than their rate explains, by half of so much.
func (p *part) jumps(by int64) bool {
	for _, slice := range p.Video {
		if slice.stats.greatest-slice.stats.begin > int64(slice.To-slice.From)*slice.stats.interval+by/2 {
			return true
		}
	}
	return false
}

// expected is where the playlist says that a part begins which goes on with a run's clock, and by how much it may miss
// that.
func (b *builder) expected(now *run, each *part) (at, tolerance int64, known bool) {
	last := now.newest
	if last == nil || !last.first || !last.last || !each.first {
		return 0, 0, false
	}
	at, tolerance = last.start, minHole
	for i := last.Segment; i < each.Segment; i++ {
		if !b.segments[i].isListed() {
			return 0, 0, false
		}
		at, tolerance = at+b.segments[i].Duration, tolerance+b.segments[i].Precision
	}
	return at, tolerance, true
}

// lastEnd is where the last segment of a run ends. When it holds a good deal less than the playlist says, the time passed
// all the same. And only an exact playlist knows how long the last picture is shown. Where segments are out of order, the
// playlist's durations are those of others.
func (b *builder) lastEnd(now *run) int64 {
	last := now.newest
	if last == nil || !last.first || !last.last || now.isMixed() {
		return now.late
	}
	own := b.segments[last.Segment]
	named := last.start - last.lost + own.Duration
	least := b.leastShort(last.Segment)
	if tail, _ := b.endsCut(last); tail == media.TailUnfinished {
		least = minShort // that its end is lost is known
	}
	if named-now.late > least {
		return named
	}
	pictures, interval := now.lastPictures()
	if pictures == nil || !own.isListed() || own.Precision > exactly {
		return now.late
	}
	// The last picture may be shown for longer than others are, but not for twice as long.
	if beyond := now.late - pictures.end; beyond > 0 && (beyond > interval || named-now.late <= exactly) {
		return now.late // the sound ends the run
	}
	known := pictures.greatest
	if _, sound, ok := last.ends(media.Audio); ok {
		known = max(known, sound.end)
	}
	return max(known, min(named-now.lateStart(b), now.late+interval))
}

// lateStart is by how much the first packet of the run's last part is later than the segment begins by an exact playlist.
func (r *run) lateStart(b *builder) int64 {
	if len(r.parts) < 2 {
		return 0
	}
	before, last := r.parts[len(r.parts)-2], r.newest
	if before.dropped != "" || !before.first || !before.last || before.Segment+1 != last.Segment {
		return 0
	}
	duration := b.segments[before.Segment].Duration
	for _, kind := range kinds {
		if first, _, ok := before.ends(kind); ok && distance(last.start-first.begin, duration) <= exactly {
			return 0 // the other kind begins before the segment does, as pictures may that are shown in another order
		}
	}
	late := last.start - before.start - duration
	if late < 0 || late > minHole {
		return 0
	}
	return late
}

// lastPictures are the last ones of the run, maybe some segments before its end; nil: it has none. The interval is that of pictures
// before them, where they are a single one.
func (r *run) lastPictures() (pictures *stats, interval int64) {
	for _, each := range slices.Backward(r.parts) {
		_, found, ok := each.ends(media.Video)
		if !ok || each.dropped != "" {
			continue
		}
		if pictures == nil {
			pictures = found
		}
		if found.interval > 0 {
			return pictures, found.interval
		}
	}
	return pictures, 0
}

// isMixed says that segments of the run are out of order.
func (r *run) isMixed() bool {
	return slices.ContainsFunc(r.parts, func(p *part) bool { return p.misplaced })
}

// showsLoss says that the bytes of a segment show that some are lost, maybe at its beginning.
func (b *builder) showsLoss(each *part) bool {
	return len(b.segments[each.Segment].File.Damage) > 0 || b.beginsCut(each)
}

// beginsCut says that a segment does not begin as one does whose beginning is there: with a key picture, and with
// whole packets.
func (b *builder) beginsCut(each *part) bool {
	if pictures, _, ok := each.ends(media.Video); ok && !pictures.key {
		return true
	}
	return b.lacksHead(each)
}

// lacksHead says that a segment does not begin with its tables, or begins within a packet.
func (b *builder) lacksHead(each *part) bool {
	file := b.segments[each.Segment].File
	return b.lacksTables(each) || slices.ContainsFunc(file.Streams, func(s media.Stream) bool { return s.HeadBytes > 0 }) ||
		slices.ContainsFunc(file.Damage, func(d media.Damage) bool { return d.Kind == media.TablesMissing })
}

// lostHead is how much of a run's beginning is lost: its first segment shows a loss, or the playlist is exact elsewhere,
// and what follows begins sooner than the playlist says. The time passed all the same.
func (b *builder) lostHead(now *run) int64 {
	first := now.parts[0]
	if !first.first || !first.last || first.dropped != "" {
		return 0
	}
	duration, tolerance := b.segments[first.Segment].Duration, b.leastShort(first.Segment)
	cut := b.beginsCut(first)
	if cut {
		tolerance = minShort
	}
	held := first.late - first.early
	switch {
	case len(now.parts) > 1:
		second := now.parts[1]
		if !second.first || second.dropped != "" || second.misplaced || !cut && !b.showsLoss(first) && !b.isExact(first, second) {
			return 0
		}
		// Pictures may overlap what is before them. How long the last one is shown is a guess.
		held = max(first.lastShown(), second.start) - first.early
	case !cut || b.lacksEnd(first):
		return 0
	}
	if duration-held <= tolerance {
		return 0
	}
	return duration - held
}

// lacksEnd says that the end of a segment is lost, whose beginning may be: its last packet is not whole. That it may not be says less
// than a beginning that shows a loss.
func (b *builder) lacksEnd(each *part) bool {
	if b.heads == nil {
		b.heads = new(b.countHeads(b.parts))
	}
	tail, _ := b.endsCut(each)
	return tail == media.TailUnfinished || tail == media.TailUnstuffed && !b.lacksHead(each) && !b.heads.alone(each)
}

// isExact says that the playlist says of the other segments of the recording where the next one begins, and that it says
// something of this one, too.
func (b *builder) isExact(but, next *part) bool {
	return !b.segments[next.Segment].Discontinuity && b.segments[but.Segment].isListed() && b.durationsAreExact()
}

// durationsAreExact says that the playlist says of the segments, but for one, where the next one begins.
func (b *builder) durationsAreExact() bool {
	if b.exact == nil {
		b.exact = &exactness{}
		for i, each := range b.parts[:len(b.parts)-1] {
			if after := b.parts[i+1]; after.first && each.first && !b.segments[after.Segment].Discontinuity {
				b.exact.all++
				if distance(b.clockDistance(each.start, after.start, each), b.segments[each.Segment].Duration) <= max(exactly, b.segments[each.Segment].Precision) {
					b.exact.good++
				}
			}
		}
	}
	return b.exact.good > 0 && b.exact.good*4 >= (b.exact.all-1)*3
}

// exactness counts the segments that another one follows with the same clock, and those among them whose duration in the
// playlist is where the next one begins.
type exactness struct {
	all, good int
}

// dropped is how long the parts are by the playlist that a run begins with and that are not in the result.
func (b *builder) dropped(now *run) int64 {
	lost := int64(0)
	for _, each := range now.parts {
		if each.dropped == "" {
			break
		}
		if each.last {
			lost += b.segments[each.Segment].Duration
		}
	}
	return min(lost, maxPause)
}

// unread is how long the segments between two runs are by the playlist from which nothing could be read, or is taken.
func (b *builder) unread(before, now *run) int64 { return b.between(before, now.parts[0]) }

// between is how long the segments are by the playlist that lie between a run and a part and are not in the result.
func (b *builder) between(before *run, each *part) int64 {
	from := max(before.parts[0].Segment, before.behind)
	lost := int64(0)
	for i := from; i < each.Segment; i++ {
		lost += b.segments[i].Duration
	}
	return min(lost, maxPause)
}

// datePause is the pause before a run that recorded dates show; 0: they show none.
func (b *builder) datePause(before *run, each *part) int64 {
	last := before.newest
	if last == nil || !each.first || !last.first {
		return 0
	}
	start := last.start - last.lost
	if before.isMixed() {
		// The dates are those of other files: that of the first line is the first file's.
		last, start = before.parts[0], before.early
	} else if b.showsLoss(last) {
		start = min(start, b.dateStart(before, last))
	}
	now, then := b.segments[each.Segment].Began, b.segments[last.Segment].Began
	if now.IsZero() || then.IsZero() || last.dropped != "" {
		return 0
	}
	pause := Ticks(now.Sub(then)) - (before.late - start)
	if pause < minDatePause || pause > maxPause {
		return 0
	}
	return pause
}

// dateStart is where the last part of a run begins by the recorded dates of it and the part before it: its first packet may be
// later, since some are lost before it.
func (b *builder) dateStart(now *run, last *part) int64 {
	if len(now.parts) < 2 {
		return last.start
	}
	before := now.parts[len(now.parts)-2]
	then, own := b.segments[before.Segment].Began, b.segments[last.Segment].Began
	if before.dropped != "" || !before.first || then.IsZero() || own.IsZero() {
		return last.start
	}
	return max(before.early, before.start-before.lost+Ticks(own.Sub(then)))
}
