// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import "encoding/binary"

// tableReader reads the entries of a table in order.
type tableReader struct {
	w *window
	table
	at int64 // index of the next entry
}

// peek gives the next entry, valid until the next call; nil: there is none.
func (r *tableReader) peek() ([]byte, error) {
	if r.at >= r.count {
		return nil, nil
	}
	size := r.width / 8
	return r.w.at(r.offset+r.at*int64(size), size)
}

// next gives the next entry and goes on.
func (r *tableReader) next() ([]byte, error) {
	entry, err := r.peek()
	r.at++
	return entry, err
}

// nibble reads the next entry of four bits. false: there is none.
func (r *tableReader) nibble() (value int64, ok bool, err error) {
	if r.at >= r.count {
		return 0, false, nil
	}
	pair, err := r.w.at(r.offset+r.at/2, 1)
	if err != nil {
		return 0, false, err
	}
	value = int64(pair[0] >> 4)
	if r.at%2 == 1 {
		value = int64(pair[0] & 15)
	}
	r.at++
	return value, true, nil
}

// runReader reads a table of runs: how often a value stands, and the value (stts and ctts). Behind the end of the table
// the last run goes on.
type runReader struct {
	tableReader
	left  int64
	value uint32
}

// take takes count values that are equal and gives the value and how many more there are of it. The count beyond the
// first must be within the run.
func (r *runReader) take(count int64) (value uint32, more int64, err error) {
	for r.left < count {
		entry, err := r.next()
		if err != nil {
			return 0, 0, err
		}
		if entry == nil {
			r.left = count
			break
		}
		r.left, r.value = int64(binary.BigEndian.Uint32(entry)), binary.BigEndian.Uint32(entry[4:])
	}
	r.left -= count
	return r.value, r.left, nil
}
