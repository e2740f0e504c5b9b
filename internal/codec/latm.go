// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "sparkrtc.dev/recording-operator/internal/media"

// LATMHeader is how many bytes [LATM.Parse] needs.
const LATMHeader = 3

// LATM parses AAC in LOAS (ISO/IEC 14496-3, 1.7). The zero value is at the beginning of a stream.
type LATM struct {
	config AudioConfig
	// specific is the AudioSpecificConfig; empty: none that is understood has come.
	specific []byte
}

// Parse parses an AudioSyncStream element. Rate and Samples are 0 until one has had a configuration that is understood:
// one program with one layer, and one frame in each element.
func (l *LATM) Parse(data []byte) (SoundFrame, bool) {
	if len(data) < LATMHeader || data[0] != 0x56 || data[1]&0xe0 != 0xe0 {
		return SoundFrame{}, false
	}
	size := LATMHeader + int(data[1]&0x1f)<<8 + int(data[2])
	if body := data[LATMHeader:min(size, len(data))]; len(body) > 0 && body[0]&0x80 == 0 {
		b := &bitReader{data: body}
		b.skip(1)
		if config, specific, ok := streamMuxConfig(b); ok {
			l.config, l.specific = config, specific
		}
	}
	frame := SoundFrame{Size: size, Samples: l.config.FrameSamples, Rate: l.config.Rate}
	frame.Config = uint64(frame.Rate)<<32 | uint64(frame.Samples)<<8 | uint64(l.config.ChannelConfig) //nolint:gosec // small
	return frame, size > LATMHeader
}

// Prepare reads ahead for a configuration when none has come yet: a file may begin between two of them. false: the elements
// that data begins with have none.
func (l *LATM) Prepare(data []byte) bool {
	for len(l.specific) == 0 {
		frame, ok := l.Parse(data)
		if !ok || frame.Size > len(data) {
			break
		}
		data = data[frame.Size:]
	}
	return len(l.specific) > 0
}

// IsLATM says that data begins with an AudioSyncStream element, and not just with bytes that look so by chance: it has a
// configuration that is understood, or its payload fills it.
func IsLATM(data []byte) bool {
	l := &LATM{}
	frame, ok := l.Parse(data)
	if !ok || len(l.specific) > 0 {
		return ok
	}
	b := &bitReader{data: data[LATMHeader:]}
	same := b.flag()
	size := payloadLength(b)
	return same && size > 0 && !b.overrun && frame.Size == LATMHeader+(b.position+7)/8+size
}

// payloadLength reads a PayloadLengthInfo (1.7.3.1).
func payloadLength(b *bitReader) int {
	const more = 255
	size := 0
	for {
		part := int(b.read(8))
		if size += part; part != more {
			return size
		}
	}
}

// Params describes the last frame that was parsed. Without a configuration that is understood it has no sample entry.
func (l *LATM) Params([]byte) media.Params {
	if len(l.specific) == 0 {
		return media.Params{Codec: "aac_latm"}
	}
	return media.Params{
		Codec: media.AAC, SampleRate: l.config.Rate, Channels: l.config.Channels, FrameSamples: l.config.FrameSamples,
		Entry: audioEntry("mp4a", l.config.Rate, l.config.Channels, esds(ObjectAAC, streamAudio, l.specific)),
	}
}

// Payload is the frame of AAC in an element, as an MP4 sample has it: it does not begin at a byte (1.7.3.1,
// PayloadLengthInfo and PayloadMux). false: it goes on beyond the element's end.
func (l *LATM) Payload(element []byte) ([]byte, bool) {
	b := &bitReader{data: element[min(LATMHeader, len(element)):]}
	if !b.flag() { // useSameStreamMux
		if _, _, ok := streamMuxConfig(b); !ok {
			return nil, false
		}
	}
	size := payloadLength(b)
	if b.overrun || size == 0 || 8*size > b.left() {
		return nil, false
	}
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = b.octet()
	}
	return payload, true
}

// streamMuxConfig reads a StreamMuxConfig (1.7.3.1) of version 0 up to its end, and gives the AudioSpecificConfig in it.
func streamMuxConfig(b *bitReader) (config AudioConfig, specific []byte, ok bool) {
	version, sameTiming, subFrames, program, layer := b.flag(), b.flag(), b.read(6), b.read(4), b.read(3)
	if version || !sameTiming || subFrames != 0 || program != 0 || layer != 0 {
		return AudioConfig{}, nil, false
	}
	from := b.position
	config, err := parseAudioConfig(b)
	if err != nil || config.ChannelConfig == 0 {
		return AudioConfig{}, nil, false // a program_config_element would follow
	}
	if b.flag() { // dependsOnCoreCoder
		b.skip(14)
	}
	extended := b.flag()
	to := b.position
	frameLength := b.read(3) // 0: a length in bytes is in front of each payload
	skipMuxRest(b)
	if b.overrun || extended || frameLength != 0 {
		return AudioConfig{}, nil, false
	}
	copied := &bitReader{data: b.data, position: from}
	var out bitWriter
	for copied.position < to {
		out.write(copied.read(1), 1)
	}
	return config, out.data, true
}

// skipMuxRest reads what a StreamMuxConfig ends with: latmBufferFullness, the length of other data, and a checksum.
func skipMuxRest(b *bitReader) {
	b.skip(8)
	if b.flag() { // otherDataPresent
		for more := true; more && !b.overrun; {
			more = b.flag()
			b.skip(8)
		}
	}
	if b.flag() { // crcCheckPresent
		b.skip(8)
	}
}
