// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"encoding/binary"
	"slices"
)

// clock is the number of ticks in a second of MPEG-TS.
const clock = 90000

func ticks(seconds float64) int64 {
	if seconds < 0 {
		return -ticks(-seconds)
	}
	return int64(seconds*clock + 0.5)
}

// tsStyle says how an MPEG-TS writer works; recorders differ in it.
type tsStyle struct {
	// restart: continuity counters, and numbers of movie fragments, begin again in each segment, as with recorders that make each
	// segment alone.
	restart bool
	// lengths: PES packets of pictures say their length where it fits.
	lengths bool
	// packets of sound in a PES packet; 0 means 1.
	packets int
	// tables: PAT and PMT come again after so many PES packets; 0: only at the beginning of a segment.
	tables int
	// stuffing: null packets and a table of services lie between.
	stuffing bool
	// adtsCRC: ADTS headers have a checksum.
	adtsCRC bool
	// bare: no access unit delimiters, and start codes of three bytes.
	bare bool
	// programs: the PAT names a second program.
	programs bool
	// private: a stream of data has the type of private data.
	private bool
	// indicator: the first packet with a clock says that the clock begins again.
	indicator bool
	// clockAlone: the clock has a PID of its own.
	clockAlone bool
	// messages: some pictures have a PES packet before them with a delimiter and a message (SEI) alone.
	messages bool
	// fields: each field of a picture has a PES packet of its own.
	fields bool
	// growing: tables name a stream from its first packet in the segment on.
	growing bool
	// endless: PES packets of sound do not say their length.
	endless bool
	// hollow: packets without payload lie between those of pictures.
	hollow bool
	// carried: the last bytes of a picture, up to nine of them, lie in the PES packet of the next one, as with Apple's segmenter.
	carried bool
	// uncleared: each packet has an adaptation field, and what it is stuffed with is what was there before.
	uncleared bool
	// zeros: tables are followed by zeros.
	zeros bool
}

// tsTrack is a stream as a PMT names it.
type tsTrack struct {
	pid         uint16
	streamType  byte
	streamID    byte
	descriptors []byte
}

// tsUnit is what a PES packet holds.
type tsUnit struct {
	track    int
	pts, dts int64
	key      bool
	payload  []byte
	refs     []*unit // what the payload is made of
	ends     []int   // where each of refs ends in payload
}

// tsMux writes transport packets; continuity counters run on from segment to segment unless the style says otherwise.
type tsMux struct {
	style    tsStyle
	counters map[uint16]byte
	extra    func(m *tsMux)
	version  byte // of the tables
	out      []byte
	places   []place
}

// place is where a unit's bytes lie in a segment.
type place struct {
	unit     *unit
	from, to int
}

const (
	pmtPID    = 0x1000
	videoPID  = 0x100
	audioPID  = 0x101
	dataPID   = 0x102
	audio2PID = 0x103
	otherPID  = 0x201
	clockPID  = 0x1f0
)

// segment writes one segment and says where each unit lies.
func (m *tsMux) segment(tracks []tsTrack, units []tsUnit) ([]byte, []place) {
	if m.counters == nil || m.style.restart {
		m.counters = map[uint16]byte{}
	}
	m.out, m.places = nil, nil
	named := tracks
	if m.style.growing && len(units) > 0 {
		named = tracks[units[0].track : units[0].track+1]
	}
	m.tables(named)
	if m.extra != nil {
		m.extra(m)
	}
	if m.style.stuffing {
		m.section(0x11, 0x42, 1, []byte{0, 1, 0xff})
	}
	if m.style.carried {
		units = carried(units)
	}
	for i, unit := range units {
		if m.style.tables > 0 && i > 0 && i%m.style.tables == 0 {
			m.tables(named)
		}
		if m.style.stuffing && i%10 == 3 {
			m.null()
		}
		if m.style.growing && !slices.ContainsFunc(named, func(t tsTrack) bool { return t.pid == tracks[unit.track].pid }) {
			named = append(slices.Clone(named), tracks[unit.track])
			m.version++
			m.tables(named)
		}
		m.between(tracks, unit, i)
		m.pes(tracks, unit, unit.track == 0 && !m.style.clockAlone)
	}
	return m.out, m.places
}

// carried moves the end of each picture of the first track to the front of the next one.
func carried(units []tsUnit) []tsUnit {
	units = slices.Clone(units)
	last, count := -1, 0
	for i := range units {
		next := &units[i]
		if next.track != 0 {
			continue
		}
		if last >= 0 {
			from := &units[last]
			keep := len(from.payload) - count
			next.payload = slices.Concat(from.payload[keep:], next.payload)
			from.payload = from.payload[:keep]
			next.ends = slices.Clone(next.ends)
			for j := range next.ends {
				next.ends[j] += count
			}
			count = (count + 1) % 10
		}
		last = i
	}
	return units
}

func (m *tsMux) tables(tracks []tsTrack) {
	pat := append([]byte{0, 1}, u16(0xe000|pmtPID)...)
	if m.style.programs {
		pat = append(pat, u16(2, 0xe000|(pmtPID+1))...)
	}
	m.section(0, 0, 1, pat)
	m.pmt(pmtPID, 1, tracks)
}

// pmt writes the table of a program.
func (m *tsMux) pmt(pid, program uint16, tracks []tsTrack) {
	pcr := uint16(0x1fff)
	if len(tracks) > 0 {
		pcr = tracks[0].pid
	}
	if m.style.clockAlone {
		pcr = clockPID
	}
	pmt := u16(0xe000|pcr, 0xf000)
	for _, track := range tracks {
		pmt = append(pmt, track.streamType)
		pmt = append(pmt, u16(0xe000|track.pid, 0xf000|uint16(len(track.descriptors)))...)
		pmt = append(pmt, track.descriptors...)
	}
	m.section(pid, 2, program, pmt)
}

// null writes a packet that holds nothing.
func (m *tsMux) null() {
	packet := []byte{0x47, 0x1f, 0xff, 0x10}
	for len(packet) < 188 {
		packet = append(packet, 0xff)
	}
	m.out = append(m.out, packet...)
}

// section writes a table in one transport packet.
func (m *tsMux) section(pid uint16, table byte, id uint16, body []byte) {
	section := append([]byte{table}, u16(0xb000|uint16(5+len(body)+4), id)...)
	section = append(section, 0xc1|m.version&31<<1, 0, 0)
	section = append(section, body...)
	section = binary.BigEndian.AppendUint32(section, crcMPEG(section))
	packet := m.head(pid, true, false)
	packet = append(packet, 0)
	packet = append(packet, section...)
	filler := byte(0xff)
	if m.style.zeros {
		filler = 0
	}
	for len(packet) < 188 {
		packet = append(packet, filler)
	}
	m.out = append(m.out, packet...)
}

func (m *tsMux) head(pid uint16, start, adaptation bool) []byte {
	flags := pid
	if start {
		flags |= 0x4000
	}
	control := byte(0x10)
	if adaptation {
		control = 0x30
	}
	packet := append(append([]byte{0x47}, u16(flags)...), control|m.counters[pid])
	m.counters[pid] = (m.counters[pid] + 1) & 15
	return packet
}

func crcMPEG(data []byte) uint32 {
	crc := uint32(0xffffffff)
	for _, b := range data {
		crc ^= uint32(b) << 24
		for range 8 {
			if crc&0x80000000 != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

func pesTime(prefix byte, t int64) []byte {
	t &= 1<<33 - 1
	return []byte{
		prefix<<4 | byte(t>>30&7)<<1 | 1, byte(t >> 22), byte(t>>15&0x7f)<<1 | 1, byte(t >> 7), byte(t&0x7f)<<1 | 1,
	}
}

// pes writes a PES packet into transport packets (ISO/IEC 13818-1, 2.4.3.6).
func (m *tsMux) pes(tracks []tsTrack, unit tsUnit, pcr bool) {
	track := tracks[unit.track]
	optional := pesTime(2, unit.pts)
	flags := byte(0x80)
	if unit.pts != unit.dts {
		flags = 0xc0
		optional = append(pesTime(3, unit.pts), pesTime(1, unit.dts)...)
	}
	length := 3 + len(optional) + len(unit.payload)
	if track.streamID&0xf0 == 0xe0 && !m.style.lengths || m.style.endless || length > 0xffff {
		length = 0
	}
	head := append([]byte{0, 0, 1, track.streamID}, u16(uint16(length))...)
	head = append(head, 0x80, flags, byte(len(optional)))
	head = append(head, optional...)
	data := slices.Concat(head, unit.payload)
	var adaptation []byte
	if pcr {
		adaptation = pcrField(unit.dts-ticks(0.5), unit.key)
		if m.style.indicator && len(m.places) == 0 {
			adaptation[0] |= 0x80
		}
	}
	from := len(m.out)
	starts := []int{} // offset in data at which each transport packet begins
	written := 0
	for first := true; written < len(data); first = false {
		starts = append(starts, written)
		written += m.transport(track.pid, first, adaptation, data[written:])
		adaptation = nil
	}
	m.locate(unit, from, len(head), starts)
}

// locate notes which transport packets each unit of a PES packet lies in.
func (m *tsMux) locate(unit tsUnit, from, head int, starts []int) {
	begin := 0
	for i, ref := range unit.refs {
		end := unit.ends[i]
		first, last := 0, 0
		for j, at := range starts {
			if at <= head+begin {
				first = j
			}
			if at < head+end {
				last = j
			}
		}
		if i == 0 {
			first = 0
		}
		m.places = append(m.places, place{unit: ref, from: from + 188*first, to: from + 188*(last+1)})
		begin = end
	}
}

func pcrField(base int64, random bool) []byte {
	base &= 1<<33 - 1
	flags := byte(0x10)
	if random {
		flags |= 0x40
	}
	return []byte{flags, byte(base >> 25), byte(base >> 17), byte(base >> 9), byte(base >> 1), byte(base&1)<<7 | 0x7e, 0}
}

// transport writes one transport packet and gives how much of data it holds.
func (m *tsMux) transport(pid uint16, start bool, adaptation, data []byte) int {
	room := 184
	if m.style.uncleared && adaptation == nil {
		adaptation = []byte{0}
	}
	if adaptation != nil {
		room -= 1 + len(adaptation)
	}
	count := min(room, len(data))
	stuffing := room - count
	if stuffing > 0 && adaptation == nil {
		// A field of one byte is its length alone; else it has flags.
		adaptation = []byte{}
		if stuffing--; stuffing > 0 {
			adaptation, stuffing = []byte{0}, stuffing-1
		}
	}
	packet := m.head(pid, start, adaptation != nil)
	if adaptation != nil {
		packet = append(packet, byte(len(adaptation)+stuffing))
		packet = append(packet, adaptation...)
		for i := range stuffing {
			filler := byte(0xff)
			if m.style.uncleared {
				filler = byte(17 * (i + 1))
			}
			packet = append(packet, filler)
		}
	}
	m.out = append(m.out, append(packet, data[:count]...)...)
	return count
}
