// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A frame holds one record. It begins at a multiple of frameAlign:
//
//	magic     2 bytes
//	ordinal   2 bytes  of the frame in its segment, modulo 65536: a gap counts what was lost
//	length    4 bytes  of the body
//	checksum  4 bytes  CRC-32C of the body
//	checksum  4 bytes  CRC-32C of the 12 bytes above
//	body               one byte for the length of the key, the key, the payload
//	padding            zeros
//
// Numbers are little-endian. The header has a checksum of its own, because a wrong length would otherwise hide all
// frames that follow.
const (
	headerSize = 16
	frameAlign = 8
	// minFrame is the size of the smallest frame.
	minFrame = headerSize + frameAlign

	// MaxKey is the longest key, in bytes.
	MaxKey = 255
	// MaxPayload is the longest payload, in bytes.
	MaxPayload = 64 << 10
)

// magic never occurs in UTF-8, so no payload of text holds a frame.
const magic = 0xfaf5

// errRecord says that a record cannot be stored as it is.
var errRecord = errors.New("the record cannot be stored")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newFrame makes a frame without ordinal and header checksum, which depend on where it is written.
func newFrame(key string, payload []byte) ([]byte, error) {
	if len(key) > MaxKey || len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: its key has %d bytes and its payload %d; at most %d and %d are allowed",
			errRecord, len(key), len(payload), MaxKey, MaxPayload)
	}
	length := 1 + len(key) + len(payload)
	frame := make([]byte, aligned(headerSize+length))
	body := frame[headerSize : headerSize+length]
	body[0] = byte(len(key)) //nolint:gosec // bounded above
	copy(body[1:], key)
	copy(body[1+len(key):], payload)
	binary.LittleEndian.PutUint16(frame, magic)
	binary.LittleEndian.PutUint32(frame[4:], uint32(length)) //nolint:gosec // bounded above
	binary.LittleEndian.PutUint32(frame[8:], crc32.Checksum(body, castagnoli))
	return frame, nil
}

// finish completes the header of a frame.
func finish(frame []byte, ordinal uint16) {
	binary.LittleEndian.PutUint16(frame[2:], ordinal)
	binary.LittleEndian.PutUint32(frame[12:], crc32.Checksum(frame[:12], castagnoli))
}

func aligned(size int) int { return (size + frameAlign - 1) &^ (frameAlign - 1) }

// header is a frame's, when it is valid.
type header struct {
	ordinal  uint16
	length   int
	checksum uint32
}

func parseHeader(data []byte) (h header, ok bool) {
	if binary.LittleEndian.Uint16(data) != magic ||
		binary.LittleEndian.Uint32(data[12:]) != crc32.Checksum(data[:12], castagnoli) {
		return header{}, false
	}
	return header{
		ordinal: binary.LittleEndian.Uint16(data[2:]), length: int(binary.LittleEndian.Uint32(data[4:])),
		checksum: binary.LittleEndian.Uint32(data[8:]),
	}, true
}

// record reads the body that follows a header. What it returns lies in data.
func (h header) record(data []byte) (r Record, ok bool) {
	if h.length < 1 || h.length > len(data) {
		return Record{}, false
	}
	body := data[:h.length]
	keyEnd := 1 + int(body[0])
	if keyEnd > len(body) || crc32.Checksum(body, castagnoli) != h.checksum {
		return Record{}, false
	}
	return Record{Key: string(body[1:keyEnd]), Payload: body[keyEnd:], Size: int64(aligned(headerSize + h.length))}, true
}

// scan visits all whole records of a segment, and returns how many it could not read. Damage never hides the records
// behind it: a frame with a broken body is skipped, and a broken header makes the scan look for the next valid one.
// Zeros up to the end are the part that was never written. If the end is damaged, nothing tells how many records it
// held: it counts as one.
func scan(data []byte, visit func(Record)) (lost int) {
	var (
		next   uint16 // ordinal of the frame that is expected
		end    int    // of the last frame with a valid header
		broken bool   // there are bytes behind that frame that are not zero
		at     int
	)
	for at+headerSize <= len(data) {
		h, ok := parseHeader(data[at:])
		if !ok {
			broken = broken || at >= end && !isZero(data[at:at+frameAlign])
			at += frameAlign
			continue
		}
		// A gap cannot be wider than the place that is there for it.
		lost += min(int(h.ordinal-next), max(0, at-end)/minFrame)
		next, broken = h.ordinal+1, false
		end = at + aligned(headerSize+min(h.length, len(data)))
		if r, ok := h.record(data[at+headerSize:]); ok {
			visit(r)
			at = end
		} else {
			lost++
			at += headerSize
		}
	}
	if broken || at < len(data) && at >= end && !isZero(data[at:]) {
		lost++
	}
	return lost
}

var zeros [frameAlign]byte

// isZero is for at most headerSize bytes.
func isZero(data []byte) bool {
	for ; len(data) > frameAlign; data = data[frameAlign:] {
		if !bytes.Equal(data[:frameAlign], zeros[:]) {
			return false
		}
	}
	return bytes.Equal(data, zeros[:len(data)])
}
