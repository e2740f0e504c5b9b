// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// tables are the PAT and PMT that apply.
type tables struct {
	programs []program
	// selected is the number of the program that is read; -1: none yet.
	selected int
	// searching says that the tables are looked for ahead of the packets: they are read, but not applied.
	searching bool
	// early are the PMT found ahead, by program.
	early map[int]programMap
	// lastCounter is that of the last packet of any table; hasLastCounter says that there is one.
	lastCounter    uint8
	hasLastCounter bool
}

// program is an entry of the PAT.
type program struct {
	number int
	pid    uint16
}

// programMap is a PMT.
type programMap struct {
	program int
	streams []mappedStream
}

// mappedStream is an entry of a PMT.
type mappedStream struct {
	// untold says that the table calls it private, and does not say what it is; or AAC or MPEG audio, whose packets
	// tell how it is packed.
	untold bool
	// telephone is the encoding of G.711 that it is if its packets say that they are sound; empty: none.
	telephone media.Codec
	// told says that its packets did.
	told     bool
	pid      uint16
	kind     media.Kind
	codec    media.Codec
	language string
	// sections says that the PID carries sections instead of PES packets.
	sections bool
	// opusChannels is the channel_config_code of Opus.
	opusChannels int
}

const (
	patPID     = 0
	patTable   = 0
	pmtTable   = 2
	maxSection = 4096
	crcSize    = 4
)

// sectionBuffer collects sections from the packets of a PID (ISO/IEC 13818-1, 2.4.4).
type sectionBuffer struct {
	data   []byte
	active bool
	// applied is the last section that was applied, which most often is the next one as well.
	applied []byte
}

// findTables reads the tables of the first block before its packets are taken, so that those before the tables find
// their stream, as ffmpeg does it.
func (d *demuxer) findTables(block []byte) {
	d.pids[patPID] = &pid{number: patPID, sections: &sectionBuffer{}}
	d.searching, d.early = true, map[int]programMap{}
	for at := 0; at+packetSize <= len(block); at += d.stride {
		data := block[at : at+packetSize]
		number := uint16(data[1]&0x1f)<<8 | uint16(data[2])
		if data[0] != syncByte || d.pids[number] == nil {
			continue
		}
		known := d.pids[number]
		offset := 4
		if data[3]&0x20 != 0 {
			offset += 1 + int(data[4])
		}
		if data[3]&0x10 != 0 && offset < packetSize {
			d.sections(known, &transportPacket{payload: data[offset:], start: data[1]&0x40 != 0}, false)
		}
	}
	d.searching = false
	for _, known := range d.pids {
		if known != nil && known.sections != nil {
			*known.sections = sectionBuffer{}
		}
	}
	for _, program := range d.programs {
		if found, ok := d.early[program.number]; ok {
			d.apply(found)
		}
	}
	d.early = nil
}

// sections takes the payload of a packet that carries sections, and handles those that are complete.
func (d *demuxer) sections(known *pid, p *transportPacket, broken bool) {
	buffer, payload := known.sections, p.payload
	if broken {
		buffer.active = false
	}
	if p.start {
		pointer := int(payload[0])
		if 1+pointer > len(payload) {
			d.badTable(p.offset)
			buffer.active = false
			return
		}
		if buffer.active {
			buffer.data = append(buffer.data, payload[1:1+pointer]...)
			d.complete(known, p.offset)
		}
		buffer.data, buffer.active = append(buffer.data[:0], payload[1+pointer:]...), true
	} else if buffer.active {
		buffer.data = append(buffer.data, payload...)
	}
	if buffer.active {
		d.complete(known, p.offset)
	}
}

// complete handles the complete sections in the buffer of a PID.
func (d *demuxer) complete(known *pid, offset int64) {
	const stuffing = 0xff
	buffer := known.sections
	for read := 0; len(buffer.data) >= 3; read++ {
		size := 3 + int(binary.BigEndian.Uint16(buffer.data[1:])&0xfff)
		// Some muxers stuff with zeros behind a table.
		zeros := read > 0 && len(bytes.TrimLeft(buffer.data, "\x00")) == 0
		if buffer.data[0] == stuffing || zeros || size > maxSection {
			buffer.active = false
			return
		}
		if len(buffer.data) < size {
			return
		}
		d.section(known, buffer.data[:size], offset)
		buffer.data = buffer.data[:copy(buffer.data, buffer.data[size:])]
	}
}

var crcTable = func() (table [256]uint32) {
	for i := range table {
		value := uint32(i) << 24
		for range 8 {
			carry := value >> 31
			value = value<<1 ^ carry*0x04c11db7
		}
		table[i] = value
	}
	return table
}()

// sectionCRC is the CRC of a section; 0 over a section with its CRC (ISO/IEC 13818-1, annex A).
func sectionCRC(data []byte) uint32 {
	crc := ^uint32(0)
	for _, value := range data {
		crc = crc<<8 ^ crcTable[byte(crc>>24)^value]
	}
	return crc
}

// section handles a section of the PAT or of a PMT. Sections that apply later (current_next_indicator), and other
// tables on these PIDs, are left out.
func (d *demuxer) section(known *pid, data []byte, offset int64) {
	const header, syntax, current = 8, 0x80, 1
	table := data[0]
	if table != patTable && table != pmtTable || (table == patTable) != (known.number == patPID) {
		return
	}
	if bytes.Equal(data, known.sections.applied) {
		return
	}
	if len(data) < header+crcSize || data[1]&syntax == 0 || sectionCRC(data) != 0 {
		d.badTable(offset)
		return
	}
	if data[5]&current == 0 {
		return
	}
	id, body := int(binary.BigEndian.Uint16(data[3:])), data[header:len(data)-crcSize]
	if table == patTable {
		d.programList(body, data[6] == 0, data[7] == 0)
		known.sections.apply(data, d.searching)
		return
	}
	found, ok := parseProgramMap(id, body)
	if !ok {
		d.badTable(offset)
		return
	}
	if !slices.ContainsFunc(d.programs, func(p program) bool { return p.number == id && p.pid == known.number }) {
		return
	}
	if d.searching {
		if _, ok := d.early[id]; !ok {
			d.early[id] = found
		}
		return
	}
	d.apply(found)
	known.sections.apply(data, false)
}

// apply notes a section that is applied.
func (b *sectionBuffer) apply(section []byte, searching bool) {
	if !searching {
		b.applied = append(b.applied[:0], section...)
	}
}

func (d *demuxer) badTable(offset int64) {
	if !d.searching {
		d.damage.add(&d.file, media.TablesMissing, -1, 0, offset)
	}
}

// programList handles a section of the PAT; first says that it is its first one, and only that it has no other.
func (d *demuxer) programList(body []byte, first, only bool) {
	var programs []program
	if !first {
		programs = d.programs
	}
	for ; len(body) >= 4; body = body[4:] {
		p := program{number: int(binary.BigEndian.Uint16(body)), pid: binary.BigEndian.Uint16(body[2:]) & 0x1fff}
		if p.number == 0 || p.pid == patPID || slices.Contains(programs, p) || len(programs) >= maxStreams {
			continue
		}
		programs = append(programs, p)
		d.listen(p.pid)
	}
	if !d.searching && only && !slices.ContainsFunc(programs, func(p program) bool { return p.number == d.selected }) {
		d.selected = -1
		for _, p := range programs {
			if sections := d.pid(p.pid).sections; sections != nil {
				sections.applied = nil
			}
		}
	}
	d.programs = programs
}

// listen makes a PID one that carries sections.
func (d *demuxer) listen(number uint16) {
	if known := d.pid(number); known.stream == nil && known.sections == nil {
		known.sections = &sectionBuffer{}
	}
}

// pid gives what is known of a PID.
func (d *demuxer) pid(number uint16) *pid {
	if d.pids[number] == nil {
		d.pids[number] = &pid{number: number}
	}
	return d.pids[number]
}

// apply makes the streams of a PMT those that are read.
func (d *demuxer) apply(found programMap) {
	playable := slices.ContainsFunc(found.streams, func(s mappedStream) bool { return s.kind != media.Data })
	if d.selected != found.program {
		if d.selected >= 0 || !playable && len(d.programs) > 1 {
			d.ignore(fmt.Sprintf("program %d: only one program is read", found.program))
			for _, mapped := range found.streams {
				d.pid(mapped.pid).unnamed = true
			}
			return
		}
		d.selected = found.program
	}
	for _, mapped := range found.streams {
		d.mapStream(mapped)
	}
}

// mapStream makes a stream out of an entry of the PMT, unless it is one already.
func (d *demuxer) mapStream(mapped mappedStream) {
	if mapped.sections {
		d.ignore(fmt.Sprintf("PID %d: %s, which comes in sections", mapped.pid, mapped.codec))
		return
	}
	known := d.pid(mapped.pid)
	if known.sections != nil {
		return
	}
	if s := known.stream; s != nil && (s.mapped.codec == mapped.codec || s.mapped.told && mapped.untold) {
		if description := s.description(); description.Language == "" {
			description.Language = mapped.language
		}
		return
	}
	if len(d.streams) >= maxStreams {
		d.ignore(fmt.Sprintf("streams beyond the first %d", maxStreams))
		return
	}
	known.stream = newStream(d, mapped)
}
