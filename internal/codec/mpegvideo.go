// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"math/bits"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Start codes of MPEG-1 and MPEG-2 video (ISO/IEC 13818-2, table 6-1).
const (
	MPEG2Picture   = 0x00
	MPEG2LastSlice = 0xaf
	MPEG2Sequence  = 0xb3
	MPEG2Extension = 0xb5
	MPEG2Group     = 0xb8
)

const (
	sequenceExtension = 1
	pictureExtension  = 8
)

// MPEG2Intra says whether a picture header, which begins with its start code, is of an I picture.
func MPEG2Intra(header []byte) bool { return len(header) >= 6 && header[5]>>3&7 == 1 }

// MPEG2Structure is the picture_structure of a picture coding extension, which begins with its start code: 1 is a top
// field, 2 a bottom field, 3 a frame. It is 0 for other extensions.
func MPEG2Structure(extension []byte) int {
	if len(extension) < 7 || extension[4]>>4 != pictureExtension {
		return 0
	}
	return int(extension[6] & 3)
}

// MPEG2Params is what a decoder has to know, from a sequence header with its extensions (ISO/IEC 13818-2, 6.2.2.1).
// Ticks is how long a frame lasts in ticks of 90 kHz.
func MPEG2Params(config []byte) (params media.Params, ticks int64, ok bool) {
	if len(config) < 12 || config[3] != MPEG2Sequence || len(config) > ParameterSetBytes {
		return media.Params{}, 0, false
	}
	b := &bitReader{data: config[4:]}
	width, height, aspect, rate := int(b.read(12)), int(b.read(12)), b.read(4), b.read(4)
	name, objectType := media.Codec("mpeg1video"), byte(ObjectMPEG1Video)
	for at := NextStartCode(config, 4); at >= 0; at = NextStartCode(config, at+3) {
		if extension := config[at:]; len(extension) >= 8 && extension[3] == MPEG2Extension && extension[4]>>4 == sequenceExtension {
			name, objectType = media.MPEG2, ObjectMPEG2Video
			width |= int(extension[5]&1)<<13 | int(extension[6]>>7)<<12
			height |= int(extension[6]>>5&3) << 12
		}
	}
	if width == 0 || height == 0 {
		return media.Params{}, 0, false
	}
	v := VUI{}
	if name == media.MPEG2 {
		shape := [5][2]int{{}, {}, {4, 3}, {16, 9}, {221, 100}}[min(aspect, 4)%5]
		v.AspectWidth, v.AspectHeight = reduce(shape[0]*height, shape[1]*width)
	}
	frameTicks := [9]int64{0, 3754, 3750, 3600, 3003, 3000, 1800, 1502, 1500}
	if int(rate) < len(frameTicks) {
		ticks = frameTicks[rate]
	}
	boxes := append([][]byte{esds(objectType, streamVideo, config)}, v.boxes()...)
	return media.Params{
		Codec: name, Width: width, Height: height, Entry: visualEntry("mp4v", width, height, boxes...),
	}, ticks, true
}

// reduce divides both by their greatest common divisor.
func reduce(a, b int) (int, int) {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	if x == 0 {
		return 0, 0
	}
	return a / x, b / x
}

// Start codes of MPEG-4 part 2 (ISO/IEC 14496-2, table 6-3).
const (
	MPEG4FirstLayer = 0x20
	MPEG4LastLayer  = 0x2f
	MPEG4Sequence   = 0xb0
	MPEG4Group      = 0xb3
	MPEG4Object     = 0xb5
	MPEG4Plane      = 0xb6
)

// MPEG4Intra says whether a VOP, which begins with its start code, is an I-VOP.
func MPEG4Intra(plane []byte) bool { return len(plane) >= 5 && plane[4]>>6 == 0 }

// MPEG4Params is what a decoder has to know, from the headers in front of the first VOP (ISO/IEC 14496-2, 6.2).
func MPEG4Params(config []byte) (params media.Params, ok bool) {
	if len(config) > ParameterSetBytes {
		return media.Params{}, false
	}
	for at := NextStartCode(config, 0); at >= 0; at = NextStartCode(config, at+3) {
		if layer := config[at:]; len(layer) > 4 && layer[3] >= MPEG4FirstLayer && layer[3] <= MPEG4LastLayer {
			params.Width, params.Height, ok = layerSize(layer[4:])
		}
	}
	if !ok {
		return media.Params{}, false
	}
	params.Codec = media.MPEG4
	params.Entry = visualEntry("mp4v", params.Width, params.Height, esds(ObjectMPEG4Video, streamVideo, config))
	return params, true
}

// layerSize reads the size out of a VideoObjectLayer (6.2.3) of rectangular shape.
func layerSize(data []byte) (width, height int, ok bool) {
	b := &bitReader{data: data}
	version := uint32(1)
	b.skip(1 + 8) // random_accessible_vol, video_object_type_indication
	if b.flag() {
		version = b.read(4)
		b.skip(3)
	}
	if b.read(4) == 15 { // aspect_ratio_info: extended
		b.skip(16)
	}
	if b.flag() { // vol_control_parameters
		b.skip(3)
		if b.flag() {
			b.skip(79) // vbv_parameters
		}
	}
	shape := b.read(2)
	if shape == 3 && version != 1 {
		b.skip(4)
	}
	b.skip(1)
	resolution := b.read(16)
	b.skip(1)
	if b.flag() && resolution > 0 { // fixed_vop_rate
		b.skip(max(1, bits.Len32(resolution-1)))
	}
	if shape != 0 {
		return 0, 0, false
	}
	b.skip(1)
	width = int(b.read(13))
	b.skip(1)
	height = int(b.read(13))
	return width, height, !b.overrun && width > 0 && height > 0
}
