// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// errDisordered says that a bucket or a record lies where none should be.
var errDisordered = errors.New("is none of the spool's")

// visitor is told of the buckets and the records of a file.
type visitor struct {
	// record is called for each record that is whole.
	record func(bucket string, id uint64, content []byte, r record) error
	// counted is what was found, written what the ledger says.
	counted ledger
	written *ledger
	// buckets are how many of the spool's buckets there are, whose names are in order and so never twice.
	buckets int
}

// complete reports whether nothing is missing beside what was found.
func (v *visitor) complete() bool {
	return v.buckets == len(spoolBuckets) && v.written != nil && *v.written == v.counted
}

// bucket is told of a bucket, and which number it gave last.
func (v *visitor) bucket(name string, last uint64) error {
	switch name {
	case string(eventsBucket):
		v.counted.Events.Last = last
	case string(lettersBucket):
		v.counted.Letters.Last = last
	case string(ledgerBucket):
	default:
		return errDisordered
	}
	v.buckets++
	return nil
}

// visit is told of a record. What it is given is valid until it returns.
func (v *visitor) visit(bucket string, key, content []byte) error {
	switch {
	case bucket == string(ledgerBucket) && string(key) == string(ledgerKey):
		l, err := decodeLedger(content)
		if err != nil {
			return err
		}
		v.written = &l
		return nil
	case bucket != string(eventsBucket) && bucket != string(lettersBucket) || len(key) != 8:
		return errDisordered
	}
	r, err := decodeRecord(key, content)
	if err != nil {
		return err
	}
	if isLetter := r.Cause != ""; isLetter != (bucket == string(lettersBucket)) {
		// A page that was never written shows what it held before, which may be of the other bucket.
		return errDisordered
	}
	if bucket == string(eventsBucket) {
		v.counted.Events.add(content)
	} else {
		v.counted.Letters.add(content)
	}
	return v.record(bucket, idOf(key), content, r)
}

// inspect reads a file before bbolt does, and finds every damage that matters.
func inspect(path string) (found, error) {
	file, size, err := openPlain(path)
	if err != nil {
		return found{}, err
	}
	defer func() { _ = file.Close() }()
	metas, broken := readMetas(file)
	if len(broken) > 0 {
		// It may have been the newer one, and the tree of the other older than what was acknowledged.
		return found{damage: fmt.Errorf("%d of the 2 meta pages are broken", len(broken))}, nil
	}
	var held found
	v := &visitor{record: func(bucket string, id uint64, _ []byte, r record) error {
		if bucket == string(eventsBucket) {
			held.events = append(held.events, entry{id: id, lane: r.lane()})
		}
		return nil
	}}
	problems := scanTree(file, size, metas[0], v)
	v.counted.Commit = metas[0].txid
	if len(problems) == 0 && !v.complete() {
		problems = []error{errors.New("its records are not those that its ledger counts")}
	}
	if len(problems) > 0 {
		held.damage = fmt.Errorf("%d problems, the first: %w", len(problems), problems[0])
	}
	return held, nil
}

// rescue makes a broken file anew from every record that can be read of it: those of its last commit, and of the one
// before, which is whole when only the last one's pages are broken. The broken file is kept, in place of an older one,
// for people to look at. What was done with since the commit before comes back, which is harmless.
func rescue(folder string, broken found) (found, error) {
	path := filepath.Join(folder, fileName)
	file, size, err := openPlain(path)
	if err != nil {
		return found{}, err
	}
	defer func() { _ = file.Close() }()
	keep := filepath.Join(folder, brokenName)
	if err := os.Remove(keep); err != nil && !errors.Is(err, os.ErrNotExist) {
		return found{}, fmt.Errorf("remove an older broken spool: %w", err)
	}
	if err := os.Link(path, keep); err != nil {
		return found{}, fmt.Errorf("keep the broken spool: %w", err)
	}
	var lost int
	err = create(folder, func(db *bbolt.DB) error {
		lost, err = save(db, file, size)
		return err
	})
	if err != nil {
		return found{}, fmt.Errorf("rescue a broken spool (%w): %w", broken.damage, err)
	}
	held, err := inspect(path)
	if err != nil {
		return found{}, err
	}
	if held.damage != nil {
		return found{}, fmt.Errorf("rescue a broken spool (%w): the new file is broken too: %w", broken.damage, held.damage)
	}
	held.damage, held.lost = broken.damage, lost
	return held, nil
}

// savedAtOnce bounds what saving holds in memory: records of at most 256 KiB.
const savedAtOnce = 64

// saver copies records into a new file.
type saver struct {
	db *bbolt.DB
	// known are the records that were copied already, by bucket and number.
	known   map[string]map[uint64]bool
	pending []savedRecord
	// err is why records could not be written; a scan goes on after it.
	err error
}

type savedRecord struct {
	bucket  string
	id      uint64
	content []byte
}

// save copies all records that can be read of a broken file, and returns how many of those that its ledger counts are
// lost.
func save(db *bbolt.DB, file io.ReaderAt, size int64) (lost int, err error) {
	s := &saver{db: db, known: map[string]map[uint64]bool{string(eventsBucket): {}, string(lettersBucket): {}}}
	// Nothing is synced before the end: the file has no name yet.
	db.NoSync = true
	var written *ledger
	whole, broken := readMetas(file)
	for _, m := range append(broken, whole...) {
		v := &visitor{record: s.add}
		_ = scanTree(file, size, m, v)
		if written == nil {
			written = v.written
		}
	}
	s.flush()
	if err := errors.Join(s.err, db.Sync()); err != nil {
		return 0, err
	}
	db.NoSync = false
	if written != nil {
		for _, t := range []struct {
			bucket string
			tally
		}{{string(eventsBucket), written.Events}, {string(lettersBucket), written.Letters}} {
			lost += max(0, int(t.Count)-len(s.known[t.bucket])) //nolint:gosec // a count of records
		}
	}
	return lost, nil
}

func (s *saver) add(bucket string, id uint64, content []byte, _ record) error {
	if s.known[bucket][id] {
		return nil
	}
	s.known[bucket][id] = true
	s.pending = append(s.pending, savedRecord{bucket: bucket, id: id, content: bytes.Clone(content)})
	if len(s.pending) >= savedAtOnce {
		s.flush()
	}
	return nil
}

// flush writes what is pending.
func (s *saver) flush() {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		c, err := newChange(tx)
		if err != nil {
			return err
		}
		for _, r := range s.pending {
			bucket, t := c.events, &c.ledger.Events
			if r.bucket == string(lettersBucket) {
				bucket, t = c.letters, &c.ledger.Letters
			}
			if err := bucket.Put(keyOf(r.id), r.content); err != nil {
				return err
			}
			t.add(r.content)
			t.Last = max(t.Last, r.id)
			if err := bucket.SetSequence(t.Last); err != nil {
				return err
			}
		}
		return c.finish()
	})
	s.pending = s.pending[:0]
	s.err = errors.Join(s.err, err)
}

func openPlain(path string) (file *os.File, size int64, err error) {
	file, err = os.Open(path) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, 0, fmt.Errorf("open the spool's file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("read the size of the spool's file: %w", err), file.Close())
	}
	return file, info.Size(), nil
}
