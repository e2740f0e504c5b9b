// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"encoding/binary"
	"slices"
)

// startCode precedes a NAL unit in a byte stream (ISO/IEC 14496-10, Annex B).
var startCode = []byte{0, 0, 0, 1}

// tsPayload is a sample as MPEG-TS has it: with start codes, ADTS headers or control headers.
func (s *source) tsPayload(sample sourceSample, style tsStyle) []byte {
	switch s.codec {
	case "h264", "hevc":
		return s.annexB(sample, style.bare)
	case "aac":
		return append(s.adtsHeader(len(sample.data), style.adtsCRC), sample.data...)
	case "opus":
		return append(opusHeader(len(sample.data)), sample.data...)
	}
	return sample.data
}

// annexB turns lengths into start codes, with an access unit delimiter before and the parameter sets before a key
// picture. Bare, the start codes are as short as they can be, and there is no delimiter.
func (s *source) annexB(sample sourceSample, bare bool) []byte {
	startCode, out := startCode, []byte{}
	switch {
	case bare:
		startCode = startCode[1:]
	case s.codec == "hevc":
		out = append(out, 0, 0, 0, 1, 0x46, 0x01, 0x50)
	default:
		out = append(out, 0, 0, 0, 1, 0x09, 0xf0)
	}
	if sample.key {
		for _, set := range parameterSets(s.entry) {
			out = append(append(out, startCode...), set...)
		}
	}
	for data := sample.data; len(data) > 4; {
		size := binary.BigEndian.Uint32(data)
		out = append(append(out, startCode...), data[4:4+size]...)
		data = data[4+size:]
	}
	return out
}

// parameterSets are SPS and PPS, or VPS, SPS and PPS, of a sample entry; other codecs have none.
func parameterSets(entry []byte) [][]byte {
	const visual = 8 + 78 // box header, fields of a visual sample entry
	var sets [][]byte
	read := func(data []byte, count int) []byte {
		for range count {
			size := int(binary.BigEndian.Uint16(data))
			sets = append(sets, data[2:2+size])
			data = data[2+size:]
		}
		return data
	}
	if avcC := child(entry[visual:], "avcC"); avcC != nil {
		rest := read(avcC[6:], int(avcC[5]&31))
		read(rest[1:], int(rest[0]))
		return sets
	}
	hvcC := child(entry[visual:], "hvcC")
	if hvcC == nil {
		return nil
	}
	rest := hvcC[23:]
	for range hvcC[22] {
		rest = read(rest[3:], int(binary.BigEndian.Uint16(rest[1:])))
	}
	return sets
}

// adtsHeader is for a raw AAC-LC packet of size bytes (ISO/IEC 13818-7, 6.2). Readers do not look at the checksum.
func (s *source) adtsHeader(size int, crc bool) []byte {
	rates := []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}
	index, size, absent := slices.Index(rates, s.rate), size+7, byte(1)
	if crc {
		size, absent = size+2, 0
	}
	header := []byte{
		0xff, 0xf0 | absent, 1<<6 | byte(index)<<2 | byte(s.channels>>2), byte(s.channels&3)<<6 | byte(size>>11),
		byte(size >> 3), byte(size&7)<<5 | 0x1f, 0xfc,
	}
	if crc {
		header = append(header, 0x12, 0x34)
	}
	return header
}

// opusHeader is the control header of an Opus packet in MPEG-TS.
func opusHeader(size int) []byte {
	out := []byte{0x7f, 0xe0}
	for ; size >= 255; size -= 255 {
		out = append(out, 255)
	}
	return append(out, byte(size))
}

// tsTrack is how a PMT names a stream of the source.
func (s *source) tsTrack(pid uint16) tsTrack {
	track := tsTrack{pid: pid, streamID: 0xc0}
	switch s.codec {
	case "h264":
		track.streamType, track.streamID = 0x1b, 0xe0
	case "hevc":
		track.streamType, track.streamID = 0x24, 0xe0
		track.descriptors = []byte{5, 4, 'H', 'E', 'V', 'C'}
	case "mpeg2video":
		track.streamType, track.streamID = 0x02, 0xe0
	case "aac":
		track.streamType = 0x0f
	case "mp3":
		track.streamType = 0x03
	case "ac3":
		track.streamType, track.streamID = 0x81, 0xbd
		track.descriptors = []byte{5, 4, 'A', 'C', '-', '3'}
	case "eac3":
		track.streamType, track.streamID = 0x87, 0xbd
	case "pcm_alaw":
		track.streamType = 0x90
	case "pcm_mulaw":
		track.streamType = 0x91
	case "opus":
		track.streamType, track.streamID = 0x06, 0xbd
		track.descriptors = []byte{5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, byte(s.channels)}
	}
	return track
}
