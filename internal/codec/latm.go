// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "sparkrtc.dev/recording-operator/internal/media"

// LATMHeader is how many bytes [LATM.Parse] needs.
const LATMHeader = 3

// LATM parses AAC in LOAS (ISO/IEC 14496-3, 1.7). Its frames have times, but no sample entry: they do not begin
// at bytes. The zero value is at the beginning of a stream.
type LATM struct{ config AudioConfig }

// Parse parses an AudioSyncStream element. Rate and Samples are 0 until one has had a configuration that is understood:
// one program with one layer, and one frame in each element.
func (l *LATM) Parse(data []byte) (SoundFrame, bool) {
	if len(data) < LATMHeader || data[0] != 0x56 || data[1]&0xe0 != 0xe0 {
		return SoundFrame{}, false
	}
	size := LATMHeader + int(data[1]&0x1f)<<8 + int(data[2])
	if body := data[LATMHeader:min(size, len(data))]; len(body) > 0 && body[0]&0x80 == 0 {
		if config, ok := streamMuxConfig(body); ok {
			l.config = config
		}
	}
	frame := SoundFrame{Size: size, Samples: l.config.FrameSamples, Rate: l.config.Rate}
	frame.Config = uint64(frame.Rate)<<32 | uint64(frame.Samples)<<8 | uint64(l.config.ChannelConfig) //nolint:gosec // small
	return frame, size > LATMHeader
}

// Params describes the last frame that was parsed.
func (l *LATM) Params([]byte) media.Params {
	return media.Params{
		Codec: "aac_latm", SampleRate: l.config.Rate, Channels: l.config.Channels, FrameSamples: l.config.FrameSamples,
	}
}

// streamMuxConfig finds the AudioSpecificConfig in a StreamMuxConfig (1.7.3.1) of version 0.
func streamMuxConfig(data []byte) (AudioConfig, bool) {
	b := &bitReader{data: data}
	b.skip(1) // useSameStreamMux
	version, sameTiming, subFrames, program, layer := b.flag(), b.flag(), b.read(6), b.read(4), b.read(3)
	if version || !sameTiming || subFrames != 0 || program != 0 || layer != 0 {
		return AudioConfig{}, false
	}
	const longest = 16
	var config bitWriter
	for range min(longest, b.left()/8) {
		config.write(b.read(8), 8)
	}
	parsed, err := ParseAudioConfig(config.data)
	return parsed, err == nil
}
