// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package packedaudio

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Bounds on tags in front of the sound. Those of HLS take less than a hundred bytes; files of music have pictures.
const (
	maxTags     = 16
	maxTagBytes = 16 << 20
	maxTagRead  = 4 << 10 // of a tag, in which the timestamp is looked for
)

// MaxPadding bounds the zeros in front of the sound.
const MaxPadding = 1 << 20

const tagHeader = 10

// timestampOwner marks the private frame with the time of the first sample (RFC 8216, 3.4).
const timestampOwner = "com.apple.streaming.transportStreamTimestamp\x00"

// tagSize is the size of the ID3v2 tag that data begins with, header and footer included (ID3v2.4.0, 3.1); 0: none.
func tagSize(data []byte) int64 {
	if len(data) < tagHeader || string(data[:3]) != "ID3" || data[3] == 0xff || data[4] == 0xff {
		return 0
	}
	size := int64(0)
	for _, b := range data[6:10] {
		if b >= 0x80 {
			return 0
		}
		size = size<<7 | int64(b)
	}
	size += tagHeader
	if data[5]&0x10 != 0 {
		size += tagHeader // a footer
	}
	return size
}

// oldTagBytes is the size of a tag of ID3v1.
const oldTagBytes = 128

// apeSize is the size of the APE tag that data begins with, header included; 0: none. The header is that of version 2, in
// which numbers begin with their lowest byte.
func apeSize(data []byte) int64 {
	const header, isHeader = 32, 1 << 29
	if len(data) < header || string(data[:8]) != "APETAGEX" || binary.LittleEndian.Uint32(data[20:])&isHeader == 0 {
		return 0
	}
	return header + int64(binary.LittleEndian.Uint32(data[12:]))
}

// lyricsSize is the size of the Lyrics3 tag that data begins with and has as a whole; 0: none.
func lyricsSize(data []byte) int64 {
	if !bytes.HasPrefix(data, []byte("LYRICSBEGIN")) {
		return 0
	}
	for _, end := range []string{"LYRICS200", "LYRICSEND"} { // of version 2, and of version 1
		if at := bytes.Index(data, []byte(end)); at > 0 {
			return int64(at + len(end))
		}
	}
	return 0
}

// skipPadding passes over zeros, as some encoders and editors leave them in front of the sound.
func (p *parser) skipPadding() error {
	for p.padding < MaxPadding {
		if err := p.need(1); err != nil {
			return err
		}
		zeros := int64(len(p.data) - len(bytes.TrimLeft(p.data, "\x00")))
		if zeros == 0 {
			return nil
		}
		p.padding += zeros
		if err := p.skip(zeros); err != nil {
			return err
		}
	}
	return nil
}

// skipTags passes over the tags and zeros in front of the sound and takes the timestamp.
func (p *parser) skipTags() error {
	for number := 0; ; number++ {
		if err := p.skipPadding(); err != nil {
			return err
		}
		if err := p.need(tagHeader); err != nil {
			return err
		}
		size := tagSize(p.data)
		if size == 0 {
			return nil
		}
		if number == maxTags || p.offset+size > maxTagBytes {
			return fmt.Errorf("ID3 tags of more than %d bytes: %w", p.offset, ErrNotSound)
		}
		if err := p.need(int(min(size, maxTagRead))); err != nil {
			return err
		}
		if !p.file.HasStart {
			p.file.Start, p.file.HasStart = timestamp(p.data[:min(size, maxTagRead, int64(len(p.data)))])
		}
		if err := p.skip(size); err != nil {
			return err
		}
	}
}

// timestamp looks for the private frame in a tag. It is 33 bits of media.Clock in eight bytes.
func timestamp(tag []byte) (start int64, found bool) {
	version, frames := tag[3], tag[tagHeader:]
	if version < 3 {
		return 0, false // frames with other headers, which cannot be private
	}
	if tag[5]&0x40 != 0 && len(frames) >= 4 { // an extended header
		size := number(frames, version)
		if version == 3 {
			size += 4
		}
		frames = frames[min(size, len(frames)):]
	}
	for len(frames) >= 10 && frames[0] != 0 {
		size := number(frames[4:], version)
		if size > len(frames)-10 {
			break
		}
		body := frames[10 : 10+size]
		value, ours := bytes.CutPrefix(body, []byte(timestampOwner))
		if string(frames[:4]) == "PRIV" && ours && len(value) >= 8 {
			if time := binary.BigEndian.Uint64(value); time < 1<<33 {
				return int64(time), true
			}
		}
		frames = frames[10+size:]
	}
	return 0, false
}

// number is a size in a tag: seven bits a byte from version 4 on.
func number(data []byte, version byte) int {
	size, bits := 0, 8
	if version >= 4 {
		bits = 7
	}
	for _, b := range data[:4] {
		size = size<<bits | int(b)&(1<<bits-1)
	}
	return size
}
