// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"

	"sparkrtc.dev/recording-operator/internal/media"
)

// startCode begins every NAL unit in a byte stream (ISO/IEC 14496-10, annex B).
var startCode = []byte{0, 0, 1}

// NextStartCode is the offset of the next start code, 00 00 01, at or after from; -1 when there is none.
func NextStartCode(data []byte, from int) int {
	if from >= len(data) {
		return -1
	}
	at := bytes.Index(data[from:], startCode)
	if at < 0 {
		return -1
	}
	return from + at
}

// NextNAL finds the first NAL unit of a byte stream (annex B) at or after from: its start code is at start, and the unit
// is data[begin:end]. Start is -1 when there is none. Zeros at its end are none of the unit's (trailing_zero_8bits): no
// unit ends with one. ffmpeg 5 takes off only one of them, which makes no difference unless an encoder fills with zeros.
func NextNAL(data []byte, from int) (start, begin, end int) {
	start = NextStartCode(data, from)
	if start < 0 {
		return -1, 0, 0
	}
	begin, end = start+len(startCode), len(data)
	if next := NextStartCode(data, begin); next >= 0 {
		end = next
	}
	for end > begin && data[end-1] == 0 {
		end--
	}
	return start, begin, end
}

// AppendLengthPrefixed appends NAL units as an MP4 sample has them: each with its length in four bytes before it
// (ISO/IEC 14496-15, 4.3.3).
func AppendLengthPrefixed(sample []byte, units [][]byte) []byte {
	for _, unit := range units {
		size := len(unit)
		sample = append(sample, octet(size>>24), octet(size>>16), octet(size>>8), octet(size))
		sample = append(sample, unit...)
	}
	return sample
}

// BeginsPicture says whether a slice of H.264 or HEVC is the first one of its picture, or of its field (first_mb_in_slice, ISO/IEC
// 14496-10, 7.4.3; first_slice_segment_in_pic_flag, ISO/IEC 23008-2, 7.4.7.1). isSlice is false of other NAL units, and of those of
// another layer.
func BeginsPicture(unit []byte, encoding media.Codec) (begins, isSlice bool) {
	first := 1 // where the header ends
	if encoding == media.HEVC {
		first = 2
		isSlice = isHEVCSlice(HEVCType(unit)) && unit[0]&1 == 0 && unit[1]>>3 == 0
	} else {
		kind := H264Type(unit)
		isSlice = kind == H264Slice || kind == H264SliceA || kind == H264IDR
	}
	return isSlice && len(unit) > first && unit[first]&0x80 != 0, isSlice
}

// unescape appends the payload of a NAL unit without its emulation prevention bytes (00 00 03) to out, and stops when
// out is full.
func unescape(out, unit []byte) []byte {
	zeros := 0
	for _, value := range unit {
		if len(out) == cap(out) {
			break
		}
		if zeros >= 2 && value == 3 {
			zeros = 0
			continue
		}
		out = append(out, value)
		if value == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}

// unescaped is the whole payload of a parameter set.
func unescaped(unit []byte) []byte { return unescape(make([]byte, 0, len(unit)), unit) }

// ParameterSetBytes bounds a parameter set; one that is longer is not parsed. Real ones have less than a kilobyte.
const ParameterSetBytes = 8 << 10
