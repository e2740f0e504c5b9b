// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Bounds of a stream's times.
const (
	// maxReorder is the furthest that a packet may be shown after it is decoded, unless the decoding times follow.
	maxReorder = 10 * media.Clock
	// maxOrder is how many pictures may be decoded before one that is shown before them (H.264 and H.265), and fewOrder
	// how many are in practice.
	maxOrder, fewOrder = 16, 4
	// maxBefore is how many pictures may be decoded behind one and shown before it: each may be one of two fields.
	maxBefore = 2 * maxOrder
	// maxLeap is how far one packet must be from both neighbors for its time to be an outlier.
	maxLeap = 60 * media.Clock
	// minStray is how far a packet's time leaps that may be a stray, maxStrays how many there are in a row, and maxReturn by
	// how much the time of the packet behind them may differ from where it is expected.
	minStray, maxStrays, maxReturn = media.Clock, 32, media.Clock / 4
	// fewStrays is how many there are at most when others are lost with them, so that nobody knows when the next one is expected.
	fewStrays = 3
	// minStraySound is minStray of sound, whose frames follow one another at once.
	minStraySound = media.Clock / 10
	// minStep is how far a clock goes back when it is another clock; less is disorder that the muxer evens out.
	minStep = media.Clock * 12 / 100
	// maxOdd bounds the cuts and outliers of one stream of one segment; a file with more of them is noise.
	maxOdd = 64
	// sampleIntervals bounds how many intervals are kept to find the usual one.
	sampleIntervals = 512
)

// stats are the times of a slice.
type stats struct {
	firstDTS, lastDTS int64
	// firstPTS is when the packet is shown that is decoded first.
	firstPTS int64
	// begin is the least PTS, and greatest the greatest one; end is greatest and how long that packet lasts.
	begin, greatest, end int64
	// interval is the usual one between packets, and lastInterval that of the last packet; 0: there is one packet.
	interval, lastInterval int64
	// intervals is how many there are.
	intervals int
	// longest is the longest interval between packets.
	longest int64
	// key says that the first packet is a key frame.
	key bool
	// origin is firstDTS in the file.
	origin int64
	// cuts are where the clock goes back, or leaps.
	cuts []cut
	// leapt counts the leaps by more than maxLeap, and leap is the number of the packet behind the first.
	leapt, leap int
	// outliers are the numbers of packets whose time cannot be.
	outliers []int
}

// cut is where a stream's clock goes back, or leaps: before the packet of this number, from one time to another.
type cut struct {
	number   int
	from, to int64
}

// next is when the packet after the last one is expected.
func (s *stats) next() int64 { return s.lastDTS + s.lastInterval }

// move adds to all times.
func (s *stats) move(ticks int64) {
	s.firstDTS += ticks
	s.firstPTS += ticks
	s.lastDTS += ticks
	s.begin += ticks
	s.greatest += ticks
	s.end += ticks
	for i := range s.cuts {
		s.cuts[i].from += ticks
		s.cuts[i].to += ticks
	}
}

// measure reads the packets of a view. In a short segment, a first or last packet that is far from the others is an outlier;
// in a longer one it may follow a pause. Packets that are known to be wrong are outliers.
func measure(v *view, short bool, wrong ...int) stats {
	m := meter{short: short, late: v.wrongTimes(wrong)}
	for number, packet := range v.own() {
		m.add(number, packet)
	}
	m.finish()
	m.move(v.shift)
	return m.stats
}

// meter collects stats. It judges each packet when it has seen the one after it.
type meter struct {
	stats
	// short says that the file is a segment, in which no pause is as long as maxLeap.
	short bool
	// late are the numbers of packets that are shown too long after they are decoded.
	late    map[int]bool
	samples []int64
	seen    int

	// held waits for its neighbor; before is the last packet that was taken, and third the one before held as it came.
	held, before, third media.Packet
	number              int
	count, taken        int
}

// add takes the next packet and judges the one before it.
func (m *meter) add(number int, packet media.Packet) {
	switch m.count {
	case 0:
		m.key = packet.Key
	case 1:
		// The first packet has one neighbor; the next one but one decides.
	case 2:
		// Either of the first two may be the one that is wrong.
		m.judge(m.third, m.number-1, m.short && leaps(m.third, m.held) && !leaps(m.held, packet))
		m.judge(m.held, m.number, leaps(m.third, m.held) && leaps(m.held, packet) && !leaps(m.third, packet))
	default:
		m.judge(m.held, m.number, leaps(m.before, m.held) && leaps(m.held, packet) && !leaps(m.before, packet))
	}
	m.third, m.held, m.number = m.held, packet, number
	m.count++
}

// finish judges the packets that wait.
func (m *meter) finish() {
	switch m.count {
	case 0:
		return
	case 1:
		m.judge(m.held, m.number, false)
	case 2:
		m.judge(m.third, m.number-1, false)
		m.judge(m.held, m.number, m.short && leaps(m.third, m.held))
	default:
		m.judge(m.held, m.number, m.short && m.taken > 0 && leaps(m.before, m.held))
	}
	m.intervals = m.seen
	if len(m.samples) > 0 {
		slices.Sort(m.samples)
		m.interval = m.samples[(len(m.samples)-1)/2] // of two, the one that is no pause
	}
	if m.before.Duration > 0 {
		m.lastInterval = m.before.Duration
	} else if m.lastInterval == 0 || m.lastInterval > 2*m.interval {
		// A pause before the last packet does not say how long that one lasts.
		m.lastInterval = m.interval
	}
	if m.taken > 0 {
		shown := m.lastInterval
		if m.before.PTS < m.greatest {
			shown = min(shown, m.interval) // the last packet is not the one that is shown last
		}
		m.end = max(m.end, m.greatest+shown)
	}
}

// judge takes a packet, unless its time cannot be.
func (m *meter) judge(packet media.Packet, number int, outlier bool) {
	if outlier || m.late[number] {
		if len(m.outliers) < maxOdd {
			m.outliers = append(m.outliers, number)
		}
		return
	}
	if m.taken == 0 {
		m.origin = packet.DTS
		m.firstDTS, m.firstPTS, m.begin, m.greatest, m.end = packet.DTS, packet.PTS, packet.PTS, packet.PTS, packet.PTS
	} else {
		m.follow(packet, number)
	}
	m.begin, m.greatest, m.end = min(m.begin, packet.PTS), max(m.greatest, packet.PTS), max(m.end, packet.PTS)
	m.lastDTS, m.before = packet.DTS, packet
	m.taken++
}

// follow looks at what lies between a packet and the one before it.
func (m *meter) follow(packet media.Packet, number int) {
	if leaps(m.before, packet) {
		if m.leapt == 0 {
			m.leap = number
		}
		m.leapt++
	}
	switch interval := packet.DTS - m.before.DTS; {
	case interval < -minStep || interval > maxPause:
		if len(m.cuts) < maxOdd {
			m.cuts = append(m.cuts, cut{number: number, from: m.before.DTS, to: packet.DTS})
		}
	case interval > 0:
		m.lastInterval = interval
		m.longest = max(m.longest, interval)
		m.sample(interval)
	}
}

// sample keeps some intervals, so that the usual one is found in bounded memory.
func (m *meter) sample(interval int64) {
	m.seen++
	if len(m.samples) < sampleIntervals {
		m.samples = append(m.samples, interval)
	} else {
		m.samples[(m.seen*7919)%sampleIntervals] = interval
	}
}

// leaps says that two packets of a stream are further apart than any pause within a segment.
func leaps(a, b media.Packet) bool { return distance(a.DTS, b.DTS) > maxLeap }

func distance(a, b int64) int64 {
	if a < b {
		return b - a
	}
	return a - b
}
