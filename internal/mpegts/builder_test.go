// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// builder builds a transport stream by hand.
type builder struct {
	data     []byte
	counters map[uint16]byte
	version  byte
}

func newBuilder() *builder { return &builder{counters: map[uint16]byte{}} }

const (
	pmtPID   = 4096
	videoPID = 256
	audioPID = 257
)

// entry is a stream in a PMT.
type entry struct {
	pid         uint16
	streamType  byte
	descriptors []byte
}

var (
	h264Entry = entry{pid: videoPID, streamType: 0x1b}
	aacEntry  = entry{pid: audioPID, streamType: 0x0f}
)

// payload adds the packets that payload takes; the last one is stuffed.
func (b *builder) payload(pid uint16, payload []byte) {
	for first := true; first || len(payload) > 0; first = false {
		size := min(184, len(payload))
		b.packet(pid, first, payload[:size])
		payload = payload[size:]
	}
}

// packet adds one packet, with stuffing where payload does not fill it.
func (b *builder) packet(pid uint16, start bool, payload []byte) {
	header := []byte{0x47, byte(pid >> 8), byte(pid), 0x10 | b.counters[pid]&0xf}
	b.counters[pid]++
	if start {
		header[1] |= 0x40
	}
	if room := 184 - len(payload); room > 0 {
		header[3] |= 0x20
		header = append(header, byte(room-1))
		if room > 1 {
			header = append(header, 0)
			header = append(header, bytes.Repeat([]byte{0xff}, room-2)...)
		}
	}
	b.data = append(append(b.data, header...), payload...)
}

// section adds a section with its CRC.
func (b *builder) section(pid uint16, table byte, id uint16, body []byte) {
	section := []byte{table, 0xb0, 0}
	binary.BigEndian.PutUint16(section[1:], 0xb000|uint16(5+len(body)+4))
	section = binary.BigEndian.AppendUint16(section, id)
	section = append(section, 0xc1|b.version<<1, 0, 0)
	section = append(section, body...)
	section = binary.BigEndian.AppendUint32(section, crcMPEG(section))
	b.payload(pid, append([]byte{0}, section...))
}

// crcMPEG computes the CRC of sections by means of that of IEEE 802.3, which has the same polynomial bit by bit
// reversed.
func crcMPEG(data []byte) uint32 {
	reversed := make([]byte, len(data))
	for i, value := range data {
		reversed[i] = bits.Reverse8(value)
	}
	return bits.Reverse32(^crc32.ChecksumIEEE(reversed))
}

// pat adds a PAT of programs by their number and the PID of their PMT.
func (b *builder) pat(programs ...[2]uint16) {
	var body []byte
	for _, program := range programs {
		body = binary.BigEndian.AppendUint16(body, program[0])
		body = binary.BigEndian.AppendUint16(body, 0xe000|program[1])
	}
	b.section(0, 0, 1, body)
}

// pmt adds a PMT.
func (b *builder) pmt(pid, program uint16, entries ...entry) {
	body := []byte{0xe1, 0, 0xf0, 0}
	for _, entry := range entries {
		body = append(body, entry.streamType)
		body = binary.BigEndian.AppendUint16(body, 0xe000|entry.pid)
		body = binary.BigEndian.AppendUint16(body, 0xf000|uint16(len(entry.descriptors)))
		body = append(body, entry.descriptors...)
	}
	b.section(pid, 2, program, body)
}

// tables adds a PAT and a PMT of one program.
func (b *builder) tables(entries ...entry) {
	b.pat([2]uint16{1, pmtPID})
	b.pmt(pmtPID, 1, entries...)
}

// pes builds a PES packet. A negative dts is not written, and a negative pts neither. Sound declares its length.
func pes(streamID byte, pts, dts int64, payload []byte) []byte {
	var times []byte
	flags := byte(0)
	if pts >= 0 {
		flags = 0x80
		times = appendTime(times, 0x20, pts)
	}
	if dts >= 0 {
		flags = 0xc0
		times[0] |= 0x10
		times = appendTime(times, 0x10, dts)
	}
	packet := []byte{0, 0, 1, streamID, 0, 0, 0x80, flags, byte(len(times))}
	if streamID&0xf0 != 0xe0 {
		binary.BigEndian.PutUint16(packet[4:], uint16(3+len(times)+len(payload)))
	}
	return append(append(packet, times...), payload...)
}

func appendTime(data []byte, prefix byte, value int64) []byte {
	return append(data, prefix|byte(value>>29)&0xe|1, byte(value>>22), byte(value>>14)|1, byte(value>>7), byte(value<<1)|1)
}

// picture adds a PES packet of video.
func (b *builder) picture(pts, dts int64, units ...[]byte) {
	b.payload(videoPID, pes(0xe0, pts, dts, annexB(units...)))
}

// sound adds a PES packet of sound.
func (b *builder) sound(pts int64, frames ...[]byte) {
	b.payload(audioPID, pes(0xc0, pts, -1, bytes.Join(frames, nil)))
}

// annexB puts a start code in front of each NAL unit.
func annexB(units ...[]byte) []byte {
	var data []byte
	for _, unit := range units {
		data = append(append(data, 0, 0, 0, 1), unit...)
	}
	return data
}

// bitString packs bits that are written as text.
func bitString(parts ...string) []byte {
	var data []byte
	count := 0
	for _, part := range parts {
		for _, bit := range part {
			if count%8 == 0 {
				data = append(data, 0)
			}
			if bit == '1' {
				data[count/8] |= 0x80 >> (count % 8)
			}
			count++
		}
	}
	return data
}

// NAL units of H.264. The SPS are of 160x96 pixels: spsFrames of frames, spsFields with fields.
var (
	aud       = []byte{0x09, 0xf0}
	spsFrames = append([]byte{0x67, 77, 0, 30}, bitString("1", "1", "011", "010", "0", "0001010", "00110", "1", "1", "0", "0", "1")...)
	spsFields = append([]byte{0x67, 77, 0, 30}, bitString("1", "1", "011", "010", "0", "0001010", "011", "0", "0", "1", "0", "0", "1")...)
	pps       = append([]byte{0x68}, bitString("1", "1", "0", "0", "1", "1", "1", "0", "00", "1", "1", "1", "0", "0", "0", "1")...)
)

// slice is an H.264 slice: its first macroblock and type as ue(v), and what follows the PPS.
func slice(header byte, first, kind string, rest ...string) []byte {
	unit := append([]byte{header}, bitString(append([]string{first, kind, "1"}, rest...)...)...)
	return append(unit, bytes.Repeat([]byte{0xa5}, 40)...)
}

const (
	intra     = "0001000" // ue(7)
	predicted = "00110"   // ue(5)
)

var (
	idr    = slice(0x65, "1", intra, "0000")
	pSlice = slice(0x41, "1", predicted, "0001")
	second = slice(0x41, "00101", predicted, "0001") // first_mb_in_slice 4
)

// adts builds an AAC frame of 48 kHz stereo with size bytes behind its header.
func adts(size int) []byte {
	return adtsOf(3, 2, size)
}

func adtsOf(rate, channels byte, size int) []byte {
	length := size + 7
	frame := []byte{0xff, 0xf1, 1<<6 | rate<<2 | channels>>2, channels<<6 | byte(length>>11), byte(length >> 3), byte(length<<5) | 0x1f, 0xfc}
	return append(frame, bytes.Repeat([]byte{0x21}, size)...)
}
