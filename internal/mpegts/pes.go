// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

// pesHeader is the header of a PES packet (ISO/IEC 13818-1, 2.4.3.6).
type pesHeader struct {
	streamID byte
	// declared is how many bytes of payload the packet says to have; -1: it does not say.
	declared int
	// pts and dts have 33 bits.
	pts, dts       uint64
	hasPTS, hasDTS bool
	// unmarked says that a time lacks the bits that mark one: where others have them, other bytes lie where the header was.
	unmarked bool
}

const (
	pesFixed  = 9
	pesPrefix = 6
)

// pesHeaderSize is how many bytes the header has that data begins with; 0: more bytes are needed to tell. Ok is false when
// it is no header.
func pesHeaderSize(data []byte) (size int, ok bool) {
	for i, want := range [...]byte{0, 0, 1} {
		if i < len(data) && data[i] != want {
			return 0, false
		}
	}
	if len(data) < pesPrefix {
		return 0, true
	}
	switch data[3] {
	case 0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff: // these have no further header
		return pesPrefix, true
	}
	if len(data) < pesFixed {
		return 0, true
	}
	return pesFixed + int(data[8]), data[6]&0xc0 == 0x80
}

// parsePES parses the header of a PES packet. The whole header must be there.
func parsePES(data []byte) (header pesHeader, size int, ok bool) {
	size, ok = pesHeaderSize(data)
	if !ok || size == 0 || size > len(data) {
		return pesHeader{}, 0, false
	}
	header.streamID, header.declared = data[3], int(data[4])<<8|int(data[5])
	if header.declared == 0 {
		header.declared = -1
	} else {
		header.declared = max(0, header.declared+pesPrefix-size)
	}
	if size < pesFixed {
		return header, size, true
	}
	flags, times := data[7]>>6, data[pesFixed:size]
	if flags&2 != 0 && len(times) >= 5 {
		header.pts, header.hasPTS, header.unmarked = timestamp(times), true, !isMarked(times)
	}
	if flags == 3 && len(times) >= 10 {
		header.dts, header.hasDTS, header.unmarked = timestamp(times[5:]), true, header.unmarked || !isMarked(times[5:])
	}
	return header, size, true
}

// timestamp reads the 33 bits of a PTS or DTS.
func timestamp(data []byte) uint64 {
	return uint64(data[0]>>1&7)<<30 | uint64(data[1])<<22 | uint64(data[2]>>1)<<15 | uint64(data[3])<<7 | uint64(data[4]>>1)
}

// isMarked says that a PTS or DTS has its marker bits, and one of its prefixes: 0010, 0011 or 0001. Some muxers write the one
// for another.
func isMarked(data []byte) bool {
	return data[0]&0xc0 == 0 && data[0]&0x30 != 0 && data[0]&data[2]&data[4]&1 == 1
}

// unwrap gives the time with the given 33 bits that is the nearest to near.
func unwrap(value uint64, near int64) int64 {
	const wrap = 1 << 33
	distance := (int64(value) - near) & (wrap - 1) //nolint:gosec // 33 bits
	if distance >= wrap/2 {
		distance -= wrap
	}
	return near + distance
}
