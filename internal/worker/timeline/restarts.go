// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import "sparkrtc.dev/recording-operator/internal/media"

// minRestarts is how many segments at least, over both kinds, begin with the number of another one before that is no chance.
const minRestarts = 3

// restarts counts, for each kind, with which continuity counter the segments begin. A recorder that begins its counters again in each
// segment begins with one number, so that the packets before another one are lost.
type restarts [len(kinds)][16]int

// countRestarts counts the segments of a transport stream, each once.
func (b *builder) countRestarts() *restarts {
	found := new(restarts)
	for _, each := range b.pieces {
		for k, kind := range kinds {
			if counters, ok := b.firstCounter(each, kind); ok {
				found[k][counters]++
			}
		}
	}
	return found
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

// known says that all kinds begin with their usual numbers, in as many segments as are no chance.
func (r *restarts) known() bool {
	again := 0
	for k := range r {
		number, ok := r.usual(k)
		switch {
		case ok:
			again += r[k][number] - 1
		case r[k] != [16]int{}:
			return false
		}
	}
	return again >= minRestarts
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
		b.restarts = b.countRestarts()
	}
	if b.running[media.Video] || b.running[media.Audio] || !b.restarts.known() {
		return beginningUnknown
	}
	same := 0
	for k, kind := range kinds {
		first, ok := b.firstCounter(each, kind)
		usual, _ := b.restarts.usual(k)
		switch {
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
