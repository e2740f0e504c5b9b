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
	0x20: "mpeg4", 0x40: media.AAC, 0x66: media.AAC, 0x67: media.AAC, 0x68: media.AAC,
	0x60: media.MPEG2, 0x61: media.MPEG2, 0x62: media.MPEG2, 0x63: media.MPEG2, 0x64: media.MPEG2, 0x65: media.MPEG2,
	0x69: media.MP3, 0x6a: "mpeg1video", 0x6b: media.MP3, 0x6c: media.MJPEG,
	0xa5: media.AC3, 0xa6: media.EAC3, 0xa9: "dts", 0xad: media.Opus, 0xdd: "vorbis",
}

// elementaryStream reads esds: an ES_Descriptor (ISO/IEC 14496-1, 7.2.6.5).
func (r *entryReader) elementaryStream(body []byte) {
	if len(body) < 4 {
		return
	}
	stream, _ := descriptor(body[4:], 3)
	if len(stream) < 3 {
		return
	}
	flags, rest := stream[2], stream[3:]
	skip := 0
	if flags&0x80 != 0 {
		skip += 2
	}
	if flags&0x40 != 0 && skip < len(rest) {
		skip += 1 + int(rest[skip])
	}
	if flags&0x20 != 0 {
		skip += 2
	}
	if skip > len(rest) {
		return
	}
	config, _ := descriptor(rest[skip:], 4)
	if len(config) < 13 {
		return
	}
	if codec, known := objectTypes[config[0]]; known {
		r.params.Codec = codec
	}
	specific, _ := descriptor(config[13:], 5)
	switch r.params.Codec {
	case media.AAC:
		r.aac(specific)
	case media.MP3:
		r.params.FrameSamples = mp3Samples(r.params.SampleRate)
	default:
	}
}

// descriptor gives the content of the descriptor of this tag at the beginning of data, and what follows it.
func descriptor(data []byte, tag byte) (content, rest []byte) {
	if len(data) < 2 || data[0] != tag {
		return nil, nil
	}
	size := 0
	for i := 1; i < len(data) && i <= 4; i++ {
		size = size<<7 | int(data[i]&0x7f)
		if data[i]&0x80 == 0 {
			content = data[i+1:]
			size = min(size, len(content))
			return content[:size], content[size:]
		}
	}
	return nil, nil
}

// aac takes the core's rate and channels from an AudioSpecificConfig, as packets are frames of the core.
func (r *entryReader) aac(specific []byte) {
	config, err := codec.ParseAudioConfig(specific)
	if err != nil {
		return
	}
	r.params.SampleRate, r.params.FrameSamples = config.Rate, config.FrameSamples
	if config.Channels > 0 {
		r.params.Channels = config.Channels
	}
}

// ac3 takes the channels from a coding mode of three bits and the bit behind it, which stands for a low frequency channel
// (ETSI TS 102 366, 4.4.2.3). The sample entry itself always says two channels.
func (r *entryReader) ac3(bits byte) {
	r.params.Channels = [...]int{2, 1, 2, 3, 3, 4, 4, 5}[bits>>1&7] + int(bits&1)
}
