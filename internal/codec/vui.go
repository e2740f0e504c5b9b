// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

// aspectRatios are the shapes of pixels by aspect_ratio_idc (ISO/IEC 14496-10, table E-1).
var aspectRatios = [17][2]int{
	{0, 0},
	{1, 1},
	{12, 11},
	{10, 11},
	{16, 11},
	{40, 33},
	{24, 11},
	{20, 11},
	{32, 11},
	{80, 33},
	{18, 11},
	{15, 11},
	{64, 33},
	{160, 99},
	{4, 3},
	{3, 2},
	{2, 1},
}

// parseVUI reads the part of the usability information that H.264 (E.1.1) and HEVC (E.2.1) have in common; timing reads
// what follows it.
func parseVUI(b *bitReader, timing func(*bitReader) int64) VUI {
	var v VUI
	if b.flag() {
		if kind := b.read(8); kind == 255 {
			v.AspectWidth, v.AspectHeight = int(b.read(16)), int(b.read(16))
		} else if int(kind) < len(aspectRatios) {
			v.AspectWidth, v.AspectHeight = aspectRatios[kind][0], aspectRatios[kind][1]
		}
	}
	if b.flag() {
		b.skip(1) // overscan_appropriate_flag
	}
	if b.flag() {
		b.skip(3) // video_format
		v.FullRange = b.flag()
		if b.flag() {
			v.HasColor = true
			v.Primaries, v.Transfer, v.Matrix = int(b.read(8)), int(b.read(8)), int(b.read(8))
		}
	}
	if b.flag() {
		b.unsigned() // chroma_sample_loc_type_top_field
		b.unsigned()
	}
	v.FrameTicks = timing(b)
	return v
}

// h264Ticks reads timing_info. A tick of H.264 is that of a field.
func h264Ticks(b *bitReader) int64 {
	if !b.flag() {
		return 0
	}
	return ticks(2*int64(b.read(32)), int64(b.read(32)))
}

// ticks are the ticks of 90 kHz in units/scale seconds; 0 when that is no time of a frame.
func ticks(units, scale int64) int64 {
	if scale == 0 {
		return 0
	}
	value := (units*90_000 + scale/2) / scale
	if value > 10*90_000 {
		return 0
	}
	return value
}
