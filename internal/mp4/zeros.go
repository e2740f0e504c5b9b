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

var noBytes [zeroRun]byte

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
		if holdsZeros(unit[:written]) {
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

// holdsZeros says that there is a run of zeros. One of them is a multiple of its length away from the beginning.
func holdsZeros(data []byte) bool {
	for at := zeroRun - 1; at < len(data); at += zeroRun {
		if data[at] == 0 && bytes.Contains(data[at-zeroRun+1:min(at+zeroRun, len(data))], noBytes[:]) {
			return true
		}
	}
	return false
}
