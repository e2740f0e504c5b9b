// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"bytes"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// zeroRun is how many zeros in a row no slice of H.264 or H.265 has: behind two of them an encoder puts a three (ISO/IEC
// 14496-10, 7.4.1; ISO/IEC 23008-2, 7.4.2). Three would do; a few are a muxer's.
const zeroRun = 16

// findZeros looks for a hole in a sample, which is a chain of NAL units that fills it: zeros within a slice. Those at its very end may
// be what an encoder fills it up with.
func findZeros(sample []byte, length int, encoding media.Codec) (within, atEnd bool) {
	for len(sample) > 0 {
		size := unitLength(sample, length)
		unit := sample[length : length+size]
		sample = sample[length+size:]
		if !isSlice(unit, encoding) {
			continue
		}
		written := len(bytes.TrimRight(unit, "\x00"))
		if zerosEnd(unit[:written], 0, zeroRun) >= 0 {
			return true, false
		}
		atEnd = len(sample) == 0 && size-written >= zeroRun
	}
	return false, atEnd
}

func isSlice(unit []byte, encoding media.Codec) bool {
	if encoding == media.HEVC {
		return codec.HEVCType(unit) < codec.HEVCVPS
	}
	kind := codec.H264Type(unit)
	return kind >= codec.H264Slice && kind <= codec.H264IDR
}

// zerosEnd is where a run of at least so many zeros behind an offset ends; -1: there is none. One of the zeros is a multiple of the
// length away from the offset.
func zerosEnd(data []byte, from, length int) int {
	for at := from + length - 1; at < len(data); at += length {
		if data[at] != 0 {
			continue
		}
		start, end := at, at+1
		for start > from && data[start-1] == 0 {
			start--
		}
		for end < len(data) && data[end] == 0 {
			end++
		}
		if end-start >= length {
			return end
		}
	}
	return -1
}

// pictureZeros is how many zeros in a row pictures without NAL units may have, but before a start code and at their end. Codes of
// MPEG-2 and MPEG-4 have 23 zero bits at most. What is coded arithmetically has no bound, and none that long.
var pictureZeros = map[media.Codec]int{
	media.MPEG2: zeroRun, media.MPEG4: zeroRun, media.VP8: 256, media.VP9: 256, media.AV1: 256,
}

// findPictureZeros looks for a hole in a picture without NAL units, as findZeros does.
func findPictureZeros(sample []byte, length int) (within, atEnd bool) {
	written := bytes.TrimRight(sample, "\x00")
	for end := zerosEnd(written, 0, length); end >= 0; end = zerosEnd(written, end, length) {
		if written[end] != 1 {
			return true, false
		}
	}
	return false, len(sample)-len(written) >= length
}
