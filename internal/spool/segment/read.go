// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Open opens the log in a folder, and reads all of it: lost is how many records were damaged. Records of earlier
// processes are in segments of their own, which are not appended to again.
func Open(options Options) (l *Log, lost int, err error) {
	if options.Size == 0 {
		options.Size = DefaultSize
	}
	lock, err := lockDir(options.Dir)
	if err != nil {
		return nil, 0, err
	}
	l = &Log{
		dir: options.Dir, max: options.MaxSegments, size: options.Size, lock: lock,
		bytes: map[string]int64{}, changed: make(chan struct{}, 1),
	}
	if lost, err = l.load(); err != nil {
		return nil, 0, errors.Join(err, lock.Close())
	}
	// A disk that is full is no reason not to drain what is there: the append that needs the segment gets the error.
	_ = l.makeSpare()
	return l, lost, nil
}

// load reads which segments there are, and removes those without a record: they were ready, but never written to.
func (l *Log) load() (lost int, err error) {
	ids, err := list(l.dir)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	buffer := l.Buffer()
	for _, id := range ids {
		l.lastID = id
		s := &Segment{id: id, bytes: map[string]int64{}}
		if s.lost, err = l.scanFile(s, buffer, s.add); err != nil {
			return 0, err
		}
		lost += s.lost
		if s.records == 0 {
			if err := os.Remove(l.path(id)); err != nil {
				return 0, fmt.Errorf("remove an empty segment: %w", err)
			}
			continue
		}
		l.segments = append(l.segments, s)
		for key, size := range s.bytes {
			l.bytes[key] += size
		}
	}
	return lost, nil
}

// Buffer is one that segments can be read into.
func (l *Log) Buffer() []byte { return make([]byte, l.size) }

// Due reports whether Next would return a segment.
func (l *Log) Due(now time.Time) bool {
	s, _, _ := l.due(now)
	return s != nil
}

// Next returns the oldest segment with a record that is due, or nil. If there is none but later ones, next is when the
// first of them is due. Nothing is appended any more to a segment that was returned; it is returned again until it is
// removed or deferred.
func (l *Log) Next(now time.Time) (s *Segment, next time.Time) {
	s, next, sealed := l.due(now)
	if s == nil || sealed {
		return s, next
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.active != nil && l.active.Segment == s {
		l.seal()
	}
	return s, time.Time{}
}

// due looks for a segment as Next does; one that is not sealed is written to.
func (l *Log) due(now time.Time) (found *Segment, next time.Time, sealed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		if !s.due.After(now) {
			return s, time.Time{}, l.active == nil || l.active.Segment != s
		}
		if next.IsZero() || s.due.Before(next) {
			next = s.due
		}
	}
	return nil, next, false
}

// Read reads a segment into a buffer, in which its records lie. Lost is how many are damaged that were not known to be.
func (l *Log) Read(s *Segment, buffer []byte) (records []Record, lost int, err error) {
	total, err := l.scanFile(s, buffer, func(r Record) { records = append(records, r) })
	if err != nil {
		return nil, 0, err
	}
	lost = max(0, total-s.lost)
	s.lost = max(s.lost, total)
	return records, lost, nil
}

// scanFile visits the records of a segment, and returns how many are lost.
func (l *Log) scanFile(s *Segment, buffer []byte, visit func(Record)) (lost int, err error) {
	data, whole, err := l.readFile(s.id, buffer)
	if err != nil {
		return 0, err
	}
	lost = scan(data, visit)
	if !whole {
		lost = max(lost, 1)
	}
	return lost, nil
}

// Remove removes a segment that is done with. Should the disk forget that, its records come back, once.
func (l *Log) Remove(s *Segment) error {
	if err := os.Remove(l.path(s.id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove a segment: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = slices.DeleteFunc(l.segments, func(other *Segment) bool { return other == s })
	for key, size := range s.bytes {
		l.release(key, size)
	}
	return nil
}

// Defer keeps a segment until it is due again.
func (l *Log) Defer(s *Segment, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.due = due
}
