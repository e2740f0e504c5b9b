// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package segment is an append-only log of records in files of a fixed size, the segments, whose disk space is reserved
// before they are written to. A record is durable when Append returns. Records have no order and no index: a reader takes
// the oldest segment, does something with each of its records, and removes the segment as a whole.
//
// A segment whose write or sync failed is never appended to again, since the kernel may have dropped what it could not
// write. A damaged byte costs the record that it is in, and no other.
package segment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// DefaultSize is the size of a segment in bytes.
const DefaultSize = 4 << 20

var (
	// ErrFull says that the log holds as much as it may: in all, or of one key.
	ErrFull = errors.New("the log is full")
	// ErrLocked says that another process uses the folder.
	ErrLocked = errors.New("another process uses the folder")
)

// Record is one that was appended.
type Record struct {
	// Key says whose record it is: a key may take at most half of the space that is free.
	Key string
	// Payload is valid as long as the buffer that the segment was read into.
	Payload []byte
	// Size is the record's on disk, in bytes.
	Size int64
}

// Options of a Log.
type Options struct {
	// Dir is an existing folder, used by one process at a time.
	Dir string
	// MaxSegments bounds the log. On disk there may be two more: one that is reserved for the next records, and one for
	// those that are appended again while their segment is not yet removed.
	MaxSegments int
	// Size is that of a segment in bytes, for tests; zero is DefaultSize.
	Size int64
}

// Segment is one file of the log.
type Segment struct {
	id uint64
	// due is the earliest time at which one of its records is to be read; zero is at once.
	due time.Time
	// records and bytes are those of whole records, lost those that could not be read.
	records, lost int
	bytes         map[string]int64
}

func (s *Segment) add(r Record) {
	s.records++
	s.bytes[r.Key] += r.Size
}

// writer appends to the newest segment.
type writer struct {
	*Segment
	file    *os.File
	offset  int64
	ordinal uint16
}

// spare is an empty segment that is ready to be written to.
type spare struct {
	id   uint64
	file *os.File
}

// Log is safe for concurrent use, but has one reader: Next, Read, Remove and Defer are not called at the same time.
type Log struct {
	dir  string
	max  int
	size int64
	lock *os.File

	// writing is held by the goroutine that commits; the next batch gathers meanwhile.
	writing sync.Mutex
	// spare is nil when none could be made. It belongs to the goroutine that commits, as do lastID, the number that was
	// given last, and closed.
	spare  *spare
	lastID uint64
	closed bool

	mu sync.Mutex
	// next gathers appends for the next commit; nil when there are none.
	next *batch
	// segments are those with records, oldest first; active, if it is not nil, writes to the last of them.
	segments []*Segment
	active   *writer
	// bytes are those of each key in all segments and of appends under way; reserved is the part under way.
	bytes    map[string]int64
	reserved int64

	changed chan struct{}
}

// Stats is what a Log holds.
type Stats struct {
	Records, Segments int
	// Bytes are those of the records on disk.
	Bytes int64
}

// Stats is a snapshot.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	stats := Stats{Segments: len(l.segments)}
	for _, s := range l.segments {
		stats.Records += s.records
		for _, size := range s.bytes {
			stats.Bytes += size
		}
	}
	return stats
}

// Changed receives after records were appended.
func (l *Log) Changed() <-chan struct{} { return l.changed }

// free is how many bytes may still be appended.
func (l *Log) free() int64 {
	free := int64(l.max-len(l.segments))*l.size - l.reserved
	if l.active != nil {
		free += l.size - l.active.offset
	}
	return free
}

// reserve makes room for a record. One key may take no more than what is left for all others together; so there is room
// for each, however much the others send.
func (l *Log) reserve(key string, size int64, again bool) error {
	if !again {
		free := l.free()
		if size > free {
			return fmt.Errorf("%w: it has %d segments of %d", ErrFull, len(l.segments), l.max)
		}
		if used := l.bytes[key]; used+size > free {
			return fmt.Errorf("%w for %q, which has %d bytes of it while %d are free", ErrFull, key, used, free)
		}
	}
	l.reserved += size
	l.bytes[key] += size
	return nil
}

// release gives room back: of an append that is over, or of records that are removed.
func (l *Log) release(key string, size int64) {
	if l.bytes[key] -= size; l.bytes[key] <= 0 {
		delete(l.bytes, key)
	}
}

// Append makes a record durable. The reader gets it when due has come; zero is at once. When the context ends first, the
// record may or may not be stored. The error may be ErrFull.
func (l *Log) Append(ctx context.Context, key string, payload []byte, due time.Time) error {
	return l.append(ctx, key, payload, due, false)
}

// AppendAgain is Append for the reader, of a record whose segment it is about to remove: the bound does not hold it up.
func (l *Log) AppendAgain(ctx context.Context, key string, payload []byte, due time.Time) error {
	return l.append(ctx, key, payload, due, true)
}

func (l *Log) append(ctx context.Context, key string, payload []byte, due time.Time, again bool) error {
	frame, err := newFrame(key, payload)
	if err != nil {
		return err
	}
	a := &pending{key: key, frame: frame, due: due, again: again}
	b, err := l.enqueue(a)
	if err != nil {
		return err
	}
	select {
	case <-b.done:
		return a.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the disk: %w", ctx.Err())
	}
}

// Close waits for what is being written, and closes the log. What it holds stays on disk.
func (l *Log) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.seal()
	var err error
	if l.spare != nil {
		err = errors.Join(l.spare.file.Close(), os.Remove(l.path(l.spare.id)))
	}
	return errors.Join(err, l.lock.Close())
}
