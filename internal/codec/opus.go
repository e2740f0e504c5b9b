// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "sparkrtc.dev/recording-operator/internal/media"

// OpusRate is the clock of Opus in Hz, whatever was recorded.
const OpusRate = 48000

// OpusSamples is how many samples of 48 kHz an Opus packet lasts (RFC 6716, 3.1 and 3.2); 0: it is none.
func OpusSamples(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	var samples int
	switch config := int(packet[0] >> 3); {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		samples = [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		samples = 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		samples = 120 << (config & 3)
	}
	const most = 5760 // 120 ms
	switch packet[0] & 3 {
	case 1, 2:
		samples *= 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		samples *= int(packet[1] & 0x3f)
	}
	if samples > most {
		return 0
	}
	return samples
}

// OpusHeader is how many bytes [ParseOpusUnit] needs.
const OpusHeader = 3

// ParseOpusUnit parses the control header of an Opus access unit in MPEG-TS (ETSI TS 103 491, 5.2). Trimming is passed
// over: the times of packets say it as well.
func ParseOpusUnit(data []byte) (SoundFrame, bool) {
	if len(data) < OpusHeader || data[0] != 0x7f || data[1]&0xe0 != 0xe0 {
		return SoundFrame{}, false
	}
	at, size := 2, 0
	for {
		if at >= len(data) {
			return SoundFrame{}, false
		}
		size += int(data[at])
		at++
		if data[at-1] != 0xff {
			break
		}
	}
	for _, trim := range [...]byte{0x10, 0x08} {
		if data[1]&trim != 0 {
			at += 2
		}
	}
	if data[1]&0x04 != 0 {
		if at >= len(data) {
			return SoundFrame{}, false
		}
		at += 1 + int(data[at])
	}
	if at >= len(data) || size == 0 {
		return SoundFrame{}, false
	}
	samples := OpusSamples(data[at:min(len(data), at+size)])
	return SoundFrame{Header: at, Size: at + size, Samples: samples, Rate: OpusRate, Config: uint64(samples)}, samples > 0 //nolint:gosec // at most 5760
}

// opusStreams are the numbers of streams, and of those that are coupled, by the number of channels in mapping family 1;
// opusMapping is the order of the channels (RFC 7845, 5.1.1.2).
var (
	opusStreams = [9][2]byte{{}, {1, 0}, {1, 1}, {2, 1}, {2, 2}, {3, 2}, {4, 2}, {4, 3}, {5, 3}}
	opusMapping = [9][]byte{
		{}, {0}, {0, 1}, {0, 2, 1}, {0, 1, 2, 3}, {0, 4, 1, 2, 3}, {0, 4, 1, 2, 3, 5}, {0, 4, 1, 2, 3, 5, 6},
		{0, 6, 1, 2, 3, 4, 5, 7},
	}
)

// OpusParams is what a decoder has to know to decode Opus with packets of the given length, by the channel_config_code
// that MPEG-TS says: the number of channels. Without one, two channels are taken. The sample entry is Opus with dOps
// (Encapsulation of Opus in ISO Base Media File Format, 4.3); it is empty for other codes.
func OpusParams(channelConfig, samples int) media.Params {
	if channelConfig < 0 {
		channelConfig = 2
	}
	params := media.Params{Codec: media.Opus, SampleRate: OpusRate, FrameSamples: samples}
	if channelConfig == 0 || channelConfig > 8 {
		return params
	}
	params.Channels = channelConfig
	config := []byte{0, byte(channelConfig), 0, 0, 0, 0, 0xbb, 0x80, 0, 0, 0} // no pre-skip, 48 kHz, no gain, family 0
	if channelConfig > 2 {
		config[len(config)-1] = 1
		config = append(append(config, opusStreams[channelConfig][:]...), opusMapping[channelConfig]...)
	}
	params.Entry = audioEntry("Opus", OpusRate, channelConfig, box("dOps", config))
	return params
}
