// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"encoding/binary"
	"iter"
)

// Packets is a list of packets that takes about five bytes for each: a day of video and sound fits into 40 MiB. Equal
// steps are counted instead of repeated, so that sound of one sample a packet (PCM) takes next to nothing. The zero
// value is an empty list.
type Packets struct {
	// Encoded are the entries. It is exported for encoding/gob alone.
	Encoded []byte
	// Count of packets.
	Count int
	// First and Last packet; the zero Packet when there is none.
	First, Last Packet
	// Begin is the least PTS, and End the greatest PTS plus Duration.
	Begin, End int64
	// Bytes is the sum of the packets' sizes.
	Bytes int64

	// step is the last entry, not yet encoded, and repeated how often it stands; before is the one that was encoded
	// before it.
	step, before step
	repeated     uint64
}

// step is how a packet differs from the one before.
type step struct {
	dts, offset, duration int64
	size, params          int
	key, closed           bool
	opens                 bool
	order                 Order // by how much it grows
}

// Append adds a packet.
func (p *Packets) Append(packet Packet) {
	if p.Count == 0 {
		p.First, p.Begin, p.End = packet, packet.PTS, packet.PTS+packet.Duration
	}
	next := step{
		dts: packet.DTS - p.Last.DTS, offset: packet.PTS - packet.DTS, duration: packet.Duration,
		size: packet.Size, params: packet.Params, key: packet.Key, closed: packet.Closed,
		opens: packet.Opens, order: Order{Sequence: packet.Order.Sequence - p.Last.Order.Sequence, Number: packet.Order.Number - p.Last.Order.Number},
	}
	if p.repeated > 0 && next == p.step {
		p.repeated++
	} else {
		p.Close()
		p.step, p.repeated = next, 1
	}
	p.Count++
	p.Last = packet
	p.Begin, p.End = min(p.Begin, packet.PTS), max(p.End, packet.PTS+packet.Duration)
	p.Bytes += int64(packet.Size)
}

// Flags of an encoded step: what is not flagged is as in the step before.
const (
	flagKey = 1 << iota
	flagRepeated
	flagDTS
	flagOffset
	flagDuration
	flagParams
	flagClosed
	flagOrder
)

// Close encodes what Append has kept back. It must be called once after the last Append, before All.
func (p *Packets) Close() {
	if p.repeated == 0 {
		return
	}
	flags := p.step.flags(&p.before)
	if p.repeated > 1 {
		flags |= flagRepeated
	}
	p.Encoded = append(p.Encoded, flags)
	data := p.Encoded
	if flags&flagRepeated != 0 {
		data = binary.AppendUvarint(data, p.repeated)
	}
	if flags&flagDTS != 0 {
		data = binary.AppendVarint(data, p.step.dts)
	}
	if flags&flagOffset != 0 {
		data = binary.AppendVarint(data, p.step.offset)
	}
	if flags&flagDuration != 0 {
		data = binary.AppendVarint(data, p.step.duration)
	}
	if flags&flagParams != 0 {
		data = binary.AppendUvarint(data, uint64(p.step.params)) //nolint:gosec // an index
	}
	if flags&flagOrder != 0 {
		sequence := int64(p.step.order.Sequence) << 1
		if p.step.opens {
			sequence |= 1
		}
		data = binary.AppendVarint(binary.AppendVarint(data, sequence), int64(p.step.order.Number))
	}
	p.Encoded = binary.AppendUvarint(data, uint64(p.step.size)) //nolint:gosec // a size
	p.before, p.repeated = p.step, 0
}

// flags say how the step differs from the one before.
func (s *step) flags(before *step) (flags byte) {
	for _, each := range [...]struct {
		flag byte
		is   bool
	}{
		{flagKey, s.key}, {flagClosed, s.closed}, {flagDTS, s.dts != before.dts}, {flagOffset, s.offset != before.offset},
		{flagDuration, s.duration != before.duration}, {flagParams, s.params != before.params},
		{flagOrder, s.order != before.order || s.opens != before.opens},
	} {
		if each.is {
			flags |= each.flag
		}
	}
	return flags
}

// All yields the packets in order.
func (p *Packets) All() iter.Seq[Packet] {
	return func(yield func(Packet) bool) {
		var packet Packet
		var now step
		for data := p.Encoded; len(data) > 0; {
			var repeated uint64
			repeated, data = now.decode(data)
			for range repeated {
				packet.DTS += now.dts
				packet.PTS = packet.DTS + now.offset
				packet.Duration, packet.Size, packet.Params = now.duration, now.size, now.params
				packet.Key, packet.Closed, packet.Opens = now.key, now.closed, now.opens
				packet.Order.Sequence += now.order.Sequence
				packet.Order.Number += now.order.Number
				if !yield(packet) {
					return
				}
			}
		}
	}
}

// decode reads the next entry into s, which holds the one before, and gives what follows it. The data is always our
// own, so that it is well formed.
func (s *step) decode(data []byte) (repeated uint64, rest []byte) {
	flags := data[0]
	data = data[1:]
	unsigned := func() uint64 {
		value, n := binary.Uvarint(data)
		data = data[n:]
		return value
	}
	signed := func() int64 {
		value, n := binary.Varint(data)
		data = data[n:]
		return value
	}
	s.key, s.closed, repeated = flags&flagKey != 0, flags&flagClosed != 0, 1
	if flags&flagRepeated != 0 {
		repeated = unsigned()
	}
	if flags&flagDTS != 0 {
		s.dts = signed()
	}
	if flags&flagOffset != 0 {
		s.offset = signed()
	}
	if flags&flagDuration != 0 {
		s.duration = signed()
	}
	if flags&flagParams != 0 {
		s.params = int(unsigned()) //nolint:gosec // written from an int
	}
	if flags&flagOrder != 0 {
		sequence := signed()
		s.opens, s.order = sequence&1 != 0, Order{Sequence: int(sequence >> 1), Number: int(signed())}
	}
	s.size = int(unsigned()) //nolint:gosec // written from an int
	return repeated, data
}
