// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

// bitReader reads bits, the most significant first. Behind the end it reads zeros and sets overrun, so that a parser
// asks once, when it is done.
type bitReader struct {
	data     []byte
	position int
	overrun  bool
}

// read reads up to 32 bits.
func (b *bitReader) read(count int) uint32 {
	var value uint32
	for count > 0 {
		at := b.position >> 3
		if at >= len(b.data) {
			b.overrun = true
			return value << count
		}
		free := 8 - b.position&7
		take := min(free, count)
		value = value<<take | uint32(b.data[at])>>(free-take)&(1<<take-1)
		b.position += take
		count -= take
	}
	return value
}

// octet reads eight bits.
func (b *bitReader) octet() byte { return octet(int(b.read(8))) }

// flag reads one bit.
func (b *bitReader) flag() bool { return b.read(1) == 1 }

// skip passes over bits.
func (b *bitReader) skip(count int) {
	if count > 8*len(b.data)-b.position {
		b.overrun = true
		count = 8*len(b.data) - b.position
	}
	b.position += count
}

// left is the number of bits that are not read yet.
func (b *bitReader) left() int { return 8*len(b.data) - b.position }

// unsigned reads an Exp-Golomb code, ue(v) (ISO/IEC 14496-10, 9.1).
func (b *bitReader) unsigned() uint32 {
	zeros := 0
	for !b.flag() {
		zeros++
		if b.overrun || zeros > 31 {
			b.overrun = true
			return 0
		}
	}
	return 1<<zeros - 1 + b.read(zeros)
}

// signed reads a signed Exp-Golomb code, se(v).
func (b *bitReader) signed() int64 {
	code := int64(b.unsigned())
	if code&1 == 1 {
		return (code + 1) / 2
	}
	return -code / 2
}

// bitWriter appends bits, the most significant first.
type bitWriter struct {
	data []byte
	free int
}

// write appends the lowest count bits of value.
func (b *bitWriter) write(value uint32, count int) {
	for count > 0 {
		if b.free == 0 {
			b.data = append(b.data, 0)
			b.free = 8
		}
		take := min(b.free, count)
		part := octet(int(value >> (count - take) & (1<<take - 1)))
		b.data[len(b.data)-1] |= part << (b.free - take)
		b.free -= take
		count -= take
	}
}
