// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import "sync"

const (
	// maxKept bounds a buffer that is kept for the next file, and keptStreams how many of them are.
	maxKept     = 512 << 10
	keptStreams = 4
)

// buffers are the memory that one Read works in. They are used again, since a recording has thousands of small segments:
// an index refers to none of them.
type buffers struct {
	// block is the part of the source that is in memory.
	block []byte
	// pids are what is known of each PID.
	pids [1 << 13]*pid
	// sample is what MP4 samples are built in.
	sample []byte
	// spare are buffers for elementary streams.
	spare [][]byte
}

var pool = sync.Pool{New: func() any { return &buffers{block: make([]byte, 0, blockSize)} }}

// streamBuffer gives an empty buffer for an elementary stream; nil: it has to be allocated.
func (b *buffers) streamBuffer() []byte {
	last := len(b.spare) - 1
	if last < 0 {
		return nil
	}
	spare := b.spare[last]
	b.spare = b.spare[:last]
	return spare
}

// release makes the buffers those of the next Read. The buffers of the first streams are kept, unless they are large.
func (b *buffers) release(streams []*stream) {
	b.block = b.block[:0]
	clear(b.pids[:])
	if cap(b.sample) > maxKept {
		b.sample = nil
	}
	for _, s := range streams {
		if size := cap(s.data); size > 0 && size <= maxKept && len(b.spare) < keptStreams {
			b.spare = append(b.spare, s.data[:0])
		}
	}
	pool.Put(b)
}
