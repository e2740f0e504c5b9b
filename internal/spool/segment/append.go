// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"fmt"
	"os"
	"time"
)

// batch is what one commit writes and syncs.
type batch struct {
	appends []*pending
	done    chan struct{}
}

// pending is one caller's record.
type pending struct {
	key   string
	frame []byte
	due   time.Time
	again bool
	// err is set before the batch is done.
	err error
}

// enqueue adds a record to the batch that is written next.
func (l *Log) enqueue(a *pending) (*batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.reserve(a.key, int64(len(a.frame)), a.again); err != nil {
		return nil, err
	}
	b := l.next
	if b == nil {
		b = &batch{done: make(chan struct{})}
		l.next = b
		// A disk that hangs must not hold its callers.
		go l.commit(b)
	}
	b.appends = append(b.appends, a)
	return b, nil
}

// commit writes a batch when those before it are written.
func (l *Log) commit(b *batch) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	l.next = nil
	l.mu.Unlock()
	for rest := b.appends; len(rest) > 0; {
		written, err := l.write(rest)
		if err != nil {
			l.fail(rest, err)
			break
		}
		rest = rest[written:]
	}
	close(b.done)
	if l.spare == nil && !l.closed {
		// Nobody waits for it yet. Without one, the append that needs it tries again and gets the error.
		_ = l.makeSpare()
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// write stores the first appends, as many as fit into one segment, and returns their number. When the segment fails it
// tries once more with another: callers have nowhere else to go.
func (l *Log) write(appends []*pending) (int, error) {
	var failed error
	for range 2 {
		w, err := l.writable(len(appends[0].frame), appends[0].again)
		if err != nil {
			return 0, err
		}
		n, buffer := l.gather(w, appends)
		if failed = l.writeTo(w, buffer); failed == nil {
			l.landed(w, appends[:n], int64(len(buffer)))
			return n, nil
		}
		l.seal()
	}
	return 0, failed
}

// gather makes one buffer of all appends that fit into a segment.
func (l *Log) gather(w *writer, appends []*pending) (n int, buffer []byte) {
	for _, a := range appends {
		if w.offset+int64(len(buffer)+len(a.frame)) > l.size {
			break
		}
		finish(a.frame, w.ordinal+uint16(n))
		buffer = append(buffer, a.frame...)
		n++
	}
	return n, buffer
}

func (l *Log) writeTo(w *writer, buffer []byte) error {
	if _, err := w.file.WriteAt(buffer, w.offset); err != nil {
		return fmt.Errorf("write to a segment: %w", err)
	}
	if err := syncData(w.file); err != nil {
		return fmt.Errorf("sync a segment: %w", err)
	}
	return nil
}

// landed counts what was written.
func (l *Log) landed(w *writer, appends []*pending, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.offset += size
	w.ordinal += uint16(len(appends)) //nolint:gosec // modulo 65536, as the format has it
	l.reserved -= size
	for _, a := range appends {
		if w.records == 0 || a.due.Before(w.due) {
			w.due = a.due
		}
		w.add(Record{Key: a.key, Size: int64(len(a.frame))})
	}
}

// fail ends appends that are not stored.
func (l *Log) fail(appends []*pending, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range appends {
		a.err = err
		l.reserved -= int64(len(a.frame))
		l.release(a.key, int64(len(a.frame)))
	}
}

// writable returns the segment that is written to, with room for a frame. It is called with writing held.
func (l *Log) writable(size int, again bool) (*writer, error) {
	if l.active != nil && l.active.offset+int64(size) <= l.size {
		return l.active, nil
	}
	if l.closed {
		return nil, os.ErrClosed
	}
	l.seal()
	l.mu.Lock()
	count, bound := len(l.segments), l.max
	l.mu.Unlock()
	if again {
		bound++
	}
	if count >= bound {
		return nil, fmt.Errorf("%w: it has %d segments of %d", ErrFull, count, l.max)
	}
	if l.spare == nil {
		if err := l.makeSpare(); err != nil {
			return nil, err
		}
	}
	w := &writer{Segment: &Segment{id: l.spare.id, bytes: map[string]int64{}}, file: l.spare.file}
	l.spare = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active, l.segments = w, append(l.segments, w.Segment)
	return w, nil
}

// makeSpare makes the segment that is written to next.
func (l *Log) makeSpare() error {
	l.lastID++
	file, err := l.createFile(l.lastID)
	if err != nil {
		return err
	}
	l.spare = &spare{id: l.lastID, file: file}
	return nil
}

// seal ends appending to the segment that is written to. It is called with writing held.
func (l *Log) seal() {
	if l.active == nil {
		return
	}
	// Everything that counts was synced before.
	_ = l.active.file.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active = nil
}
