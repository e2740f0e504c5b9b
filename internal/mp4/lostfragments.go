// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"sparkrtc.dev/recording-operator/internal/media"
)

// judgeIndexes finds fragments that the indexes of a whole fragmented file name, and that are not there: sidx before the first fragment
// says how many bytes follow (8.16.3), and tfra in mfra at the end of the file where fragments lie (8.8.10).
func (m *Movie) judgeIndexes() error {
	if m.fragments < 0 {
		return nil
	}
	for _, index := range []struct {
		at    box
		lacks func(*window) (bool, error)
		kind  media.DamageKind
	}{
		{m.references, m.lacksReferenced, media.FragmentUnfound},
		{m.access, m.lacksAccess, media.BoxTruncated},
	} {
		if index.at.kind == "" {
			continue
		}
		switch lacks, err := index.lacks(newWindow(m.r, m.size, 4096)); {
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errHeader): // an index that is cut, or none, tells nothing
		case err != nil:
			return fmt.Errorf("reading an index of fragments (%s): %w", index.at.kind, err)
		case lacks:
			m.damage.add(media.Damage{Kind: index.kind, Stream: -1, Offset: m.size, Count: 1})
		}
	}
	return nil
}

// lacksReferenced says that what the index of segments refers to goes beyond the end of the file.
func (m *Movie) lacksReferenced(w *window) (bool, error) {
	version, _, _, err := fullBox(w, m.references, 8)
	if err != nil {
		return false, err
	}
	// Behind the version, the track and its time scale: the earliest time, the first offset, and how many entries there are.
	at, size := m.references.body+4+8, int64(4)<<min(version, 1)
	first, err := w.number(at+size, version)
	if err != nil {
		return false, err
	}
	at += 2 * size
	data, err := w.at(at, 4)
	if err != nil {
		return false, err
	}
	end := m.references.end
	for range binary.BigEndian.Uint16(data[2:]) {
		if at += 12; at+4 > m.references.end {
			return false, errShort
		}
		if data, err = w.at(at-8, 4); err != nil {
			return false, err
		}
		end += int64(binary.BigEndian.Uint32(data) &^ (1 << 31)) // the first bit says what is referred to
	}
	return first <= m.size && end+first > m.size, nil
}

// lacksAccess says of a track that its first fragment that can be begun with is where mfra says, and its last one is not. Where neither
// is, the file was written again, and mfra kept as it was.
func (m *Movie) lacksAccess(w *window) (bool, error) {
	for b, err := range children(w, m.access.body, m.access.end) {
		if err != nil {
			return false, err
		}
		if b.kind != "tfra" {
			continue
		}
		first, last, err := w.accessEnds(b)
		if err != nil {
			return false, err
		}
		if first == 0 {
			continue
		}
		begins, err := m.isFragment(w, first)
		if err != nil || !begins {
			return false, err
		}
		ends, err := m.isFragment(w, last)
		if err != nil || !ends {
			return err == nil, err
		}
	}
	return false, nil
}

// accessEnds are the offsets of the first and the last fragment that a tfra names; 0: it names none.
func (w *window) accessEnds(b box) (first, last int64, err error) {
	version, _, data, err := fullBox(w, b, 12)
	if err != nil {
		return 0, 0, err
	}
	lengths, count := binary.BigEndian.Uint32(data[4:]), int64(binary.BigEndian.Uint32(data[8:]))
	size := int64(8) << min(version, 1)
	for shift := 0; shift < 6; shift += 2 {
		size += int64(lengths>>shift&3) + 1
	}
	entries := b.body + 4 + 12
	if count == 0 || entries+count*size > b.end {
		return 0, 0, nil
	}
	offset := func(number int64) (int64, error) {
		return w.number(entries+number*size+int64(4)<<min(version, 1), version)
	}
	if first, err = offset(0); err != nil {
		return 0, 0, err
	}
	last, err = offset(count - 1)
	if err == nil && last == 0 && count > 1 { // GStreamer ends with a fragment that it does not write
		last, err = offset(count - 2)
	}
	return first, last, err
}

// isFragment says that a movie fragment lies at an offset.
func (m *Movie) isFragment(w *window, offset int64) (bool, error) {
	if offset+8 > m.size {
		return false, nil
	}
	head, err := w.at(offset, 8)
	return err == nil && string(head[4:]) == "moof", err
}

// number reads a number of 32 bits, or of 64 in a box of a later version.
func (w *window) number(at int64, version byte) (int64, error) {
	size := 4 << min(version, 1)
	data, err := w.at(at, size)
	if err != nil {
		return 0, err
	}
	if size == 4 {
		return int64(binary.BigEndian.Uint32(data)), nil
	}
	return knownDuration(binary.BigEndian.Uint64(data)), nil
}
