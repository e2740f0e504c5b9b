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
	// odd says that a time lacks the bits that mark one, that the header is too short for what it announces, or that its stuffing
	// bytes differ: where others are not so, other bytes lie where the header was.
	odd bool
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
	flags, fields := data[7]>>6, data[pesFixed:size]
	if flags&2 != 0 && len(fields) >= 5 {
		header.pts, header.hasPTS, header.odd = timestamp(fields), true, !isMarked(fields)
	}
	if flags == 3 && len(fields) >= 10 {
		header.dts, header.hasDTS, header.odd = timestamp(fields[5:]), true, header.odd || !isMarked(fields[5:])
	}
	if used, known := pesFields(data[7]); used > len(fields) || known && !isUniform(fields[used:]) {
		header.odd = true
	}
	return header, size, true
}

// pesFields is how many bytes the fields have that the second byte of flags announces; known: there is no extension, which has flags of
// its own.
func pesFields(flags byte) (used int, known bool) {
	const escr, rate, trick, copyright, checksum, extension = 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
	used = 5 * [...]int{0, 0, 1, 2}[flags>>6]
	for _, field := range [...]struct {
		flag byte
		size int
	}{{escr, 6}, {rate, 3}, {trick, 1}, {copyright, 1}, {checksum, 2}, {extension, 1}} {
		if flags&field.flag != 0 {
			used += field.size
		}
	}
	return used, flags&extension == 0
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
