// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"errors"
	"fmt"
	"io"
)

const blockBytes = 256 << 10

// blockReader reads samples through a few large blocks, so that a file whose tracks are interleaved is read once, in its
// order, and one whose tracks lie one behind the other is read at a few places.
type blockReader struct {
	r       io.ReaderAt
	size    int64
	blocks  []block // the last used first
	most    int
	read    int64 // bytes
	scratch []byte
}

type block struct {
	number int64
	data   []byte
}

func newBlockReader(r io.ReaderAt, size int64, tracks int) *blockReader {
	return &blockReader{r: r, size: size, most: min(tracks+2, 16)}
}

// bytes gives the n bytes at offset, which are within the file, valid until the next call.
func (b *blockReader) bytes(offset int64, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	first, last := offset/blockBytes, (offset+int64(n)-1)/blockBytes
	// Samples that jump about in a file would each read a block.
	scattered := b.read > 4*b.size+64*blockBytes
	if first == last && !scattered {
		data, err := b.block(first)
		if err != nil {
			return nil, err
		}
		start := offset - first*blockBytes
		return data[start : start+int64(n)], nil
	}
	if cap(b.scratch) < n {
		b.scratch = make([]byte, n+n/4)
	}
	whole := b.scratch[:n]
	if scattered {
		return whole, b.readAt(whole, offset)
	}
	for out := whole; len(out) > 0; {
		data, err := b.block(offset / blockBytes)
		if err != nil {
			return nil, err
		}
		taken := copy(out, data[offset%blockBytes:])
		out, offset = out[taken:], offset+int64(taken)
	}
	return whole, nil
}

// block gives a whole block, or what there is of the last one.
func (b *blockReader) block(number int64) ([]byte, error) {
	for i := range b.blocks {
		if b.blocks[i].number == number {
			found := b.blocks[i]
			copy(b.blocks[1:i+1], b.blocks[:i])
			b.blocks[0] = found
			return found.data, nil
		}
	}
	var next block
	if len(b.blocks) < b.most {
		next.data = make([]byte, blockBytes)
		b.blocks = append(b.blocks, block{})
	} else {
		next = b.blocks[len(b.blocks)-1]
	}
	next.number = number
	next.data = next.data[:min(blockBytes, b.size-number*blockBytes)]
	if err := b.readAt(next.data, number*blockBytes); err != nil {
		b.blocks = b.blocks[:len(b.blocks)-1]
		return nil, err
	}
	copy(b.blocks[1:], b.blocks)
	b.blocks[0] = next
	return next.data, nil
}

func (b *blockReader) readAt(data []byte, offset int64) error {
	n, err := b.r.ReadAt(data, offset)
	b.read += int64(n)
	if n == len(data) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading %d bytes at %d: %w", len(data), offset, err)
}
