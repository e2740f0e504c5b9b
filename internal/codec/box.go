// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "encoding/binary"

// octet is a number as one byte; it is known to fit, or the rest of it is written elsewhere.
func octet(value int) byte { return byte(value & 0xff) }

// box builds an MP4 box (ISO/IEC 14496-12, 4.2).
func box(name string, parts ...[]byte) []byte {
	size := 8
	for _, part := range parts {
		size += len(part)
	}
	data := make([]byte, 0, size)
	data = binary.BigEndian.AppendUint32(data, uint32(size))
	data = append(data, name...)
	for _, part := range parts {
		data = append(data, part...)
	}
	return data
}

// visualEntry builds a VisualSampleEntry (ISO/IEC 14496-12, 12.1.3) with the boxes that configure the decoder.
func visualEntry(name string, width, height int, boxes ...[]byte) []byte {
	fixed := make([]byte, 0, 78)
	fixed = append(fixed, 0, 0, 0, 0, 0, 0, 0, 1) // reserved, data_reference_index
	fixed = append(fixed, make([]byte, 16)...)
	fixed = binary.BigEndian.AppendUint16(fixed, uint16(width))  //nolint:gosec // parsers bound it by maxDimension
	fixed = binary.BigEndian.AppendUint16(fixed, uint16(height)) //nolint:gosec // parsers bound it by maxDimension
	fixed = append(fixed, 0, 0x48, 0, 0, 0, 0x48, 0, 0)          // 72 dpi
	fixed = append(fixed, 0, 0, 0, 0, 0, 1)                      // reserved, frame_count
	fixed = append(fixed, make([]byte, 32)...)                   // compressorname
	fixed = append(fixed, 0, 0x18, 0xff, 0xff)                   // depth, pre_defined
	return box(name, append([][]byte{fixed}, boxes...)...)
}

// audioEntry builds an AudioSampleEntry (ISO/IEC 14496-12, 12.2.3). A rate above 65535 does not fit and is 0.
func audioEntry(name string, rate, channels int, boxes ...[]byte) []byte {
	if rate > 1<<16-1 {
		rate = 0
	}
	fixed := make([]byte, 0, 28)
	fixed = append(fixed, 0, 0, 0, 0, 0, 0, 0, 1) // reserved, data_reference_index
	fixed = append(fixed, make([]byte, 8)...)
	fixed = append(fixed, 0, octet(channels), 0, 16, 0, 0, 0, 0) // channelcount, samplesize, pre_defined, reserved
	fixed = binary.BigEndian.AppendUint32(fixed, uint32(rate)<<16)
	return box(name, append([][]byte{fixed}, boxes...)...)
}

// boxes builds colr and pasp; both are left out when they would say nothing.
func (v VUI) boxes() [][]byte {
	var out [][]byte
	if v.HasColor {
		full := byte(0)
		if v.FullRange {
			full = 0x80
		}
		out = append(out, box("colr", []byte{
			'n', 'c', 'l', 'x',
			0, octet(v.Primaries), 0, octet(v.Transfer), 0, octet(v.Matrix), full,
		}))
	}
	if v.AspectWidth > 0 && v.AspectHeight > 0 && v.AspectWidth != v.AspectHeight {
		ratio := binary.BigEndian.AppendUint32(nil, uint32(v.AspectWidth))   //nolint:gosec // read from 16 bits
		ratio = binary.BigEndian.AppendUint32(ratio, uint32(v.AspectHeight)) //nolint:gosec // as above
		out = append(out, box("pasp", ratio))
	}
	return out
}

// Object types in an esds (ISO/IEC 14496-1, table 5, and the registration authority's).
const (
	ObjectMPEG4Video = 0x20
	ObjectAAC        = 0x40
	ObjectMPEG2Video = 0x61
	ObjectMPEG2Audio = 0x69
	ObjectMPEG1Video = 0x6a
	ObjectMPEG1Audio = 0x6b
)

// Stream types in an esds (ISO/IEC 14496-1, table 6).
const (
	streamVideo = 4
	streamAudio = 5
)

// esds builds an elementary stream descriptor (ISO/IEC 14496-14, 5.6). Buffer size and bit rates are 0, unknown, so
// that equal configurations have equal bytes.
func esds(objectType, streamType byte, config []byte) []byte {
	decoder := append([]byte{objectType, streamType<<2 | 1}, make([]byte, 11)...)
	if len(config) > 0 {
		decoder = append(decoder, descriptor(5, config)...)
	}
	stream := []byte{0, 0, 0} // ES_ID, flags
	stream = append(stream, descriptor(4, decoder)...)
	stream = append(stream, descriptor(6, []byte{2})...)
	return box("esds", []byte{0, 0, 0, 0}, descriptor(3, stream))
}

// descriptor builds a descriptor with its length in as few bytes as possible (ISO/IEC 14496-1, 8.3.3).
func descriptor(tag byte, data []byte) []byte {
	out := []byte{tag}
	for shift := 21; shift > 0; shift -= 7 {
		if len(data)>>shift != 0 {
			out = append(out, octet(len(data)>>shift)|0x80)
		}
	}
	return append(append(out, octet(len(data)&0x7f)), data...)
}
