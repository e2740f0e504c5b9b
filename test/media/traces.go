// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"math"
	"slices"
)

// traces says what of a loss the bytes of a recording show, by comparing its segments with what they were.
type traces struct {
	*recording
	// whole are the segments' bytes before the damage.
	whole [][]byte
	// restart: no counter runs on from segment to segment.
	restart bool
}

func (r *recording) bytesOfSegments() [][]byte {
	var whole [][]byte
	for _, s := range r.segments {
		whole = append(whole, s.data)
	}
	return whole
}

// areHidden says that a recording that has lost nothing may have the same bytes: only transport packets are gone, no counter
// shows it, no sound that goes on has a hole, and no take ends before the playlist says.
func (t *traces) areHidden() bool {
	if tail := t.lostTail(); !math.IsInf(tail, 1) && tail > t.hiddenTail() {
		return false
	}
	found := false
	for i, s := range t.segments {
		if bytes.Equal(s.data, t.whole[i]) && !s.gone {
			continue
		}
		if s.gone || !t.isTS(s) || len(s.data)%188 != 0 {
			return false
		}
		for slot, pid := range []uint16{videoPID, audioPID} {
			if !t.isHidden(i, slot, packetsOf(t.whole[i], pid), packetsOf(s.data, pid)) {
				return false
			}
		}
		found = true
	}
	return found
}

// hiddenTail is how much a take may be shorter than the playlist says: rounding and two pictures.
func (t *traces) hiddenTail() float64 {
	least := 0.4
	if t.playlist.whole {
		least = 1.5
	}
	return least + 2*t.truth.openEnd
}

// isHidden says that nothing shows which packets of a stream are lost in a segment: one stretch of them.
func (t *traces) isHidden(segment, slot int, whole, kept [][]byte) bool {
	lost := len(whole) - len(kept)
	if lost < 0 {
		return false
	}
	before := 0
	for before < len(kept) && bytes.Equal(whole[before], kept[before]) {
		before++
	}
	if !slices.EqualFunc(whole[before+lost:], kept[before:], bytes.Equal) {
		return false // they lie in several places
	}
	switch {
	case lost == 0:
		return true
	case before == len(kept) && !t.comesBack(segment, slot):
		return true // the stream may have ended there
	case len(kept) == 0 && !t.hasBegun(segment, slot):
		return true // it may have begun with the next segment
	case lost%16 == 0 && (!t.restart || before > 0 && before < len(kept)):
		return true // within a segment, counters go on also where they begin again with each
	default:
		few := len(t.segments) <= 4
		return t.segments[segment].holdsPictures(slot) && (before == 0 || before == len(kept)) && (t.restart || few)
	}
}

// looksCut says that a segment has the bytes of one that was cut between transport packets: picture and sound stop together,
// come back later, and the last transport packet of one of them has no stuffing, as one in 184 has none.
func (r *recording) looksCut() bool {
	const together, hole = 0.2, 0.15
	for i, s := range r.segments {
		if !r.isTS(s) || i+1 == len(r.segments) || r.segments[i+1].discontinuity {
			continue
		}
		ends, full := [2]float64{}, false
		for slot, pid := range []uint16{videoPID, audioPID} {
			for _, u := range s.units {
				if u.slot == slot {
					ends[slot] = max(ends[slot], u.at+u.length)
				}
			}
			packets := packetsOf(s.data, pid)
			full = full || len(packets) > 0 && isFull(packets[len(packets)-1])
		}
		if full && math.Abs(ends[0]-ends[1]) < together && s.to-max(ends[0], ends[1]) > hole {
			return true
		}
	}
	return false
}

// isFull says that a transport packet has no stuffing: no adaptation field, or one with a clock alone.
func isFull(packet []byte) bool {
	const control, payloadAlone = 0x30, 0x10
	const clock, clockBytes = 0x10, 7 // with the flags
	return packet[3]&control == payloadAlone || packet[4] == clockBytes && packet[5]&clock != 0
}

// hasBegun says that a stream is in a segment of the same clock before this one.
func (t *traces) hasBegun(segment, slot int) bool {
	for i := segment; i > 0 && !t.segments[i].discontinuity; i-- {
		if slices.ContainsFunc(t.segments[i-1].units, func(u *unit) bool { return u.slot == slot }) {
			return true
		}
	}
	return false
}

// comesBack says that a stream goes on behind a segment with the same clock.
func (t *traces) comesBack(segment, slot int) bool {
	for _, s := range t.segments[segment+1:] {
		if s.discontinuity {
			return false
		}
		if slices.ContainsFunc(s.units, func(u *unit) bool { return u.slot == slot }) {
			return true
		}
	}
	return false
}

// holdsPictures says that a stream of the segment is one of pictures.
func (s *segment) holdsPictures(slot int) bool {
	return slices.ContainsFunc(s.units, func(u *unit) bool { return u.slot == slot && u.source.video })
}

// packetsOf are the transport packets of a PID.
func packetsOf(data []byte, pid uint16) [][]byte {
	var found [][]byte
	for ; len(data) >= 188; data = data[188:] {
		if (uint16(data[1])<<8|uint16(data[2]))&0x1fff == pid {
			found = append(found, data[:188])
		}
	}
	return found
}

// keepOrder says that the order of two segments is not seen: no stream is in both.
func keepOrder(a, b *segment) bool {
	return !slices.ContainsFunc(a.units, func(u *unit) bool {
		return slices.ContainsFunc(b.units, func(v *unit) bool { return u.slot == v.slot })
	})
}

// takesOf are the stretches of segments with one clock.
func (r *recording) takesOf() [][]*segment {
	var takes [][]*segment
	for i, s := range r.segments {
		if i == 0 || s.discontinuity {
			takes = append(takes, nil)
		}
		takes[len(takes)-1] = append(takes[len(takes)-1], s)
	}
	return takes
}

// lostTail is how much a take is shorter than it was when all that is lost is the end of its streams; infinite: more is.
func (r *recording) lostTail() float64 {
	most := 0.0
	for _, take := range r.takesOf() {
		whole, kept := math.Inf(-1), math.Inf(-1)
		ended := map[int]bool{}
		for _, s := range take {
			for _, u := range s.units {
				whole = max(whole, u.at+u.length)
				if u.lost {
					ended[u.slot] = true
					continue
				}
				if ended[u.slot] {
					return math.Inf(1)
				}
				kept = max(kept, u.at+u.length)
			}
		}
		most = max(most, whole-kept)
	}
	return most
}

// openStarts is by how much it is open where what is left of a take lies whose first segments are lost: it is placed by its
// first packet.
func (r *recording) openStarts() float64 {
	open := 0.0
	for _, take := range r.takesOf() {
		lost := false
		for _, s := range take {
			first, all := math.Inf(1), true
			for _, u := range s.units {
				first, all = min(first, u.at), all && u.lost
			}
			if !all {
				if lost {
					open = max(open, math.Abs(first-s.from))
				}
				break
			}
			lost = true
		}
	}
	return open
}
