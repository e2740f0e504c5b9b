// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// minRestarts is how many segments at least, over both kinds, begin with the number of another one before that is no chance.
const minRestarts = 3

// restarts counts, for each kind and for the tables behind them, with which continuity counter the segments begin. A recorder that begins
// its counters again in each segment begins with one number, so that the packets before another one are lost.
type restarts [len(kinds) + 1][16]int

// countRestarts counts the segments among some pieces, each once.
func (b *builder) countRestarts(pieces []*part) *restarts {
	found := new(restarts)
	for _, each := range pieces {
		for k, kind := range kinds {
			if counter, ok := b.firstCounter(each, kind); ok {
				found[k][counter]++
			}
		}
		if tables := b.segments[each.Segment].File.TableCounters; tables.Known && each.first {
			found[len(kinds)][tables.First]++
		}
	}
	return found
}

// restartsIn says that the counters of a kind begin again in each segment of the run that a piece is in, whatever they do in others. It
// takes three segments of that run, and neither the other kind nor the tables may deny it.
func (b *builder) restartsIn(each *part, kind media.Kind) bool {
	if b.restartsOfRun == nil || b.restartsRun != each.Run {
		from, to := each.number, each.number+1
		for from > 0 && b.pieces[from-1].Run == each.Run {
			from--
		}
		for to < len(b.pieces) && b.pieces[to].Run == each.Run {
			to++
		}
		b.restartsRun, b.restartsOfRun = each.Run, b.countRestarts(b.pieces[from:to])
	}
	k := slices.Index(kinds[:], kind)
	number, ok := b.restartsOfRun.usual(k)
	return ok && b.restartsOfRun[k][number] > minOthers && b.restartsOfRun.agree()
}

// firstCounter is the continuity counter with which a kind begins in the segment of a piece; false: it has none, or does not begin there.
func (b *builder) firstCounter(each *part, kind media.Kind) (uint8, bool) {
	if !each.first || len(each.Slices(kind)) == 0 {
		return 0, false
	}
	counters := b.streamAt(each, kind, false).Counters
	return counters.First, counters.Known
}

// usual is the number with which a kind begins in all segments but one at most; false: there is none.
func (r *restarts) usual(k int) (number uint8, ok bool) {
	most, all := 0, 0
	for first, count := range r[k] {
		if count > most {
			number, most = uint8(first), count
		}
		all += count
	}
	return number, most >= minOthers && all-most <= 1
}

// agree says that each kind, and the tables, begin with their usual numbers, as far as they are there.
func (r *restarts) agree() bool {
	for k := range r {
		if _, ok := r.usual(k); !ok && r[k] != [16]int{} {
			return false
		}
	}
	return true
}

// known says that all agree, in as many segments as are no chance.
func (r *restarts) known() bool {
	again := 0
	for k := range kinds {
		if number, ok := r.usual(k); ok {
			again += r[k][number] - 1
		}
	}
	return again >= minRestarts && r.agree()
}

// beginsAgain says that the counters of picture and sound break over a hole, and begin with what the recording began with: the recorder
// began again, with the same clock.
func (b *builder) beginsAgain(each *border) bool {
	if hole, open := each.hole(); !open || hole.to-hole.from <= maxJoin || len(each.stops) < len(kinds) {
		return false
	}
	for _, stop := range each.stops {
		if stop.counters != countersBreak || len(b.pieces[0].Slices(stop.kind)) == 0 {
			return false
		}
	}
	return b.startsAgain(each.y, b.pieces[0])
}

// beginning is what the counters say of the beginning of a segment.
type beginning int

const (
	beginningUnknown beginning = iota
	beginningWhole
	beginningLost
)

// beginningOf judges the beginning of the segment of a piece by the numbers with which its counters begin. One kind alone that begins
// with the usual number says little: of sixteen losses, one is of a multiple of sixteen packets.
func (b *builder) beginningOf(each *part) beginning {
	if b.restarts == nil {
		b.restarts = b.countRestarts(b.pieces)
	}
	if b.running[media.Video] || b.running[media.Audio] || !b.restarts.known() {
		return beginningUnknown
	}
	same := 0
	for k, kind := range kinds {
		first, ok := b.firstCounter(each, kind)
		usual, _ := b.restarts.usual(k)
		switch {
		case ok && first != usual && b.goesOnFrom(each, kind):
			return beginningUnknown
		case ok && first != usual:
			return beginningLost
		case ok:
			same++
		}
	}
	if same == len(kinds) {
		return beginningWhole
	}
	return beginningUnknown
}

// goesOnFrom says that the counters of a kind go on in a piece from the one before it, whatever the playlist announces between them.
func (b *builder) goesOnFrom(each *part, kind media.Kind) bool {
	before := b.pieceBefore(each)
	return before != nil && len(before.Slices(kind)) > 0 &&
		compareCounters(b.streamAt(before, kind, true), b.streamAt(each, kind, false)) == countersGoOn
}
