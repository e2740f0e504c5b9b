// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"fmt"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// adopt makes a stream of a PID that no table names, when a PES packet begins in it and there is no PMT at all: a
// segment may rely on the tables of the one before. Its first bytes tell what it is.
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
	found, ok := guess(header.streamID, p.payload[size:])
	if !ok {
		return false
	}
	d.mapStream(mappedStream{pid: known.number, kind: found.kind, codec: found.codec, opusChannels: -1})
	if known.stream == nil {
		return false
	}
	d.damage.add(&d.file, media.TablesMissing, known.stream.index, 0, p.offset)
	return true
}

// look tells what a stream of private data is whose PES packets say that they are sound or pictures, from the first that
// begins in it. Some muxers name no encoding of what a disc does not have, for example AAC.
func (s *stream) look(payload []byte) {
	const sound, soundMask, pictures, picturesMask = 0xc0, 0xe0, 0xe0, 0xf0 // stream_id, ISO/IEC 13818-1, table 2-22
	if s.mapped.codec == dts {
		s.mapped.untold = false
		if _, ok := pesHeaderSize(payload); !ok {
			s.become(encoding{media.Data, scte35}) // it comes in sections
		}
		return
	}
	header, size, ok := parsePES(payload)
	isSound := ok && header.streamID&soundMask == sound
	if ok && s.mapped.kind == media.Audio {
		s.lookAtSound(payload[size:])
		return
	}
	if !isSound && (!ok || header.streamID&picturesMask != pictures) {
		return
	}
	s.mapped.untold = false
	found, ok := guess(header.streamID, payload[size:])
	switch {
	case isSound && s.mapped.telephone != "":
		s.become(encoding{media.Audio, s.mapped.telephone})
	case !ok:
		s.d.noteUnreadable(isSound)
		s.d.ignore(fmt.Sprintf("PID %d: picture or sound of an encoding that is not known (%s)", s.mapped.pid, s.mapped.codec))
	default:
		s.become(found)
	}
}

// lookAtSound tells whether AAC comes as ADTS or as LATM: some muxers name the one and write the other, and some name MPEG
// audio and write ADTS.
func (s *stream) lookAtSound(payload []byte) {
	s.mapped.untold = false
	frame, isADTS := codec.ParseADTS(payload)
	if isADTS && s.mapped.codec == media.MP3 && frame.Size+codec.ADTSHeader <= len(payload) {
		_, isADTS = codec.ParseADTS(payload[frame.Size:]) // a PES packet of MPEG audio may begin within a frame
	}
	switch {
	case isADTS && s.mapped.codec != media.AAC:
		s.become(encoding{media.Audio, media.AAC})
	case s.mapped.codec == media.AAC && !isADTS && codec.IsLATM(payload):
		s.become(encoding{media.Audio, aacLATM})
	}
}

// become makes a stream what its bytes tell.
func (s *stream) become(found encoding) {
	s.mapped.kind, s.mapped.codec, s.mapped.told = found.kind, found.codec, true
	s.cutter = newCutter(s.mapped)
	description := s.description()
	description.Kind, description.Codec, description.Default = found.kind, found.codec, found.kind != media.Data
}

// guess tells an encoding from the stream_id and the first bytes of a PES packet.
func guess(streamID byte, data []byte) (found encoding, ok bool) {
	if streamID&0xf0 == 0xe0 {
		return guessVideo(data)
	}
	for _, known := range [...]struct {
		codec media.Codec
		parse func([]byte) (codec.SoundFrame, bool)
	}{
		{media.AAC, codec.ParseADTS},
		{media.MP3, codec.ParseMPEGAudio},
		{media.AC3, codec.ParseAC3},
		{media.EAC3, codec.ParseEAC3},
		{media.Opus, codec.ParseOpusUnit},
		{aacLATM, new(codec.LATM).Parse},
	} {
		if _, ok := known.parse(data); ok {
			return encoding{media.Audio, known.codec}, true
		}
	}
	return encoding{}, false
}

// guessVideo tells the encoding of pictures from the first start code.
func guessVideo(data []byte) (found encoding, ok bool) {
	start, begin, end := codec.NextNAL(data, 0)
	if start < 0 || start > 1 || end-begin < 2 {
		return encoding{}, false
	}
	switch code := data[begin]; {
	case data[begin+1] == 1 && isHEVC(code) && !isMPEG2Picture(data[start:]):
		return encoding{media.Video, media.HEVC}, true
	case (mpeg2Rules{}).role(code) != continues:
		return encoding{media.Video, media.MPEG2}, true
	case code == codec.MPEG4Sequence || code == codec.MPEG4Plane:
		return encoding{media.Video, media.MPEG4}, true
	default:
		return encoding{media.Video, media.H264}, true
	}
}

// isMPEG2Picture says that the start code of a picture of MPEG-1 or MPEG-2, which a slice of H.265 may have too, has behind it
// what follows its header: an extension, user data, or the first slice (ISO/IEC 13818-2, 6.2.3). H.265 uses none of these codes.
func isMPEG2Picture(data []byte) bool {
	const firstSlice, userData = 0x01, 0xb2
	next := codec.NextStartCode(data, 4)
	if data[3] != codec.MPEG2Picture || next < 0 || next+3 >= len(data) {
		return false
	}
	code := data[next+3]
	return code == codec.MPEG2Extension || code == userData || code == firstSlice
}

// isHEVC says that the first byte of a NAL unit of the base layer is one of H.265: of a parameter set, a delimiter, a message, or
// a slice whose type H.264 does not use, or not with a 1 behind it.
func isHEVC(code byte) bool {
	kind := int(code >> 1)
	return code&0x81 == 0 && (kind >= codec.HEVCVPS && kind <= codec.HEVCPrefixSEI ||
		kind <= 1 || kind >= 6 && kind <= codec.HEVCLastTrailing || kind >= codec.HEVCFirstIRAP && kind <= codec.HEVCLastIRAP)
}
