// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"fmt"
	"io"
)

// headerWriter writes boxes from the front to the back. Before a box is written, its content is measured; tables say
// their size, so that they are gone through only when they are written. The first error is kept until flush.
type headerWriter struct {
	w         io.WriterAt
	at        int64 // of the next byte
	measuring bool
	buf       []byte // bytes in front of at that are not yet written
	err       error
}

const headerBuffer = 128 << 10

// measure gives the number of bytes that body writes, without writing them.
func (w *headerWriter) measure(body func()) int64 {
	measuring, start := w.measuring, w.at
	w.measuring = true
	body()
	size := w.at - start
	w.measuring, w.at = measuring, start
	return size
}

// box writes a box.
func (w *headerWriter) box(kind string, body func()) {
	if w.measuring {
		w.at += 8
		body()
		return
	}
	w.uint32(uint32(8 + w.measure(body))) //nolint:gosec // the whole header is measured first
	w.string(kind)
	body()
}

// fullBox writes a box with a version and flags.
func (w *headerWriter) fullBox(kind string, version byte, flags uint32, body func()) {
	w.box(kind, func() {
		w.uint32(uint32(version)<<24 | flags)
		body()
	})
}

// table writes a table of this many bytes. fill is not called for measuring.
func (w *headerWriter) table(size int64, fill func()) {
	if w.measuring {
		w.at += size
		return
	}
	end := w.at + size
	fill()
	if w.at != end && w.err == nil {
		w.err = fmt.Errorf("a table of %d bytes has %d: %w", size, size+w.at-end, ErrPlan)
	}
}

// skip leaves out bytes that are written elsewhere.
func (w *headerWriter) skip(size int64) {
	if !w.measuring {
		w.drain()
	}
	w.at += size
}

func (w *headerWriter) bytes(data []byte) {
	w.at += int64(len(data))
	if w.measuring {
		return
	}
	if len(w.buf)+len(data) > headerBuffer {
		w.at -= int64(len(data))
		w.drain()
		w.at += int64(len(data))
	}
	w.buf = append(w.buf, data...)
}

func (w *headerWriter) string(text string) { w.bytes([]byte(text)) }

func (w *headerWriter) uint16(value uint16) { w.bytes(binary.BigEndian.AppendUint16(nil, value)) }

func (w *headerWriter) uint32(value uint32) {
	var data [4]byte
	binary.BigEndian.PutUint32(data[:], value)
	w.bytes(data[:])
}

func (w *headerWriter) uint64(value uint64) {
	w.uint32(uint32(value >> 32))
	w.uint32(uint32(value)) //nolint:gosec // the lower half
}

func (w *headerWriter) zeros(count int) { w.bytes(make([]byte, count)) }

// drain writes what is buffered, in front of at.
func (w *headerWriter) drain() {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.w.WriteAt(w.buf, w.at-int64(len(w.buf)))
	}
	w.buf = w.buf[:0]
}

// flush writes the rest, and gives the first error.
func (w *headerWriter) flush() error {
	w.drain()
	return w.err
}
