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

// maxReferences bounds the entries of an index of segments that are added up; it has 65,535 at most.
const maxReferences = 1 << 16

// judgeAccess finds fragments that the indexes of a whole fragmented file name, and that are not there: sidx before the first fragment
// says how many bytes follow (8.16.3), and tfra in mfra at the end of the file where fragments lie (8.8.10).
func (m *Movie) judgeAccess() error {
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
	version, _, data, err := fullBox(w, m.references, 20)
	if err != nil {
		return false, err
	}
	at, first := m.references.body+4+20, int64(binary.BigEndian.Uint32(data[12:]))
	count := int(binary.BigEndian.Uint16(data[18:]))
	if version > 0 {
		if _, _, data, err = fullBox(w, m.references, 28); err != nil {
			return false, err
		}
		at, first = m.references.body+4+28, knownDuration(binary.BigEndian.Uint64(data[16:]))
		count = int(binary.BigEndian.Uint16(data[26:]))
	}
	end := m.references.end
	for range min(count, maxReferences) {
		if at+12 > m.references.end {
			return false, errShort
		}
		entry, err := w.at(at, 12)
		if err != nil {
			return false, err
		}
		end += int64(binary.BigEndian.Uint32(entry) &^ (1 << 31)) // the first bit says what is referred to
		at += 12
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
		version, _, data, err := fullBox(w, b, 12)
		if err != nil {
			return false, err
		}
		lengths, count := binary.BigEndian.Uint32(data[4:]), int64(binary.BigEndian.Uint32(data[8:]))
		size := int64(8) << min(version, 1)
		for shift := 0; shift < 6; shift += 2 {
			size += int64(lengths>>shift&3) + 1
		}
		entries := b.body + 4 + 12
		if count == 0 || entries+count*size > b.end {
			continue
		}
		first, err := m.isFragment(w, entries, version)
		if err != nil || !first {
			return false, err
		}
		last, err := m.isFragment(w, entries+(count-1)*size, version)
		if err != nil || !last {
			return err == nil, err
		}
	}
	return false, nil
}

// isFragment says that a movie fragment lies where an entry of tfra says.
func (m *Movie) isFragment(w *window, entry int64, version byte) (bool, error) {
	offset := int64(0)
	if version == 0 {
		data, err := w.at(entry+4, 4)
		if err != nil {
			return false, err
		}
		offset = int64(binary.BigEndian.Uint32(data))
	} else {
		data, err := w.at(entry+8, 8)
		if err != nil {
			return false, err
		}
		offset = knownDuration(binary.BigEndian.Uint64(data))
	}
	if offset+8 > m.size {
		return false, nil
	}
	head, err := w.at(offset, 8)
	return err == nil && string(head[4:]) == "moof", err
}
