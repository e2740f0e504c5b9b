// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"bytes"
	"fmt"

	"sparkrtc.dev/recording-operator/internal/media"
)

// pid is what one PID carries: sections of tables, or a stream, or neither.
type pid struct {
	number   uint16
	sections *sectionBuffer
	stream   *stream

	// unnamed says that it was looked at, and that it is not to be read.
	unnamed bool

	counter    uint8
	hasCounter bool
	// even counts the adaptation fields that are what they say; uneven: this muxer writes others. early is the one that is not, among
	// the first ones; nil: there is none, or others are not, either.
	even   int
	uneven bool
	early  *place
	// last is the payload of the last packet, by which a repetition is told from a counter that has gone round.
	last     [packetSize]byte
	lastSize int
}

// transportPacket is a packet taken apart (ISO/IEC 13818-1, 2.4.3.2).
type transportPacket struct {
	payload       []byte
	offset        int64
	counter       uint8
	start         bool
	failed        bool
	scrambled     bool
	discontinuity bool
	stuffed       bool
	// adapted says that there is an adaptation field whose stuffing tells whether it is one, and even that it is: see stuffing.
	adapted, even bool
	// missing is how many transport packets of the PID are lost before it, of 15 that the counter can tell; 0: none.
	missing int
	// shares says that the counter goes on from that of another table: some muxers have one for several.
	shares bool
}

// firstFreePID is the first one that is not kept for tables of the standards (2.4.3.3; ETSI EN 300 468, 5.1.3).
const nullPID, firstFreePID = 0x1fff, 0x20

// packet handles one transport packet, or what is left of it.
func (d *demuxer) packet(data []byte, offset int64) error {
	number := uint16(data[1]&0x1f)<<8 | uint16(data[2])
	if number == nullPID {
		return nil
	}
	p := transportPacket{
		offset: offset, counter: data[3] & 0xf, start: data[1]&0x40 != 0, failed: data[1]&0x80 != 0,
		scrambled: data[3]&0xc0 != 0,
	}
	p.payload = data[4:]
	switch control := data[3] >> 4 & 3; control { // adaptation_field_control
	case 0, 2:
		p.payload = nil
		if size := int(data[4]); control == 2 && size < len(data)-4 {
			d.clockOfProgram.take(number, data[5:5+size], offset)
		}
	case 3:
		size := int(data[4])
		if size > len(data)-5 {
			size, p.failed = len(data)-5, true
		}
		p.discontinuity = size > 0 && data[5]&0x80 != 0
		p.payload = data[5+size:]
		var count int
		count, p.even = stuffing(data[5 : 5+size])
		p.stuffed, p.adapted = count > 0, count > 1 || !p.even
		d.clockOfProgram.take(number, data[5:5+size], offset)
	default:
		p.failed = p.failed || isField(p.payload)
	}
	if len(p.payload) == 0 {
		return nil
	}
	return d.dispatch(d.pid(number), &p)
}

// stuffing counts the stuffing bytes of an adaptation field (2.4.3.4), which is given without its length: the transport packet had less
// payload than fits into it. A length of 0 is such a byte itself. even says that they are equal, and that what the flags announce is there.
func stuffing(field []byte) (count int, even bool) {
	if len(field) == 0 {
		return 1, true
	}
	const pcr, opcr, splice, private, extension = 0x10, 0x08, 0x04, 0x02, 0x01
	used := 1
	for _, part := range [...]struct{ flag, size byte }{{pcr, 6}, {opcr, 6}, {splice, 1}} {
		if field[0]&part.flag != 0 {
			used += int(part.size)
		}
	}
	for _, flag := range [...]byte{private, extension} {
		if field[0]&flag != 0 && used < len(field) {
			used += 1 + int(field[used])
		}
	}
	if used > len(field) {
		return 0, false
	}
	return len(field) - used, isUniform(field[used:])
}

// isField says that what is named payload begins with an adaptation field of nothing but stuffing: a bit of the header is wrong. Filler
// data in a picture has as many equal bytes, but not behind their number.
func isField(payload []byte) bool {
	const least, stuffing = 16, 0xff
	size := int(payload[0])
	if size < least || size >= len(payload)-1 || payload[1] != 0 || payload[2] != stuffing {
		return false
	}
	return isUniform(payload[2 : 1+size])
}

func isUniform(stuffing []byte) bool {
	return len(stuffing) < 2 || bytes.Equal(stuffing[1:], stuffing[:len(stuffing)-1])
}

// fewEven is how many adaptation fields are even before one that is not is damage: some muxers do not clear what they stuff with.
// manyEven is how many tell it of one before.
const fewEven, manyEven = 2, 8

// place is where a transport packet lies: in a packet of a stream, and in the file.
type place struct {
	stream, packet int
	offset         int64
}

// isOdd takes the next adaptation field of the PID, and says that it is none: bytes of the payload lie in it.
func (k *pid) isOdd(p *transportPacket, at place) bool {
	switch {
	case p.even:
		k.even++
	case k.uneven:
	case k.early != nil:
		k.uneven, k.early = true, nil
	case k.even < fewEven:
		k.early = &at
	default:
		return true
	}
	return false
}

// settleFields tells damage in the first adaptation fields, by all others of their PIDs.
func (d *demuxer) settleFields() {
	for _, known := range d.pids {
		if known != nil && known.early != nil && known.even >= manyEven {
			d.damage.add(&d.file, media.TransportError, known.early.stream, known.early.packet, known.early.offset)
		}
	}
}

// dispatch checks the counter of a packet with payload, and hands it to the section or the stream of its PID.
func (d *demuxer) dispatch(known *pid, p *transportPacket) error {
	if known.number < firstFreePID || known.sections != nil {
		p.shares = d.hasLastCounter && p.counter == (d.lastCounter+1)&0xf
		d.lastCounter, d.hasLastCounter = p.counter, true
	}
	if known.stream == nil && known.sections == nil && !d.adopt(known, p) {
		return nil
	}
	if !d.begun && (known.number == patPID || known.stream != nil) {
		d.begun, d.file.TablesFirst = true, known.number == patPID
	}
	if known.repeats(p) {
		return nil
	}
	stream, packet := -1, 0
	if known.stream != nil {
		stream, packet = known.stream.index, known.stream.description().Packets.Count
	}
	d.check(known, p, stream, packet)
	d.remember(known, p)
	if p.scrambled {
		d.ignore(fmt.Sprintf("PID %d: scrambled packets", known.number))
		d.damage.add(&d.file, media.TransportError, stream, packet, p.offset)
		return nil
	}
	if known.sections != nil {
		d.sections(known, p, p.missing > 0)
		return nil
	}
	return known.stream.take(p)
}

// check notes what a packet shows of itself and of those before it. packet is the one of the stream that it is in.
func (d *demuxer) check(known *pid, p *transportPacket, stream, packet int) {
	if p.failed || p.adapted && known.isOdd(p, place{stream, packet, p.offset}) {
		d.damage.add(&d.file, media.TransportError, stream, packet, p.offset)
	}
	if known.hasCounter && !p.discontinuity && !p.shares {
		p.missing = int(p.counter-known.counter-1) & 0xf
	}
	if p.missing > 0 {
		d.damage.add(&d.file, media.CounterBreak, stream, packet, p.offset)
	}
}

// repeats says whether a packet is sent twice (2.4.3.3). A run of 15 lost packets makes the counters equal as well, so
// that the bytes are compared.
func (k *pid) repeats(p *transportPacket) bool {
	return k.hasCounter && p.counter == k.counter && bytes.Equal(k.last[:k.lastSize], p.payload)
}

// remember notes the last packet of a PID.
func (d *demuxer) remember(known *pid, p *transportPacket) {
	known.counter, known.hasCounter = p.counter, true
	known.lastSize = copy(known.last[:], p.payload)
	switch {
	case known.stream != nil:
		known.stream.description().Counters.Add(p.counter)
	case known.number == patPID:
		d.file.TableCounters.Add(p.counter)
	}
}
