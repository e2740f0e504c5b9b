// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import "sparkrtc.dev/recording-operator/internal/media"

// Bounds for telling by the program's clock which times are wrong.
const (
	// maxClockStep is how far one reference of the clock is from the next at most: the standard asks for a tenth of a second.
	maxClockStep = media.Clock / 2
	// minStray is by how much a time strays from the clock that is wrong: what a decoder has to hold is less.
	minStray = media.Clock
	// maxHeldBack is how long a muxer holds packets back, to fill a PES packet over a pause for example.
	maxHeldBack = 10 * media.Clock
	// maxStrayPES is how many PES packets stray at most, and fewPES how many there are at least for each of them that do not.
	maxStrayPES, fewPES = 3, 4
	// maxStretches bounds how often times stray in a file whose times say something.
	maxStretches = 8
)

// programClock is the clock of the program (ISO/IEC 13818-1, 2.4.2.2), as the references in one PID tell it.
type programClock struct {
	pid  uint16
	last int64
	// references counts them, and at is where the last one lies.
	references int
	at         int64
	// leaps says that it leaps, or pauses, so that it proves nothing.
	leaps bool
}

// take takes the adaptation field of a packet at an offset, without its length.
func (c *programClock) take(pid uint16, field []byte, at int64) {
	const reference, discontinuity = 0x10, 0x80
	if len(field) < 7 || field[0]&reference == 0 || c.references > 0 && pid != c.pid {
		return
	}
	now := int64(field[1])<<25 | int64(field[2])<<17 | int64(field[3])<<9 | int64(field[4])<<1 | int64(field[5])>>7
	if c.references > 0 {
		now = unwrap(uint64(now), c.last) //nolint:gosec // 33 bits
		c.leaps = c.leaps || now < c.last || now > c.last+maxClockStep || field[0]&discontinuity != 0
	}
	c.pid, c.last, c.at = pid, now, at
	c.references++
}

// ahead is how far a time is ahead of the clock.
func (c *programClock) ahead(time uint64) int64 { return unwrap(time, c.last) - c.last }

// stretch is PES packets in a row whose times are as far ahead of the clock as one another.
type stretch struct {
	// first is the packet of the stream that the first one begins, and end the one behind the last one; open: it is not known yet.
	first, end int
	count      int
	// from and to are how far ahead the first one and the last one are.
	from, to int64
	// references is how many references of the clock had come before the last one.
	references int
}

const open = -1

// follow takes the time of the PES packet that the next packet of the stream begins.
func (s *stream) follow(m mark) {
	if !m.timed || len(s.stretches) > maxStretches {
		return
	}
	next := s.description().Packets.Count
	var last *stretch
	if count := len(s.stretches); count > 0 {
		last = &s.stretches[count-1]
		if last.end == open {
			last.end = next
		}
	}
	switch {
	case !m.clocked:
	case last != nil && near(last.to, m.ahead):
		last.count, last.to, last.end, last.references = last.count+1, m.ahead, open, m.references
	default:
		s.stretches = append(s.stretches, stretch{first: next, end: open, count: 1, from: m.ahead, to: m.ahead, references: m.references})
	}
}

func near(a, b int64) bool { return a-b < minStray && b-a < minStray }

// strays are the packets whose times stray from the clock while those before and behind them do not.
func (s *stream) strays() []media.PacketRange {
	if s.d.clockOfProgram.leaps || len(s.stretches) > maxStretches {
		return nil
	}
	most, all := 0, 0
	for i, each := range s.stretches {
		all += each.count
		if each.count > s.stretches[most].count {
			most = i
		}
	}
	var found []media.PacketRange
	stray := 0
	for i, each := range s.stretches {
		usual := s.stretches[most].from
		if i > most {
			usual = s.stretches[most].to
		}
		if near(each.from, usual) || i == most {
			continue
		}
		if each.from < usual && each.from > usual-maxHeldBack || each.references == s.d.clockOfProgram.references {
			return nil // a muxer may have held it back, or nothing says that the clock has not leapt with it
		}
		stray += each.count
		if each.end == open {
			each.end = s.description().Packets.Count
		}
		found = append(found, media.PacketRange{From: each.first, To: each.end})
	}
	if stray > maxStrayPES || all < (1+fewPES)*stray {
		return nil
	}
	return found
}
