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
	mpeg4Video media.Codec = "mpeg4"
	aacLATM    media.Codec = "aac_latm"
	dts        media.Codec = "dts"
	timedID3   media.Codec = "timed_id3"
	klv        media.Codec = "klv"
	scte35     media.Codec = "scte_35"
	teletext   media.Codec = "dvb_teletext"
	subtitle   media.Codec = "dvb_subtitle"
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
	0x10: {media.Video, mpeg4Video},
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

// registrations are the encodings of private streams by format_identifier.
var registrations = map[string]encoding{
	"AC-3": {media.Audio, media.AC3},
	"EAC3": {media.Audio, media.EAC3},
	"Opus": {media.Audio, media.Opus},
	"HEVC": {media.Video, media.HEVC},
	"AV01": {media.Video, media.AV1},
	"VC-1": {media.Video, "vc1"},
	"BSSD": {media.Audio, "s302m"},
	"DTS1": {media.Audio, dts},
	"DTS2": {media.Audio, dts},
	"DTS3": {media.Audio, dts},
	"ID3 ": {media.Data, timedID3},
	"KLVA": {media.Data, klv},
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
	for body = body[4+info:]; len(body) >= 5; {
		size := int(binary.BigEndian.Uint16(body[3:]) & 0xfff)
		if len(body) < 5+size {
			return found, false
		}
		stream := mappedStream{pid: binary.BigEndian.Uint16(body[1:]) & 0x1fff, opusChannels: -1}
		stream.describe(body[0], body[5:5+size])
		found.streams = append(found.streams, stream)
		body = body[5+size:]
	}
	return found, len(body) == 0
}

// describe finds the encoding from the type and the descriptors of a stream.
func (m *mappedStream) describe(streamType byte, data []byte) {
	const (
		privateSections, private = 0x05, 0x06
		spliceOrDTS, pcm         = 0x86, 0x80

		registrationTag, languageTag, extensionTag, opusTag = 0x05, 0x0a, 0x7f, 0x80
	)
	known, ok := streamTypes[streamType]
	registered := ""
	for len(data) >= 2 && len(data) >= 2+int(data[1]) {
		tag, content := data[0], data[2:2+int(data[1])]
		data = data[2+len(content):]
		switch {
		case tag == registrationTag && len(content) >= 4:
			registered = string(content[:4])
			if encoding, found := registrations[registered]; found && !ok {
				known, ok = encoding, true
			}
		case tag == languageTag && len(content) >= 3:
			m.language = languageCode(content[:3])
		case tag == extensionTag && len(content) >= 2 && content[0] == opusTag:
			m.opusChannels = int(content[1])
		case streamType == private && !ok:
			known, ok = descriptors[tag]
		}
	}
	switch {
	case streamType == spliceOrDTS && registered == "CUEI":
		known, ok = encoding{media.Data, scte35}, true
		m.sections = true
	case streamType == privateSections:
		m.sections = true
	case streamType == spliceOrDTS:
		known, ok = encoding{media.Audio, dts}, true
	case streamType == pcm && registered == "HDMV":
		known, ok = encoding{media.Audio, "pcm_bluray"}, true
	}
	if !ok {
		known = encoding{media.Data, media.Codec(fmt.Sprintf("stream type 0x%02x", streamType))}
	}
	m.kind, m.codec = known.kind, known.codec
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

// adopt makes a stream of a PID that no table names, when a PES packet begins in it and there is no PMT at all: a
// segment may rely on the tables of the one before. What it is, its first bytes tell.
func (d *demuxer) adopt(known *pid, p *transportPacket) bool {
	const firstFree = 0x20 // below are tables of ISO/IEC 13818-1 and DVB
	if known.unnamed || !p.start || known.number < firstFree {
		return false
	}
	header, size, ok := parsePES(p.payload)
	if !ok {
		return false
	}
	if d.selected >= 0 {
		known.unnamed = true
		d.ignore(fmt.Sprintf("PID %d: no PMT names it", known.number))
		return false
	}
	mapped, ok := guess(header.streamID, p.payload[size:])
	if !ok {
		return false
	}
	mapped.pid = known.number
	d.mapStream(mapped)
	if known.stream == nil {
		return false
	}
	d.damage.add(&d.file, media.TablesMissing, known.stream.index, 0, p.offset)
	return true
}

// guess tells an encoding from the stream_id and the first bytes of a PES packet.
func guess(streamID byte, data []byte) (mappedStream, bool) {
	mapped := mappedStream{opusChannels: -1}
	found := func(kind media.Kind, codec media.Codec) (mappedStream, bool) {
		mapped.kind, mapped.codec = kind, codec
		return mapped, true
	}
	switch {
	case streamID&0xf0 == 0xe0:
		return guessVideo(data, found)
	case len(data) >= 2 && data[0] == 0xff && data[1]&0xf6 == 0xf0:
		return found(media.Audio, media.AAC)
	case len(data) >= 2 && data[0] == 0xff && data[1]&0xe0 == 0xe0:
		return found(media.Audio, media.MP3)
	case len(data) >= 2 && data[0] == 0x0b && data[1] == 0x77:
		if len(data) >= 6 && data[5]>>3 > 10 {
			return found(media.Audio, media.EAC3)
		}
		return found(media.Audio, media.AC3)
	case len(data) >= 2 && data[0] == 0x7f && data[1]&0xe0 == 0xe0:
		return found(media.Audio, media.Opus)
	default:
		return mapped, false
	}
}

// guessVideo tells the encoding of pictures from the first start code.
func guessVideo(data []byte, found func(media.Kind, media.Codec) (mappedStream, bool)) (mappedStream, bool) {
	for len(data) > 4 && data[0] == 0 && data[1] == 0 && data[2] == 0 {
		data = data[1:]
	}
	if len(data) < 5 || data[0] != 0 || data[1] != 0 || data[2] != 1 {
		return mappedStream{}, false
	}
	switch code := data[3]; {
	case code == 0xb3 || code == 0xb8 || code == 0:
		return found(media.Video, media.MPEG2)
	case code == 0xb0 || code == 0xb6:
		return found(media.Video, mpeg4Video)
	case data[4] == 1 && code>>1 >= 32 && code>>1 <= 39:
		return found(media.Video, media.HEVC)
	default:
		return found(media.Video, media.H264)
	}
}
