// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// objectTypes are the encodings of mp4a and mp4v by object type indication (ISO/IEC 14496-1, 7.2.6.6.2, and the MP4
// registration authority).
var objectTypes = map[byte]media.Codec{
	0x20: media.MPEG4, 0x40: media.AAC, 0x66: media.AAC, 0x67: media.AAC, 0x68: media.AAC,
	0x60: media.MPEG2, 0x61: media.MPEG2, 0x62: media.MPEG2, 0x63: media.MPEG2, 0x64: media.MPEG2, 0x65: media.MPEG2,
	0x69: media.MP3, 0x6a: "mpeg1video", 0x6b: media.MP3, 0x6c: media.MJPEG,
	0xa5: media.AC3, 0xa6: media.EAC3, 0xa9: "dts", 0xad: media.Opus, 0xdd: "vorbis",
}

// elementaryStream reads esds: the object type, and what it says of the sound.
func (r *entryReader) elementaryStream(content []byte) {
	objectType, config, ok := codec.ParseESDSBox(content)
	if !ok {
		return
	}
	if name, known := objectTypes[objectType]; known {
		r.params.Codec = name
	}
	switch r.params.Codec {
	case media.AAC:
		r.aac(config)
	case media.MP3:
		r.params.FrameSamples = mp3Samples(r.params.SampleRate)
	default:
	}
}

// Object types (ISO/IEC 14496-3, table 1.17): up to AAC-LTP, and AAC-LD.
const (
	longTerm = 4
	lowDelay = 23
)

// aac takes the core's rate and channels from an AudioSpecificConfig, as packets are frames of the core.
func (r *entryReader) aac(specific []byte) {
	config, err := codec.ParseAudioConfig(specific)
	if err != nil {
		return
	}
	r.params.SampleRate = config.Rate
	r.format.blocks = config.ObjectType <= longTerm
	if config.ObjectType < lowDelay { // others have frames of other lengths
		r.params.FrameSamples = config.FrameSamples
	}
	if config.Channels > 0 {
		r.params.Channels = config.Channels
	}
}

// ac3 takes the channels from a coding mode of three bits and the bit behind it, which stands for a low frequency channel
// (ETSI TS 102 366, 4.4.2.3). The sample entry itself always says two channels.
func (r *entryReader) ac3(bits byte) {
	r.params.Channels = [...]int{2, 1, 2, 3, 3, 4, 4, 5}[bits>>1&7] + int(bits&1)
}
