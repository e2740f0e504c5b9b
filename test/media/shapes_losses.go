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
	segments := func(t *take) *recording { return newRecording().add(t, joint{}) }
	whole := func(t *take) *recording { return mp4File(t, mp4Style{}) }
	fragments := func(t *take) *recording { return mp4File(t, mp4Style{fragments: 2}) }
	sliceLost := func(write func(*take) *recording, source string, slice int) func() *recording {
		return func() *recording {
			t := with(source, "aac", 8)
			hurt := t.units[t.indexOf(picture)].loseSlice(slice)
			r := write(t)
			r.lose(hurt)
			r.truth.decoding = slice > 0
			return r.finish()
		}
	}
	pictureLost := func(write func(*take) *recording, call func() *take) func() *recording {
		return func() *recording {
			t := call()
			lost := t.losePicture(picture)
			return write(t).without(lost).finish()
		}
	}
	even := func() *take { return with("h264", "aac", 8) }
	uneven := func() *take {
		return newTake().video("h264", 0, 200, func(i int) float64 { return float64(i)/25 + 0.015*float64(i%3) }).sound("aac", 0, 8, 0)
	}
	return []shape{
		{"slice_first_lost", "L", "a picture lacks its first slice", sliceLost(segments, "h264-slices", 0)},
		{"slice_first_lost_hevc", "L", "the same, H.265", sliceLost(segments, "hevc-slices", 0)},
		{"slice_first_lost_mp4", "L", "the same in MP4", sliceLost(whole, "h264-slices", 0)},
		{"slice_first_lost_fragmented", "L", "the same in fragmented MP4", sliceLost(fragments, "h264-slices", 0)},
		{"slice_first_lost_hevc_mp4", "L", "the same in MP4, H.265", sliceLost(whole, "hevc-slices", 0)},
		{"slice_lost", "L", "a picture lacks a slice in its middle", sliceLost(segments, "h264-slices", middle)},
		{"slice_lost_mp4", "L", "the same in MP4", sliceLost(whole, "h264-slices", middle)},
		{"picture_lost", "L", "a picture is missing, and the others keep their times", pictureLost(segments, even)},
		{"picture_lost_mp4", "L", "the same in MP4", pictureLost(whole, even)},
		{"picture_lost_uneven", "L", "the same in fragmented MP4, and the pictures are uneven", pictureLost(fragments, uneven)},
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
		isSlice := u.source.isSlice(data[4])
		if !isSlice || seen != number {
			u.altered = append(u.altered, data[:size]...)
		}
		if isSlice {
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
