// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"encoding/binary"
	"fmt"
	"strings"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Codecs that have no name in package media.
const (
	aacLATM  media.Codec = "aac_latm"
	dts      media.Codec = "dts"
	timedID3 media.Codec = "timed_id3"
	klv      media.Codec = "klv"
	scte35   media.Codec = "scte_35"
	teletext media.Codec = "dvb_teletext"
	subtitle media.Codec = "dvb_subtitle"
)

type encoding struct {
	kind  media.Kind
	codec media.Codec
}

// streamTypes are the encodings by stream_type: ISO/IEC 13818-1 table 2-34, and above 0x7f ATSC A/53 and what is common.
var streamTypes = map[byte]encoding{
	0x01: {media.Video, media.MPEG2},
	0x02: {media.Video, media.MPEG2},
	0x03: {media.Audio, media.MP3},
	0x04: {media.Audio, media.MP3},
	0x0f: {media.Audio, media.AAC},
	0x10: {media.Video, media.MPEG4},
	0x11: {media.Audio, aacLATM},
	0x15: {media.Data, timedID3},
	0x1b: {media.Video, media.H264},
	0x21: {media.Video, "jpeg2000"},
	0x24: {media.Video, media.HEVC},
	0x33: {media.Video, "vvc"},
	0x42: {media.Video, "cavs"},
	0x81: {media.Audio, media.AC3},
	0x82: {media.Audio, dts},
	0x84: {media.Audio, media.EAC3},
	0x87: {media.Audio, media.EAC3},
	0x8a: {media.Audio, dts},
	0xd1: {media.Video, "dirac"},
	0xea: {media.Video, "vc1"},
}

// id3Name has four letters, as all have.
const id3Name = "ID3 "

// registrations are the encodings of private streams by format_identifier.
var registrations = map[string]encoding{
	"AC-3":  {media.Audio, media.AC3},
	"EAC3":  {media.Audio, media.EAC3},
	"Opus":  {media.Audio, media.Opus},
	"HEVC":  {media.Video, media.HEVC},
	"AV01":  {media.Video, media.AV1},
	"VC-1":  {media.Video, "vc1"},
	"BSSD":  {media.Audio, "s302m"},
	"DTS1":  {media.Audio, dts},
	"DTS2":  {media.Audio, dts},
	"DTS3":  {media.Audio, dts},
	id3Name: {media.Data, timedID3},
	"KLVA":  {media.Data, klv},
}

// descriptors are the encodings of private streams by descriptor_tag (ETSI EN 300 468, table 12).
var descriptors = map[byte]encoding{
	0x56: {media.Data, teletext},
	0x59: {media.Data, subtitle},
	0x6a: {media.Audio, media.AC3},
	0x7a: {media.Audio, media.EAC3},
	0x7b: {media.Audio, dts},
	0x7c: {media.Audio, media.AAC},
}

// parseProgramMap parses a PMT behind its header (ISO/IEC 13818-1, 2.4.4.9).
func parseProgramMap(number int, body []byte) (found programMap, ok bool) {
	found.program = number
	if len(body) < 4 {
		return found, false
	}
	info := int(binary.BigEndian.Uint16(body[2:]) & 0xfff)
	if len(body) < 4+info {
		return found, false
	}
	program := parseDescriptors(body[4 : 4+info]).registration
	for body = body[4+info:]; len(body) >= 5; {
		size := int(binary.BigEndian.Uint16(body[3:]) & 0xfff)
		if len(body) < 5+size {
			return found, false
		}
		stream := mappedStream{pid: binary.BigEndian.Uint16(body[1:]) & 0x1fff}
		stream.describe(body[0], body[5:5+size], program)
		found.streams = append(found.streams, stream)
		body = body[5+size:]
	}
	return found, len(body) == 0
}

// describe finds the encoding from the type and the descriptors of a stream, and the registration of its program. SCTE 35,
// 8.1, asks for a registration of the program; that of a Blu-ray disc means sound by the same type.
func (m *mappedStream) describe(streamType byte, data []byte, program string) {
	const privateSections, private, userPrivate, spliceOrDTS = 0x05, 0x06, 0x80, 0x86
	const mpeg1, mpeg2, adts, latm = 0x03, 0x04, 0x0f, 0x11
	const splice, disc = "CUEI", "HDMV"
	info := parseDescriptors(data)
	m.language, m.opusChannels = info.language, info.opusChannels
	found, ok := streamTypes[streamType]
	if !ok {
		found, ok = registrations[info.registration]
	}
	if !ok && streamType == private {
		found, ok = info.encoding, info.encoding.codec != ""
	}
	switch streamType {
	case mpeg1, mpeg2, adts, latm:
		m.untold = true
	default:
		m.untold = !ok && (streamType == private || streamType >= userPrivate)
	}
	if program != disc {
		m.telephone = telephony[streamType]
	}
	switch {
	case streamType == spliceOrDTS && (info.registration == splice || program == splice):
		found, ok, m.sections = encoding{media.Data, scte35}, true, true
	case streamType == spliceOrDTS:
		found, ok, m.untold = encoding{media.Audio, dts}, true, program != disc
	case streamType == privateSections:
		m.sections = true
	}
	if !ok {
		found = encoding{media.Data, media.Codec(fmt.Sprintf("stream type 0x%02x", streamType))}
	}
	m.kind, m.codec = found.kind, found.codec
}

// described is what the descriptors of a stream say.
type described struct {
	language, registration string
	// encoding is that of a DVB descriptor.
	encoding encoding
	// opusChannels is the channel_config_code of Opus; -1: there is none.
	opusChannels int
}

func parseDescriptors(data []byte) described {
	const registrationTag, languageTag, extensionTag, opusTag = 0x05, 0x0a, 0x7f, 0x80
	info := described{opusChannels: -1}
	for len(data) >= 2 && len(data) >= 2+int(data[1]) {
		tag, content := data[0], data[2:2+int(data[1])]
		data = data[2+len(content):]
		switch {
		case tag == registrationTag && len(content) >= 4:
			info.registration = string(content[:4])
		case tag == languageTag && len(content) >= 3:
			info.language = languageCode(content[:3])
		case tag == extensionTag && len(content) >= 2 && content[0] == opusTag:
			info.opusChannels = int(content[1])
		}
		if encoding, ok := descriptors[tag]; ok {
			info.encoding = encoding
		}
	}
	return info
}

// languageCode is an ISO 639-2 code in small letters; empty when it is none.
func languageCode(data []byte) string {
	code := strings.ToLower(string(data))
	for _, letter := range []byte(code) {
		if letter < 'a' || letter > 'z' {
			return ""
		}
	}
	return code
}
