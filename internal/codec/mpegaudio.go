// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "sparkrtc.dev/recording-operator/internal/media"

// MP1 is MPEG audio layer I.
const MP1 media.Codec = "mp1"

// Bit rates in kbit/s by bitrate_index (ISO/IEC 11172-3, 2.4.2.3, and ISO/IEC 13818-3): of MPEG-1 by layer, then of
// MPEG-2 layer I and layers II and III.
var mpegAudioBitRates = [5][15]int{
	{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
	{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
}

// MPEGAudioHeader is how many bytes [ParseMPEGAudio] needs.
const MPEGAudioHeader = 4

// mpegAudio is the header of a frame of MPEG audio. Version is 1, 2, or 3 for MPEG-2.5; layer is 1 to 3.
type mpegAudio struct{ version, layer, rate, channels, samples, size int }

func parseMPEGAudio(data []byte) (h mpegAudio, ok bool) {
	if len(data) < MPEGAudioHeader || data[0] != 0xff || data[1]&0xe0 != 0xe0 {
		return h, false
	}
	h.version = [4]int{3, 0, 2, 1}[data[1]>>3&3]
	h.layer = 4 - int(data[1]>>1&3)
	index, rate := int(data[2]>>4), int(data[2]>>2&3)
	if h.version == 0 || h.layer == 4 || index == 0 || index == 15 || rate == 3 {
		return h, false
	}
	h.rate = [3]int{44100, 48000, 32000}[rate] / [4]int{0, 1, 2, 4}[h.version]
	h.channels = 2
	if data[3]>>6 == 3 {
		h.channels = 1
	}
	table := h.layer - 1
	if h.version > 1 {
		table = min(2+h.layer, 4)
	}
	bits, padding := 1000*mpegAudioBitRates[table][index], int(data[2]>>1&1)
	switch {
	case h.layer == 1:
		h.samples, h.size = 384, 4*(12*bits/h.rate+padding)
	case h.layer == 3 && h.version > 1:
		h.samples, h.size = 576, 72*bits/h.rate+padding
	default:
		h.samples, h.size = 1152, 144*bits/h.rate+padding
	}
	return h, h.size > MPEGAudioHeader
}

// ParseMPEGAudio parses the header of a frame of MPEG audio, layers I to III (ISO/IEC 11172-3, 2.4.1.3). Free format is
// not read.
func ParseMPEGAudio(data []byte) (SoundFrame, bool) {
	h, ok := parseMPEGAudio(data)
	if !ok {
		return SoundFrame{}, false
	}
	config := uint64(h.version)<<40 | uint64(h.layer)<<32 | uint64(h.rate)<<8 | uint64(h.channels) //nolint:gosec // small
	return SoundFrame{Size: h.size, Samples: h.samples, Rate: h.rate, Config: config}, true
}

// MPEGAudioParams is what a decoder has to know to decode the given frame.
func MPEGAudioParams(data []byte) media.Params {
	h, ok := parseMPEGAudio(data)
	if !ok {
		return media.Params{Codec: media.MP3}
	}
	objectType := byte(ObjectMPEG1Audio)
	if h.version > 1 {
		objectType = ObjectMPEG2Audio
	}
	return media.Params{
		Codec:      [3]media.Codec{MP1, media.MP2, media.MP3}[h.layer-1],
		SampleRate: h.rate, Channels: h.channels, FrameSamples: h.samples,
		Entry: audioEntry("mp4a", h.rate, h.channels, esds(objectType, streamAudio, nil)),
	}
}
