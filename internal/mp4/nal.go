// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"iter"

	"sparkrtc.dev/recording-operator/internal/media"
)

// unitsFill says whether a sample is a chain of NAL units that fills it, of one unit at least, with lengths of this many
// bytes (ISO/IEC 14496-15, 4.3.3), and each begins with a header that can be (ISO/IEC 14496-10, 7.3.1; ISO/IEC 23008-2,
// 7.3.1.2). Samples that were lost and read as zeros are no such chain.
func unitsFill(sample []byte, length int, codec media.Codec) bool {
	if len(sample) == 0 {
		return false
	}
	for len(sample) > 0 {
		if len(sample) <= length {
			return false
		}
		size := unitLength(sample, length)
		sample = sample[length:]
		if size == 0 || size > len(sample) || sample[0]&0x80 != 0 {
			return false
		}
		if codec == media.HEVC && (size < 2 || sample[1]&7 == 0) {
			return false
		}
		sample = sample[size:]
	}
	return true
}

// units yields the NAL units of a sample, with lengths of this many bytes before them. The last one may be cut.
func units(sample []byte, length int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(sample) > length {
			size := min(unitLength(sample, length), len(sample)-length)
			if !yield(sample[length : length+size]) {
				return
			}
			sample = sample[length+size:]
		}
	}
}

func unitLength(sample []byte, length int) int {
	if length == 4 {
		return int(binary.BigEndian.Uint32(sample))
	}
	size := 0
	for _, b := range sample[:length] {
		size = size<<8 | int(b)
	}
	return size
}

// widenLengths appends to out the NAL units of a sample with lengths of four bytes. What is no unit is kept as one.
func widenLengths(out, sample []byte, length int) []byte {
	for len(sample) > length {
		size := min(unitLength(sample, length), len(sample)-length)
		out = binary.BigEndian.AppendUint32(out, uint32(size)) //nolint:gosec // at most a sample
		out = append(out, sample[length:length+size]...)
		sample = sample[length+size:]
	}
	if len(sample) > 0 {
		out = binary.BigEndian.AppendUint32(out, uint32(len(sample))) //nolint:gosec // at most three
		out = append(out, sample...)
	}
	return out
}
