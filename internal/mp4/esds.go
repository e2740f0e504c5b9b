// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import "sparkrtc.dev/recording-operator/internal/media"

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

// aacRates are the sample rates by index (ISO/IEC 14496-3, 1.6.3.4).
var aacRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// aac reads the beginning of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): the core's rate and channels.
func (r *entryReader) aac(config []byte) {
	b := bitReader{data: config}
	object := b.take(5)
	if object == 31 {
		object = 32 + b.take(6)
	}
	rate := int(b.take(4))
	if rate == 15 {
		rate = int(b.take(24))
	} else if rate < len(aacRates) {
		rate = aacRates[rate]
	} else {
		rate = 0
	}
	channels := int(b.take(4))
	if object == 5 || object == 29 { // SBR in front: the extension's rate, then the core's object type
		if b.take(4) == 15 {
			b.take(24)
		}
		if object = b.take(5); object == 31 {
			object = 32 + b.take(6)
		}
	}
	shorter := b.take(1) == 1 // frameLengthFlag
	if b.short || rate == 0 {
		return
	}
	r.params.SampleRate = rate
	switch {
	case channels == 7:
		r.params.Channels = 8
	case channels > 0 && channels < 7:
		r.params.Channels = channels
	}
	switch {
	case object == 23 || object == 39: // low delay
		r.params.FrameSamples = 512
	case object > 4 && object != 17: // not AAC of 1024 or 960 samples
	case shorter:
		r.params.FrameSamples = 960
	default:
		r.params.FrameSamples = 1024
	}
}

// ac3 reads the channels behind the first bits: the audio coding mode and whether there is a low frequency channel
// (ETSI TS 102 366, 4.4.2.3). The sample entry itself always says two.
func (r *entryReader) ac3(b bitReader, behind int) {
	b.take(behind)
	mode, low := b.take(3), b.take(1)
	if !b.short {
		r.params.Channels = [...]int{2, 1, 2, 3, 3, 4, 4, 5}[mode] + int(low)
	}
}

// bitReader takes bits from the front of data; short says that there were too few.
type bitReader struct {
	data  []byte
	taken int
	short bool
}

func (b *bitReader) take(n int) (value uint32) {
	for range n {
		at := b.taken / 8
		if at >= len(b.data) {
			b.short = true
			return 0
		}
		value = value<<1 | uint32(b.data[at]>>(7-b.taken%8)&1)
		b.taken++
	}
	return value
}
