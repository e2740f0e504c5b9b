// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"iter"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Placed is a packet with its times in the result.
type Placed struct {
	media.Packet
	// Entry is the index in Track.Params.
	Entry int
	// Piece is the index in Timeline.Pieces, and Slice that in Piece.Slices.
	Piece, Slice int
	// Number of the packet in its stream.
	Number int
}

// Packets yields the packets of a kind in the order of the result. Times of outliers are those of their neighbors, and
// decoding times only ever grow.
func (t *Timeline) Packets(kind media.Kind) iter.Seq[Placed] {
	return func(yield func(Placed) bool) {
		track := t.Track(kind)
		if track == nil {
			return
		}
		last := placer{}
		for i := range t.Pieces {
			for j := range t.Pieces[i].Slices(kind) {
				if !t.slicePackets(track, i, j, &last, yield) {
					return
				}
			}
		}
	}
}

// slicePackets yields the packets of one slice.
func (t *Timeline) slicePackets(track *Track, piece, index int, last *placer, yield func(Placed) bool) bool {
	slice := &t.Pieces[piece].Slices(track.Kind)[index]
	stream := &t.segments[t.Pieces[piece].Segment].File.Streams[slice.Stream]
	entries := track.entries(stream)
	offset := t.Pieces[piece].Offset + slice.Shift
	number := 0
	for packet := range stream.Packets.All() {
		if number >= slice.To {
			break
		}
		if number >= slice.From {
			placed := Placed{Packet: packet, Piece: piece, Slice: index, Number: number}
			if packet.Params < len(entries) && entries[packet.Params] >= 0 {
				last.entry = entries[packet.Params]
			}
			placed.Entry = last.entry
			if params := &track.Params[placed.Entry]; params.FrameSamples > 0 && params.SampleRate > 0 {
				// A container may say that the frame before a hole lasts for all of it.
				placed.Duration = int64(params.FrameSamples) * media.Clock / int64(params.SampleRate)
			}
			if slice.stats.lastInterval > 0 && track.Kind == media.Video {
				// Of pictures whose order of showing is another one, a container says how long each is decoded.
				placed.Duration = min(placed.Duration, slice.stats.lastInterval)
			}
			placed.PTS += slice.moved.by(number)
			last.place(&placed, offset, &slice.stats)
			if !yield(placed) {
				return false
			}
		}
		number++
	}
	return true
}

// entries are the track's parameters that a stream's parameters are; -1: those of the packets before go on.
func (t *Track) entries(stream *media.Stream) []int {
	entries := make([]int, len(stream.Params))
	for i, params := range stream.Params {
		entries[i] = slices.IndexFunc(t.Params, func(p media.Params) bool { return sameParams(&p, &params) })
	}
	return entries
}

// placer gives packets their times, one after another.
type placer struct {
	began    bool
	dts, pts int64
	entry    int
}

// place moves a packet by its offset.
func (p *placer) place(placed *Placed, offset int64, stats *stats) {
	placed.DTS += offset
	placed.PTS += offset
	if len(stats.outliers) > 0 && slices.Contains(stats.outliers, placed.Number) {
		if p.began {
			placed.DTS, placed.PTS = p.dts+stats.interval, p.pts+stats.interval
		} else {
			placed.DTS, placed.PTS = stats.origin+offset, stats.origin+offset
		}
	}
	if p.began && placed.DTS <= p.dts {
		placed.DTS = p.dts + 1
	}
	p.began, p.dts, p.pts = true, placed.DTS, placed.PTS
}
