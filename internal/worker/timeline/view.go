// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"iter"
	"math"

	"sparkrtc.dev/recording-operator/internal/media"
)

// view is packets of a stream, from one number to another, with those around them in the segments before and behind where the
// same clock goes on.
type view struct {
	stream   *media.Stream
	from, to int
	// shift is what an edit list adds to the times.
	shift int64
	moved movedPictures
	// before and after are in the clock of the stream. They have the numbers that go on.
	before, after []media.Packet
	// transport says that the stream is one of MPEG-TS, where each packet has a time of its own, whose bits may be wrong.
	transport bool
	// length is how long the first or last segment of the playlist is by an exact duration, which no segment in front or behind tells
	// more of; 0: it is not known, or not needed.
	length int64
}

// own are the packets from one number to the other.
func (v *view) own() iter.Seq2[int, media.Packet] {
	return func(yield func(int, media.Packet) bool) {
		number := 0
		for packet := range v.stream.Packets.All() {
			packet.PTS += v.moved.by(number)
			if number >= v.to || number >= v.from && !yield(number, packet) {
				return
			}
			number++
		}
	}
}

// all are the packets with those around them.
func (v *view) all() iter.Seq2[int, media.Packet] {
	return func(yield func(int, media.Packet) bool) {
		for i, packet := range v.before {
			if !yield(v.from-len(v.before)+i, packet) {
				return
			}
		}
		for number, packet := range v.own() {
			if !yield(number, packet) {
				return
			}
		}
		for i, packet := range v.after {
			if !yield(v.to+i, packet) {
				return
			}
		}
	}
}

// maxAround is how many packets of the segments around are looked at.
const maxAround = maxStrays + fewStrays

// edges are the first and the last packets of a stream.
type edges struct{ first, last []media.Packet }

// edgesOf a stream, which are kept for the segments around the one that is surveyed.
func (b *builder) edgesOf(segment, stream int) edges {
	key := [2]int{segment, stream}
	if known, ok := b.around[key]; ok {
		return known
	}
	var found edges
	packets := &b.segments[segment].File.Streams[stream].Packets
	number := 0
	for packet := range packets.All() {
		if number < maxAround {
			found.first = append(found.first, packet)
		}
		if number >= packets.Count-maxAround {
			found.last = append(found.last, packet)
		}
		number++
	}
	b.around[key] = found
	return found
}

// forgetEdges of the segments before one, which no later one is beside.
func (b *builder) forgetEdges(segment int) {
	for key := range b.around {
		if key[0] < segment {
			delete(b.around, key)
		}
	}
}

// view is packets of a stream with those around them.
func (b *builder) view(segment, stream, from, to int, shift int64) *view {
	own := b.segments[segment]
	v := &view{stream: &own.File.Streams[stream], from: from, to: to, shift: shift, transport: own.File.Container == media.MPEGTS}
	if !v.transport || v.stream.Packets.Count == 0 {
		return v
	}
	begins, ends := from == 0, to == v.stream.Packets.Count
	if begins && ends && (segment == 0 || segment == len(b.segments)-1) && own.isListed() && own.Precision <= exactly {
		v.length = own.Duration
	}
	mine := b.edgesOf(segment, stream)
	if begins && !own.Discontinuity {
		v.before = follows(b.beside(segment-1, v.stream).last, mine.first)
	}
	if ends && segment+1 < len(b.segments) && !b.segments[segment+1].Discontinuity {
		if next := b.beside(segment+1, v.stream).first; len(follows(mine.last, next)) > 0 {
			v.after = near(next, v.stream.Packets.Last)
		}
	}
	return v
}

// beside are the edges of the stream with the same PID in another segment; empty: there is none.
func (b *builder) beside(segment int, stream *media.Stream) edges {
	if segment < 0 || segment >= len(b.segments) || b.segments[segment].File == nil || b.segments[segment].File.Container != media.MPEGTS {
		return edges{}
	}
	for i := range b.segments[segment].File.Streams {
		other := &b.segments[segment].File.Streams[i]
		if other.ID == stream.ID && other.Codec == stream.Codec {
			return b.edgesOf(segment, i)
		}
	}
	return edges{}
}

// follows gives the last packets of a segment in the clock of the first ones of another; nil: none of these follows one of them
// at once, so that their clock is another one, or nobody knows. Times of those between the two may be wrong, which are the fewer ones.
func follows(last, first []media.Packet) []media.Packet {
	if len(last) == 0 || len(first) == 0 {
		return nil
	}
	last = near(last, first[0])
	for i := len(last) / 2; i < len(last); i++ {
		for j := range (len(first) + 1) / 2 {
			step := first[j].DTS - last[i].DTS
			if step > 0 && step <= media.Clock && len(last)-1-i+j <= maxStrays/2 {
				return last
			}
		}
	}
	return nil
}

// near moves packets by whole wraps, so that they are nearest to another one.
func near(packets []media.Packet, other media.Packet) []media.Packet {
	turns := int64(math.Round(float64(other.DTS-packets[0].DTS) / wrap))
	if turns == 0 {
		return packets
	}
	moved := make([]media.Packet, len(packets))
	for i, packet := range packets {
		packet.DTS += turns * wrap
		packet.PTS += turns * wrap
		moved[i] = packet
	}
	return moved
}
