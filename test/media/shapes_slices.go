// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"encoding/binary"
	"slices"
)

// sliceShapes are pictures of several slices that lack one, as a recorder writes them that lost a packet of the call: the container is
// whole, and only the pictures are not.
func sliceShapes() []shape {
	const picture, middle = 125, 2
	lacking := func(source string, slice int) (*take, *unit) {
		t := with(source, "aac", 8)
		i := slices.IndexFunc(t.units, func(u *unit) bool { return u.source.video && u.number() == picture })
		return t, t.units[i].loseSlice(slice)
	}
	hls := func(source string, slice int) func() *recording {
		return func() *recording {
			t, hurt := lacking(source, slice)
			r := newRecording().add(t, joint{})
			r.lose(hurt)
			r.truth.decoding = slice > 0
			return r.finish()
		}
	}
	mp4 := func(source string, slice int, style mp4Style) func() *recording {
		return func() *recording {
			t, hurt := lacking(source, slice)
			r := mp4File(t, style)
			r.lose(hurt)
			r.truth.decoding = slice > 0
			return r.finish()
		}
	}
	return []shape{
		{"slice_first_lost", "L", "a picture lacks its first slice", hls("h264-slices", 0)},
		{"slice_first_lost_hevc", "L", "the same, H.265", hls("hevc-slices", 0)},
		{"slice_first_lost_mp4", "L", "the same in MP4", mp4("h264-slices", 0, mp4Style{})},
		{"slice_first_lost_fragmented", "L", "the same in fragmented MP4", mp4("h264-slices", 0, mp4Style{fragments: 2})},
		{"slice_first_lost_hevc_mp4", "L", "the same in MP4, H.265", mp4("hevc-slices", 0, mp4Style{})},
		{"slice_lost", "L", "a picture lacks a slice in its middle", hls("h264-slices", middle)},
		{"slice_lost_mp4", "L", "the same in MP4", mp4("h264-slices", middle, mp4Style{})},
	}
}

// loseSlice leaves out a slice of a picture, and gives the picture.
func (u *unit) loseSlice(number int) *unit {
	data := u.sample().data
	u.altered = []byte{}
	for seen := 0; len(data) > 4; {
		size := 4 + int(binary.BigEndian.Uint32(data))
		if isSlice := u.source.isSlice(data[4]); !isSlice || seen != number {
			u.altered = append(u.altered, data[:size]...)
		}
		if u.source.isSlice(data[4]) {
			seen++
		}
		data = data[size:]
	}
	return u
}

// isSlice says so of the first byte of a NAL unit.
func (s *source) isSlice(header byte) bool {
	if s.codec == "hevc" {
		return header>>1&0x3f < 32
	}
	return header&0x1f == 1 || header&0x1f == 5
}
