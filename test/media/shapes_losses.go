// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"encoding/binary"
	"slices"
)

// lossShapes are what a recorder writes that lost a packet of the call: the container is whole, and a picture or a part of one is missing.
func lossShapes() []shape {
	const picture, middle = 125, 2
	lacking := func(source string, slice int) (*take, *unit) {
		t := with(source, "aac", 8)
		return t, t.units[t.indexOf(picture)].loseSlice(slice)
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
		{"picture_lost", "L", "a picture is missing, and the others keep their times", func() *recording {
			t := with("h264", "aac", 8)
			lost := t.losePicture(picture)
			return newRecording().add(t, joint{}).without(lost).finish()
		}},
		{"picture_lost_mp4", "L", "the same in MP4", func() *recording {
			t := with("h264", "aac", 8)
			lost := t.losePicture(picture)
			return mp4File(t, mp4Style{}).without(lost).finish()
		}},
		{"picture_lost_uneven", "L", "the same in fragmented MP4, and the pictures are uneven", func() *recording {
			t := newTake().video("h264", 0, 200, func(i int) float64 { return float64(i)/25 + 0.015*float64(i%3) }).sound("aac", 0, 8, 0)
			lost := t.losePicture(picture)
			return mp4File(t, mp4Style{fragments: 2}).without(lost).finish()
		}},
	}
}

// indexOf is where the picture with a number is.
func (t *take) indexOf(picture int) int {
	return slices.IndexFunc(t.units, func(u *unit) bool { return u.source.video && u.number() == picture })
}

// losePicture leaves out a picture. Those behind it up to the next key picture need it.
func (t *take) losePicture(number int) *unit {
	i := t.indexOf(number)
	lost := t.units[i]
	t.units = slices.Delete(t.units, i, i+1)
	for _, u := range t.units[i:] {
		if u.source.video && u.sample().key {
			break
		}
		u.tainted = u.source.video
	}
	return lost
}

// without says that the recording lacks a picture that it never had.
func (r *recording) without(lost *unit) *recording {
	r.truth.damages = append(r.truth.damages, damage{from: lost.time, to: lost.time + lost.length, video: true})
	return r
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
