// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"iter"

	"sparkrtc.dev/recording-operator/internal/media"
)

// minSizes is how many packets of other sizes a part has at least that is told from one with the same times: black pictures,
// silence and sound of a constant rate are alike wherever they are.
const minSizes = 4

// repeat says how a part of a file repeats packets of the one before it, as a file does that was written twice, or in part.
type repeat int

const (
	repeatsNothing repeat = iota
	// repeatsSome: only some of them.
	repeatsSome
	// repeatsEnd: all of them are in the part before.
	repeatsEnd
	// repeatsAll: all packets of the part before, and maybe more.
	repeatsAll
)

// leaveOutRepeats leaves out the parts of a segment whose packets stand in it twice.
func (b *builder) leaveOutRepeats(parts []*part) []*part {
	if len(parts) < 2 {
		return parts
	}
	kept := parts[:1:1]
	for _, each := range parts[1:] {
		last := len(kept) - 1
		found := b.repeatOf(kept[last], each)
		switch found {
		case repeatsNothing, repeatsSome:
			kept = append(kept, each)
		case repeatsEnd:
		case repeatsAll:
			kept[last] = each
		}
		if found != repeatsNothing {
			b.later(kept[len(kept)-1], SegmentDuplicated, kept[len(kept)-1].early, 0, "packets stand in its file twice")
		}
	}
	kept[0].first, kept[len(kept)-1].last = true, true
	return kept
}

// repeatOf says how a part repeats packets of the one before it: all of its kinds do it alike.
func (b *builder) repeatOf(x, y *part) repeat {
	found, compared := repeatsNothing, false
	sizes := map[int]bool{}
	for _, kind := range kinds {
		from, to := x.Slices(kind), y.Slices(kind)
		if len(from) != 1 || len(to) != 1 {
			if len(from)+len(to) > 0 {
				return repeatsNothing
			}
			continue
		}
		own := b.repeatIn(x.Segment, from[0], to[0], sizes)
		switch {
		case own == repeatsNothing:
			return repeatsNothing
		case compared && own != found:
			found = repeatsSome
		default:
			found, compared = own, true
		}
	}
	if len(sizes) < minSizes {
		return repeatsNothing
	}
	return found
}

// repeatIn compares the packets of a stream with those from where its clock goes back on, and notes their sizes, up to as many as are
// needed. The last packet before that may be cut.
func (b *builder) repeatIn(segment int, x, y Slice, sizes map[int]bool) repeat {
	stream := &b.segments[segment].File.Streams[x.Stream]
	before, stopBefore := iter.Pull(packetsIn(stream, x))
	defer stopBefore()
	behind, stopBehind := iter.Pull(packetsIn(stream, y))
	defer stopBehind()
	second, more := behind()
	first, left := before()
	begins := left && more && first.DTS == second.DTS
	for left && more && first.DTS < second.DTS {
		first, left = before()
	}
	compared := false
	for left && more {
		next, goesOn := before()
		if first.DTS != second.DTS || first.Size != second.Size && goesOn {
			return repeatsNothing
		}
		if len(sizes) < minSizes {
			sizes[first.Size] = true
		}
		compared = true
		first, left = next, goesOn
		second, more = behind()
	}
	switch {
	case !compared:
		return repeatsNothing
	case !more:
		return repeatsEnd
	case begins:
		return repeatsAll
	}
	return repeatsSome
}

// packetsIn are the packets of a slice.
func packetsIn(stream *media.Stream, slice Slice) iter.Seq[media.Packet] {
	return func(yield func(media.Packet) bool) {
		number := 0
		for packet := range stream.Packets.All() {
			if number >= slice.To || number >= slice.From && !yield(packet) {
				return
			}
			number++
		}
	}
}
