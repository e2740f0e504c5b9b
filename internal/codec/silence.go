// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Silence is one frame of silence that a decoder with the given Params decodes, as an MP4 sample of FrameSamples
// samples; nil when none can be made: AAC with a program_config_element, AC-3, and what is no sound.
func Silence(params media.Params) []byte {
	switch params.Codec {
	case media.AAC:
		objectType, config, ok := ParseESDS(params.Entry)
		audio, err := ParseAudioConfig(config)
		if !ok || err != nil || objectType != ObjectAAC || audio.ObjectType != aacLC {
			return nil
		}
		return silentAAC(audio.ChannelConfig)
	case media.Opus:
		return silentOpus(params)
	case media.MP3:
		return silentMP3(params)
	default:
		return nil
	}
}

// Elements of a raw_data_block (ISO/IEC 14496-3, table 4.85).
const (
	elementSingle = 0
	elementPair   = 1
	elementLFE    = 3
	elementEnd    = 7
)

// aacElements are the elements of a raw_data_block by channelConfiguration (ISO/IEC 14496-3, table 1.19).
var aacElements = [8][]uint32{
	1: {elementSingle},
	2: {elementPair},
	3: {elementSingle, elementPair},
	4: {elementSingle, elementPair, elementSingle},
	5: {elementSingle, elementPair, elementPair},
	6: {elementSingle, elementPair, elementPair, elementLFE},
	7: {elementSingle, elementPair, elementPair, elementPair, elementLFE},
}

// silentAAC is a raw_data_block without any spectral coefficient.
func silentAAC(channelConfig int) []byte {
	if channelConfig < 1 || channelConfig >= len(aacElements) {
		return nil
	}
	var b bitWriter
	tags := map[uint32]uint32{}
	for _, element := range aacElements[channelConfig] {
		b.write(element, 3)
		b.write(tags[element], 4)
		tags[element]++
		if element == elementPair {
			b.write(0, 1) // common_window
			silentChannel(&b)
		}
		silentChannel(&b)
	}
	b.write(elementEnd, 3)
	return b.data
}

// silentChannel writes an individual_channel_stream (ISO/IEC 14496-3, table 4.50) of one long window without bands.
func silentChannel(b *bitWriter) {
	b.write(0, 8)     // global_gain
	b.write(0, 1+2+1) // ics_reserved_bit, window_sequence, window_shape
	b.write(0, 6)     // max_sfb
	b.write(0, 1)     // predictor_data_present
	b.write(0, 3)     // pulse_data_present, tns_data_present, gain_control_data_present
}

// silentOpus is a packet of CELT, fullband, with its silence flag set (RFC 6716, 4.3).
func silentOpus(params media.Params) []byte {
	const fullband = 28
	if params.Channels < 1 || params.Channels > 2 {
		return nil
	}
	for length := range 4 {
		if params.FrameSamples == 120<<length {
			return []byte{byte(fullband+length)<<3 | byte(params.Channels-1)<<2, 0xff, 0xfe}
		}
	}
	return nil
}

// silentMP3 is a frame of layer III whose side information is all zero: no part of it has coefficients.
func silentMP3(params media.Params) []byte {
	for version := range byte(4) {
		for rate := range byte(3) {
			for index := byte(1); index < 15; index++ {
				mode := byte(0)
				if params.Channels == 1 {
					mode = 3
				}
				header := []byte{0xff, 0xe3 | version<<3, index<<4 | rate<<2, mode << 6}
				h, ok := parseMPEGAudio(header)
				const sideInformation = 32
				if ok && h.rate == params.SampleRate && h.channels == params.Channels && h.samples == params.FrameSamples &&
					h.size >= MPEGAudioHeader+sideInformation {
					return append(header, make([]byte, h.size-len(header))...)
				}
			}
		}
	}
	return nil
}

// ParseESDS finds the esds in a sample entry for sound or pictures (mp4a, mp4v), and gives the object type and the
// decoder's configuration in it, for example an AudioSpecificConfig.
func ParseESDS(entry []byte) (objectType byte, config []byte, ok bool) {
	if len(entry) < 8 {
		return 0, nil, false
	}
	fixed := 8 + 28
	if string(entry[4:8]) == "mp4v" {
		fixed = 8 + 78
	}
	content, ok := findBox(entry, fixed, "esds")
	if !ok {
		return 0, nil, false
	}
	return ParseESDSBox(content)
}

// ParseESDSBox is [ParseESDS] for the content of an esds, wherever it was found: QuickTime has it in a box of its own.
func ParseESDSBox(content []byte) (objectType byte, config []byte, ok bool) {
	if len(content) < 4 {
		return 0, nil, false
	}
	stream, ok := findDescriptor(content[4:], 3)
	if !ok || len(stream) < 3 {
		return 0, nil, false
	}
	flags, rest := stream[2], stream[3:]
	if flags&0x80 != 0 {
		rest = rest[min(2, len(rest)):]
	}
	if flags&0x40 != 0 && len(rest) > 0 {
		rest = rest[min(1+int(rest[0]), len(rest)):]
	}
	if flags&0x20 != 0 {
		rest = rest[min(2, len(rest)):]
	}
	decoder, ok := findDescriptor(rest, 4)
	if !ok || len(decoder) < 13 {
		return 0, nil, false
	}
	config, _ = findDescriptor(decoder[13:], 5)
	return decoder[0], config, true
}

// findBox finds a box of a sample entry behind its fixed fields.
func findBox(entry []byte, fixed int, name string) ([]byte, bool) {
	if len(entry) < fixed {
		return nil, false
	}
	for rest := entry[fixed:]; len(rest) >= 8; {
		size := int(binary.BigEndian.Uint32(rest))
		if size < 8 || size > len(rest) {
			return nil, false
		}
		if string(rest[4:8]) == name {
			return rest[8:size], true
		}
		rest = rest[size:]
	}
	return nil, false
}

// findDescriptor finds a descriptor of MPEG-4 systems by its tag.
func findDescriptor(data []byte, tag byte) ([]byte, bool) {
	for len(data) >= 2 {
		found := data[0]
		size, at := 0, 1
		for range 4 {
			if at >= len(data) {
				return nil, false
			}
			size = size<<7 | int(data[at]&0x7f)
			at++
			if data[at-1]&0x80 == 0 {
				break
			}
		}
		if size > len(data)-at {
			return nil, false
		}
		if found == tag {
			return data[at : at+size], true
		}
		data = data[at+size:]
	}
	return nil, false
}
