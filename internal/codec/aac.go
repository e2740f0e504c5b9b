// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"fmt"

	"sparkrtc.dev/recording-operator/internal/media"
)

// aacRates are the sampling rates by sampling_frequency_index (ISO/IEC 14496-3, table 1.18).
var aacRates = [13]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// aacChannels are the numbers of channels by channelConfiguration (ISO/IEC 14496-3, table 1.19); 0: a
// program_config_element says them.
var aacChannels = [16]int{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0}

// SoundFrame is the header of a frame of sound, as frames have it that can be found in a stream of bytes.
type SoundFrame struct {
	// Header is the number of bytes before what an MP4 sample holds; Size is that of the frame with its header.
	Header, Size int
	// Samples in the frame, for each channel, and their Rate in Hz.
	Samples, Rate int
	// Config is equal for frames that decode alike.
	Config uint64
}

// ADTSHeader is how many bytes [ParseADTS] needs at least.
const ADTSHeader = 7

// ParseADTS parses the header of an ADTS frame (ISO/IEC 14496-3, 1.A.2.2).
func ParseADTS(data []byte) (frame SoundFrame, ok bool) {
	if len(data) < ADTSHeader || data[0] != 0xff || data[1]&0xf6 != 0xf0 {
		return SoundFrame{}, false
	}
	rate := int(data[2] >> 2 & 0xf)
	if rate >= len(aacRates) {
		return SoundFrame{}, false
	}
	frame = SoundFrame{
		Header:  ADTSHeader,
		Size:    int(data[3]&3)<<11 | int(data[4])<<3 | int(data[5])>>5,
		Samples: aacSamples * (int(data[6]&3) + 1),
		Rate:    aacRates[rate],
		// Profile, rate, channels, and the number of blocks, which are what a decoder is configured with.
		Config: uint64(data[2]&0xfd)<<16 | uint64(data[3]&0xc0)<<8 | uint64(data[6]&3),
	}
	if data[1]&1 == 0 {
		frame.Header += 2 // the CRC
	}
	return frame, frame.Size > frame.Header
}

const aacSamples = 1024

// ADTSParams is what a decoder has to know to decode the given frame, which begins with its header. The sample entry is
// empty when a frame holds several blocks, since MP4 has no place for those, or when the channels are said by a
// program_config_element that the frame does not begin with.
func ADTSParams(data []byte) media.Params {
	frame, ok := ParseADTS(data)
	if !ok {
		return media.Params{Codec: media.AAC}
	}
	objectType, rate, channels := data[2]>>6+1, data[2]>>2&0xf, data[2]&1<<2|data[3]>>6
	params := media.Params{
		Codec: media.AAC, SampleRate: frame.Rate, Channels: aacChannels[channels], FrameSamples: frame.Samples,
	}
	if frame.Samples != aacSamples {
		return params
	}
	config := bitWriter{}
	config.write(uint32(objectType), 5)
	config.write(uint32(rate), 4)
	config.write(uint32(channels), 4)
	config.write(0, 3) // frameLengthFlag, dependsOnCoreCoder, extensionFlag
	if channels == 0 {
		count, ok := copyProgramConfig(&config, data[min(frame.Header, len(data)):])
		if !ok {
			return params
		}
		params.Channels = count
	}
	params.Entry = audioEntry("mp4a", params.SampleRate, params.Channels, esds(ObjectAAC, streamAudio, config.data))
	return params
}

// AACBlock says whether bytes may be a raw_data_block (ISO/IEC 14496-3, 4.4.2.1): it begins with an element for a channel or more, or
// with one that is filled up or describes them. The end may be all that a short one has.
func AACBlock(data []byte) bool {
	const lowFrequency, end, short = 3, 7, 8
	if len(data) == 0 {
		return false
	}
	element := data[0] >> 5
	return element != lowFrequency && (element != end || len(data) < short)
}

// copyProgramConfig copies the program_config_element (ISO/IEC 14496-3, 4.5.1.2) that a raw_data_block begins with, as
// an AudioSpecificConfig has it, and counts its channels.
func copyProgramConfig(config *bitWriter, block []byte) (channels int, ok bool) {
	const element = 5
	b := &bitReader{data: block}
	if b.read(3) != element {
		return 0, false
	}
	number := func(count int) int {
		value := b.read(count)
		config.write(value, count)
		return int(value)
	}
	number(4 + 2 + 4) // element_instance_tag, object_type, sampling_frequency_index
	front, side, back, lfe, assoc, coupling := number(4), number(4), number(4), number(2), number(3), number(4)
	for _, size := range []int{4, 4, 3} { // mixdowns
		if number(1) == 1 {
			number(size)
		}
	}
	for range front + side + back {
		channels += 1 + number(1)
		number(4)
	}
	channels += lfe
	for range lfe + assoc {
		number(4)
	}
	for range coupling {
		number(5)
	}
	b.skip(-b.position & 7)
	config.write(0, config.free)
	for range number(8) {
		number(8)
	}
	return channels, !b.overrun && channels > 0
}

// AudioConfig is an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1), as far as it is needed.
type AudioConfig struct {
	// ObjectType of the core: 2 is AAC-LC.
	ObjectType int
	// Rate of the core in Hz, and ChannelConfig, 0 to 15; 0: a program_config_element says the channels.
	Rate, ChannelConfig int
	// Channels; 0: unknown.
	Channels int
	// SBR and PS say that the configuration signals spectral band replication and parametric stereo explicitly.
	SBR, PS bool
	// OutputRate is that of what the decoder gives: twice that of the core with SBR.
	OutputRate int
	// FrameSamples is the number of samples of the core in a frame: 1024 or 960.
	FrameSamples int
}

// ParseAudioConfig parses an AudioSpecificConfig.
func ParseAudioConfig(data []byte) (AudioConfig, error) {
	return parseAudioConfig(&bitReader{data: data})
}

// parseAudioConfig reads an AudioSpecificConfig up to the frameLengthFlag of its GASpecificConfig.
func parseAudioConfig(b *bitReader) (AudioConfig, error) {
	config := AudioConfig{FrameSamples: aacSamples}
	config.ObjectType, config.Rate = objectType(b), samplingRate(b)
	config.ChannelConfig = int(b.read(4))
	config.Channels = aacChannels[config.ChannelConfig]
	config.OutputRate = config.Rate
	if config.ObjectType == aacSBR || config.ObjectType == aacPS {
		config.SBR, config.PS = true, config.ObjectType == aacPS
		config.OutputRate, config.ObjectType = samplingRate(b), objectType(b)
	}
	if config.PS && config.Channels == 1 {
		config.Channels = 2
	}
	switch config.ObjectType {
	case 1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23: // GASpecificConfig
		if b.flag() {
			config.FrameSamples = 960
		}
	}
	if b.overrun || config.Rate <= 0 || config.OutputRate <= 0 || config.ObjectType == 0 {
		return AudioConfig{}, fmt.Errorf("AudioSpecificConfig of %d bytes: %w", len(b.data), ErrInvalid)
	}
	return config, nil
}

// Object types of AAC (ISO/IEC 14496-3, table 1.17).
const (
	aacLC  = 2
	aacSBR = 5
	aacPS  = 29
)

func objectType(b *bitReader) int {
	const escape = 31
	value := int(b.read(5))
	if value == escape {
		value = 32 + int(b.read(6))
	}
	return value
}

func samplingRate(b *bitReader) int {
	const escape = 15
	index := int(b.read(4))
	if index == escape {
		return int(b.read(24))
	}
	if index < len(aacRates) {
		return aacRates[index]
	}
	return 0
}
