// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"go.etcd.io/bbolt"
)

// The buckets: deliveries that wait, dead letters, both by the number that they were given, and the ledger of both.
var (
	eventsBucket  = []byte("events")
	lettersBucket = []byte("letters")
	ledgerBucket  = []byte("ledger")
	ledgerKey     = []byte("ledger")
	spoolBuckets  = [][]byte{eventsBucket, lettersBucket, ledgerBucket}
)

// tally says how much a bucket holds.
type tally struct {
	// Count and Bytes are of records; Bytes without bbolt's share.
	Count, Bytes uint64
	// Sum is that of the records' checksums. A page that the disk kept as it once was has valid records, but not these.
	Sum uint64
	// Last is the number that was given last. The bucket says the same, so that neither is believed when it is broken.
	Last uint64
}

func (t *tally) add(content []byte) {
	t.Count, t.Bytes, t.Sum = t.Count+1, t.Bytes+uint64(len(content)), t.Sum+sumOf(content)
}

func (t *tally) remove(content []byte) {
	t.Count, t.Bytes, t.Sum = t.Count-1, t.Bytes-uint64(len(content)), t.Sum-sumOf(content)
}

// ledger is written with every change, so that a file which lost something is told from one that never had it.
type ledger struct {
	Events, Letters tally
	// Commit is the transaction that wrote it. A disk that loses a write may leave the tree of an older one in its place.
	Commit uint64
}

func (l ledger) encode() []byte {
	// Numbers always have this form.
	content, _ := binary.Append(nil, binary.LittleEndian, l)
	return content
}

func decodeLedger(content []byte) (l ledger, err error) {
	if _, err := binary.Decode(content, binary.LittleEndian, &l); err != nil {
		return l, fmt.Errorf("decode the ledger: %w", err)
	}
	return l, nil
}

// change is a transaction under way.
type change struct {
	events, letters, ledgers *bbolt.Bucket
	ledger                   ledger
}

func newChange(tx *bbolt.Tx) (*change, error) {
	c := &change{events: tx.Bucket(eventsBucket), letters: tx.Bucket(lettersBucket), ledgers: tx.Bucket(ledgerBucket)}
	// Numbers only grow, so pages are filled to the end instead of being split in the middle.
	c.events.FillPercent, c.letters.FillPercent = 1, 1
	var err error
	c.ledger, err = decodeLedger(c.ledgers.Get(ledgerKey))
	c.ledger.Commit = uint64(tx.ID()) //nolint:gosec // never negative
	return c, err
}

func (c *change) finish() error { return c.ledgers.Put(ledgerKey, c.ledger.encode()) }

// put stores an encoded record under the bucket's next number.
func put(bucket *bbolt.Bucket, t *tally, content []byte) (uint64, error) {
	id, err := bucket.NextSequence()
	if err != nil {
		return 0, fmt.Errorf("number the record: %w", err)
	}
	key := keyOf(id)
	seal(key, content)
	if err := bucket.Put(key, content); err != nil {
		return 0, fmt.Errorf("put the record: %w", err)
	}
	t.add(content)
	t.Last = id
	return id, nil
}

// remove deletes a record. One that is not there is no error.
func remove(bucket *bbolt.Bucket, t *tally, id uint64) error {
	key := keyOf(id)
	content := bucket.Get(key)
	if content == nil {
		return nil
	}
	t.remove(content)
	if err := bucket.Delete(key); err != nil {
		return fmt.Errorf("delete the record: %w", err)
	}
	return nil
}

// batch is what one commit writes.
type batch struct {
	operations []operation
	done       chan struct{}
	err        error
}

// operation is one caller's part of a batch.
type operation struct {
	apply func(*change) error
	// landed is called, in the order of the operations, once the change is in the file. Optional.
	landed func()
	// ended is called when the commit is over, however it went. Optional.
	ended func()
}

func call(do func()) {
	if do != nil {
		do()
	}
}

// store is the file. It is safe for concurrent use.
type store struct {
	db   *bbolt.DB
	lock *os.File

	// writing is held by the one that commits; the next batch gathers meanwhile.
	writing sync.Mutex
	mu      sync.Mutex
	next    *batch
	ledger  ledger
	// reserved are bytes of events that are on their way into the file, limit bounds these and those that are in it.
	reserved, limit int64
}

var errFull = errors.New("the spool is full")

// reserve makes room for an event of the given size, as long as all do not exceed share of the limit.
func (s *store) reserve(size int, share float64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	used := int64(s.ledger.Events.Bytes) + s.reserved //nolint:gosec // bounded by limit
	if float64(used+int64(size)) > float64(s.limit)*share {
		return fmt.Errorf("%w: it holds %d of %d bytes", errFull, used, s.limit)
	}
	s.reserved += int64(size)
	return nil
}

func (s *store) release(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved -= int64(size)
}

// tallies says how much the file holds.
func (s *store) tallies() ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger
}

// write applies an operation, and returns when it is synced to disk. Operations of many callers share a commit: while
// one is under way, the next gathers. When the context ends first, the operation may or may not be done.
func (s *store) write(ctx context.Context, op operation) error {
	s.mu.Lock()
	b := s.next
	if b == nil {
		b = &batch{done: make(chan struct{})}
		s.next = b
		// A disk that hangs must not hold its callers.
		go s.commit(b)
	}
	b.operations = append(b.operations, op)
	s.mu.Unlock()
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the disk: %w", ctx.Err())
	}
}

// commit writes a batch when those before it are written.
func (s *store) commit(b *batch) {
	s.writing.Lock()
	defer s.writing.Unlock()
	defer close(b.done)
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	defer func() {
		for _, op := range b.operations {
			call(op.ended)
		}
	}()

	var transaction int
	var result ledger
	b.err = s.db.Update(func(tx *bbolt.Tx) error {
		transaction = tx.ID()
		c, err := newChange(tx)
		if err != nil {
			return err
		}
		for _, op := range b.operations {
			if err := op.apply(c); err != nil {
				return err
			}
		}
		result = c.ledger
		return c.finish()
	})
	if b.err != nil {
		b.err = fmt.Errorf("write to the spool: %w", b.err)
		if !s.holds(transaction) {
			return
		}
		// The last sync of the commit failed: what was written is in the file, but may be gone after a power cut.
		// So callers hear of the error, but the drainer of the records.
	}
	s.mu.Lock()
	s.ledger = result
	s.mu.Unlock()
	for _, op := range b.operations {
		call(op.landed)
	}
}

// holds reports whether a transaction is the last one that the file has.
func (s *store) holds(transaction int) bool {
	last := 0
	// A view's only error is that the file is closed.
	_ = s.db.View(func(tx *bbolt.Tx) error { last = tx.ID(); return nil })
	return transaction > 0 && transaction == last
}

// event reads an event.
func (s *store) event(id uint64) (record, error) { return s.read(eventsBucket, id) }

// letter reads a dead letter.
func (s *store) letter(id uint64) (record, error) { return s.read(lettersBucket, id) }

var errNoRecord = errors.New("no such record")

func (s *store) read(bucket []byte, id uint64) (r record, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		key := keyOf(id)
		content := tx.Bucket(bucket).Get(key)
		if content == nil {
			return errNoRecord
		}
		// What bbolt returns is gone with the transaction.
		r, err = decodeRecord(key, bytes.Clone(content))
		return err
	})
	return r, err
}

// close waits for what is being written.
func (s *store) close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.db.Close()
	return errors.Join(err, s.lock.Close())
}
