// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"iter"
	"slices"
	"sort"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Bounds of what is said of holes; no hole is damage by itself.
const (
	// minMute is the least stretch without sound that is noted, and minFreeze the same without a new picture.
	minMute   = media.Clock * 3 / 10
	minFreeze = 2 * media.Clock
)

// listHoles notes the stretches without sound, without picture, and without both, and finds the length of the result.
func (b *builder) listHoles() {
	t := b.placed()
	mutes, freezes := b.holesOf(t, media.Audio, minMute), b.holesOf(t, media.Video, minFreeze)
	known := b.lostSpans()
	for _, mute := range mutes {
		if mute.covered(known) {
			continue
		}
		if b.tracks[media.Video] == nil || mute.covered(freezes) {
			b.find(Pause, b.segmentAt(mute.from), mute.from, mute.to-mute.from, "nothing was recorded for %s", position(mute.to-mute.from))
		} else {
			b.find(Mute, b.segmentAt(mute.from), mute.from, mute.to-mute.from, "no sound for %s", position(mute.to-mute.from))
		}
	}
	for _, freeze := range freezes {
		if !freeze.covered(mutes) && !freeze.covered(known) {
			b.find(Freeze, b.segmentAt(freeze.from), freeze.from, freeze.to-freeze.from, "no new picture for %s", position(freeze.to-freeze.from))
		}
	}
}

// lostSpans are the stretches that damage explains already.
func (b *builder) lostSpans() []span {
	var spans []span
	for _, finding := range b.findings {
		if SeverityOf(finding.Type) == SeverityDamage && finding.Length > 0 {
			spans = append(spans, span{from: finding.At, to: finding.At + finding.Length})
		}
	}
	return spans
}

// span is a stretch of one track: a hole, or when a packet is shown.
type span struct{ from, to int64 }

// segmentAt is the segment that a time of the result lies in: the last one that begins before it, since a hole may last
// through several. It is 0 before the first one.
func (b *builder) segmentAt(at int64) int {
	behind := sort.Search(len(b.pieces), func(i int) bool { return b.pieces[i].order+b.pieces[i].base >= at })
	return b.pieces[max(0, behind-1)].Segment
}

// covered says that another hole is nearly the same.
func (s span) covered(others []span) bool {
	for _, other := range others {
		if common := min(s.to, other.to) - max(s.from, other.from); common*10 >= (s.to-s.from)*8 {
			return true
		}
	}
	return false
}

// holesOf finds the holes of a track, up to the bound of findings, and moves the length of the result to its end.
func (b *builder) holesOf(t *Timeline, kind media.Kind, least int64) []span {
	var holes []span
	var end int64
	began := false
	for shown := range t.spans(kind) {
		if began && shown.from-end > least && len(holes) < maxFindings {
			holes = append(holes, span{from: end, to: shown.from})
		}
		end = max(end, shown.to)
		began = true
	}
	b.length = max(b.length, end)
	return holes
}

// spans yields when each packet of a kind is shown, in that order.
func (t *Timeline) spans(kind media.Kind) iter.Seq[span] {
	return func(yield func(span) bool) {
		var waiting []span
		most := 0 // sound is heard in the order in which it is decoded
		if kind == media.Video {
			most = maxBefore
		}
		for placed := range t.Packets(kind) {
			duration := placed.Duration
			if duration == 0 {
				duration = t.Interval(&placed, kind)
			}
			if kind == media.Video {
				duration = min(duration, minFreeze)
			}
			at := len(waiting)
			for at > 0 && waiting[at-1].from > placed.PTS {
				at--
			}
			waiting = slices.Insert(waiting, at, span{from: placed.PTS, to: placed.PTS + duration})
			if len(waiting) > most {
				if !yield(waiting[0]) {
					return
				}
				waiting = slices.Delete(waiting, 0, 1)
			}
		}
		for _, each := range waiting {
			if !yield(each) {
				return
			}
		}
	}
}

// hadSound says that there is sound before a part.
func (b *builder) hadSound(each *part) bool {
	return slices.ContainsFunc(b.pieces[:each.number], func(p *part) bool { return len(p.Audio) > 0 })
}

// isOddSilence says that the sound of a part stops, comes back at the border, and stops nowhere else in the recording,
// while no picture goes on: what is lost of a file would have been behind the last packet of both. Where the sound stopped
// before the part, it must come back just at the border.
func (b *builder) isOddSilence(each *border) bool {
	_, sound, hasSound := each.x.ends(media.Audio)
	back, _, comesBack := each.y.ends(media.Audio)
	if !comesBack {
		return false
	}
	if !hasSound && (!b.names(each.x, media.Audio) || back.begin > each.y.begins+together || !b.hadSound(each.x)) {
		return false
	}
	if _, picture, ok := each.x.ends(media.Video); ok && hasSound && picture.next() > sound.next()+2*together {
		return false
	}
	if b.silences == nil {
		b.silences = new(b.countSilences())
	}
	return *b.silences <= 1
}

// doubtSilence says of sound that stops in a segment, and comes back just where the playlist has the next one begin, that what
// lies between may have been lost with the file's end, when no picture goes on there. A recorder that waits for the sound makes a
// segment longer than its others.
func (b *builder) doubtSilence(each *border) bool {
	own := b.segments[each.x.Segment]
	_, sound, stops := each.x.ends(media.Audio)
	back, _, comesBack := each.y.ends(media.Audio)
	if !stops || !comesBack || !own.isListed() || own.Precision > exactly || each.goOn() || b.lostBetween(each) ||
		back.begin-sound.end <= max(minHole, 2*sound.interval) || distance(back.begin, each.x.start+own.Duration) > max(exactly, sound.interval) {
		return false
	}
	if _, picture, ok := each.x.ends(media.Video); ok && (picture.lastDTS > sound.next()+together || !each.lacksPicture(sound.next())) || !b.isUsualOrShort(each.x) {
		return false
	}
	b.doubtEnd(each, hole{from: sound.end, to: back.begin})
	return true
}

// lacksPicture says that no picture lasts to the border from a time on: another one was due in between.
func (e *border) lacksPicture(from int64) bool {
	_, picture, _ := e.x.ends(media.Video)
	if picture.next() <= from+together {
		return true
	}
	back, _, ok := e.y.ends(media.Video)
	return ok && back.firstDTS-picture.next() > picture.interval/2
}

// isUsualOrShort says that another segment is as long as that of a part, or that none but the last one is shorter.
func (b *builder) isUsualOrShort(each *part) bool {
	if b.lengths == nil {
		for _, segment := range b.segments {
			b.lengths = append(b.lengths, segment.Duration)
		}
		slices.Sort(b.lengths)
	}
	length := b.segments[each.Segment].Duration
	from, _ := slices.BinarySearch(b.lengths, length-exactly)
	to, _ := slices.BinarySearch(b.lengths, length+exactly+1)
	shorter := from
	if last := b.segments[len(b.segments)-1].Duration; shorter > 0 && last < length-exactly {
		shorter--
	}
	return to-from > 1 || shorter == 0
}

// countSilences counts the holes in the sound of the recording, within parts and between them.
func (b *builder) countSilences() (count int) {
	for i, piece := range b.pieces {
		first, last, ok := piece.ends(media.Audio)
		if ok && max(first.longest, last.longest) > max(minHole, 2*last.interval) {
			count++
		}
		if next := i + 1; ok && next < len(b.pieces) && b.pieces[next].Run == piece.Run {
			if stop, ok := b.stop(piece, b.pieces[next], media.Audio); ok && stop.open() {
				count++
			}
		}
	}
	return count
}
