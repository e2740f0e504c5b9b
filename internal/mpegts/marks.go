// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import "slices"

// mark is the time of the first packet that begins at or after an offset in stream.data.
type mark struct {
	offset   int
	pts, dts int64
	timed    bool
	// torn says that some of the PES packet before it is lost.
	torn bool
	// ahead is how far dts is ahead of the program's clock, which went on since the PES packet before: clocked.
	ahead   int64
	clocked bool
	// references is how many references of that clock had come before the transport packet that the PES packet begins in.
	references int
}

// time resolves the 33 bits of a PES packet's times: a DTS to the nearest of the stream's last one, the first to the
// nearest of any stream's last one, and a PTS to the nearest of its DTS.
func (s *stream) time(header pesHeader) mark {
	if !header.hasPTS {
		return mark{}
	}
	dts := header.pts
	if header.hasDTS {
		dts = header.dts
	}
	near := s.dts
	if !s.hasDTS {
		near = s.d.clock
		if !s.d.hasClock {
			near = int64(dts) //nolint:gosec // 33 bits
		}
	}
	s.dts, s.hasDTS = unwrap(dts, near), true
	s.d.clock, s.d.hasClock = s.dts, true
	made := mark{dts: s.dts, pts: unwrap(header.pts, s.dts), timed: true}
	if clock := &s.d.clockOfProgram; clock.references > s.references {
		made.ahead, made.clocked, s.references = clock.ahead(dts), true, clock.references
		made.references = clock.references
		if clock.at == s.d.position {
			made.references--
		}
	}
	return made
}

// addMark adds a mark. Of two at the same offset, no packet can begin with the first.
func (s *stream) addMark(m mark) {
	if last := len(s.marks) - 1; last >= s.firstMark && s.marks[last].offset == m.offset {
		if m.timed {
			s.marks[last] = m
		}
		return
	}
	s.marks = append(s.marks, m)
}

// mark gives the time for a packet that begins at an offset, and forgets the marks up to it.
func (s *stream) mark(offset int) mark {
	var found mark
	for ; s.firstMark < len(s.marks) && s.marks[s.firstMark].offset <= offset; s.firstMark++ {
		if m := s.marks[s.firstMark]; m.timed {
			found = m
		}
	}
	s.follow(found)
	return found
}

// markAt is the PES packet with a time that begins with the start code at an offset, which may have a zero in front; false:
// there is none.
func (s *stream) markAt(offset int) (mark, bool) {
	marks := s.marks[s.firstMark:]
	i, _ := slices.BinarySearchFunc(marks, offset-1, func(m mark, offset int) int { return m.offset - offset })
	if i == len(marks) || marks[i].offset > offset || !marks[i].timed {
		return mark{}, false
	}
	return marks[i], true
}
