// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mp4 reads and writes ISO base media files (ISO/IEC 14496-12): whole files, fragmented files, and the
// fragmented segments of HLS. Sample tables are read and written through small windows, so that memory does not grow
// with the number of samples, and every table is bounded by the size of the file that holds it.
package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Errors that Open and OpenSegment wrap. Damage inside a file that can still be read is no error: it is listed in
// media.File.Damage.
var (
	// ErrNotMP4: the bytes do not begin with a box of this format.
	ErrNotMP4 = errors.New("not an MP4 file")
	// ErrNoMovie: there is no whole movie box (moov), and for a segment no movie fragment (moof) either.
	ErrNoMovie = errors.New("no movie header (moov)")
	// ErrLimit: the file exceeds a bound of this reader, for example on the size of the movie box.
	ErrLimit = errors.New("beyond what is read of an MP4 file")
	// ErrSampleMissing: the tables name samples that lie beyond the end of the file, or that have no place in it.
	ErrSampleMissing = errors.New("samples are missing")
)

// Bounds on what is read of one file.
const (
	maxMovieBytes  = 512 << 20
	maxTracks      = 64
	maxEntriesSize = 1 << 20 // of the sample entries of a track
	maxTrafs       = 1024    // in one movie fragment
	maxSampleBytes = 64 << 20
	maxIgnored     = 8
)

// window reads small pieces of a file through a buffer. It suits headers and tables, which are visited in order.
type window struct {
	r     io.ReaderAt
	size  int64 // of the file
	start int64 // offset of held[0]
	held  []byte
	buf   []byte
}

func newWindow(r io.ReaderAt, size int64, bytes int) *window {
	return &window{r: r, size: size, buf: make([]byte, bytes)}
}

// at gives the n bytes at offset, valid until the next call. n is at most the window's length.
func (w *window) at(offset int64, n int) ([]byte, error) {
	if offset >= w.start && offset+int64(n) <= w.start+int64(len(w.held)) {
		return w.held[offset-w.start:][:n], nil
	}
	if offset < 0 || n > len(w.buf) || offset > w.size-int64(n) {
		return nil, fmt.Errorf("%d bytes at %d: %w", n, offset, io.ErrUnexpectedEOF)
	}
	read, err := w.r.ReadAt(w.buf[:min(int64(len(w.buf)), w.size-offset)], offset)
	w.start, w.held = offset, w.buf[:read]
	if read < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("reading %d bytes at %d: %w", n, offset, err)
	}
	return w.held[:n], nil
}

// box is a box's place in the file (ISO/IEC 14496-12, 4.2).
type box struct {
	kind             string
	start, body, end int64
	// cut says that the box is longer than what holds it; end is then the end of the holder.
	cut bool
}

var (
	// errHeader: bytes that are no box header, or too few for one.
	errHeader = errors.New("no box header")
	// errShort: a box that lacks fields.
	errShort = fmt.Errorf("a box is too short: %w", io.ErrUnexpectedEOF)
)

// readBox reads the header of the box at offset at, in a holder that ends at end.
func readBox(w *window, at, end int64) (box, error) {
	if end-at < 8 {
		return box{}, errHeader
	}
	head, err := w.at(at, 8)
	if err != nil {
		return box{}, err
	}
	size, body := uint64(binary.BigEndian.Uint32(head)), at+8
	kind := string(head[4:8])
	switch size {
	case 0: // to the end of the holder
		size = uint64(end - at) //nolint:gosec // at < end
	case 1:
		if end-at < 16 {
			return box{}, errHeader
		}
		if head, err = w.at(at+8, 8); err != nil {
			return box{}, err
		}
		size, body = binary.BigEndian.Uint64(head), at+16
	}
	if size < uint64(body-at) { //nolint:gosec // body > at
		return box{}, errHeader
	}
	b := box{kind: kind, start: at, body: body}
	if size > uint64(end-at) { //nolint:gosec // at < end
		b.end, b.cut = end, true
	} else {
		b.end = at + int64(size) //nolint:gosec // at most end
	}
	return b, nil
}

// fileBoxes yields the boxes of a file from offset at on. Where bytes can be no box there, since their kind is no text,
// the error is errHeader.
func fileBoxes(w *window, at int64) iter.Seq2[box, error] {
	return func(yield func(box, error) bool) {
		for b, err := range children(w, at, w.size) {
			for i := range len(b.kind) {
				if b.kind[i] < ' ' || b.kind[i] > '~' {
					err = errHeader
				}
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// children yields the boxes between body and end, and an error where there is no box or reading fails.
func children(w *window, body, end int64) iter.Seq2[box, error] {
	return func(yield func(box, error) bool) {
		for at := body; at < end; {
			b, err := readBox(w, at, end)
			if err != nil {
				yield(box{start: at, body: at, end: end}, err)
				return
			}
			if !yield(b, nil) {
				return
			}
			at = b.end
		}
	}
}

// fullBox reads the version, the flags and the n bytes behind them of a full box.
func fullBox(w *window, b box, n int) (version byte, flags uint32, data []byte, err error) {
	if b.end-b.body < int64(4+n) {
		return 0, 0, nil, fmt.Errorf("%s: %w", b.kind, errShort)
	}
	data, err = w.at(b.body, 4+n)
	if err != nil {
		return 0, 0, nil, fmt.Errorf("%s: %w", b.kind, err)
	}
	flags = binary.BigEndian.Uint32(data)
	return byte(flags >> 24), flags & 0xffffff, data[4:], nil
}
