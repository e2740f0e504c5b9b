// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"path"
	"slices"
)

// inMiddle is the segment in the middle.
func (r *recording) inMiddle() *segment { return r.segments[len(r.segments)/2] }

// cut keeps the first bytes of a segment alone, a fraction of it.
func (r *recording) cut(s *segment, fraction float64, aligned bool) *recording {
	keep := int(float64(len(s.data)) * fraction)
	if aligned {
		keep -= keep % 188
	}
	lost := s.touched(keep, len(s.data))
	s.data = s.data[:keep]
	r.lose(lost...)
	return r
}

// cutPictures cuts a segment in front of the packets of its last pictures, so many of them in the order of decoding, and of sound beside
// them.
func (r *recording) cutPictures(s *segment, count int) *recording {
	begin := 0
	for at := len(s.data) - 188; at > 0 && count > 0; at -= 188 {
		if binary.BigEndian.Uint16(s.data[at+1:]) == 0x4000|videoPID {
			begin, count = at, count-1
		}
	}
	lost := s.touched(begin, len(s.data))
	s.data = s.data[:begin]
	r.lose(lost...)
	return r
}

// cutHead keeps the last bytes of a segment alone.
func (r *recording) cutHead(s *segment, fraction float64) *recording {
	from := int(float64(len(s.data)) * fraction)
	from -= from % 188
	lost := s.touched(0, from)
	s.data = s.data[from:]
	r.lose(lost...)
	return r
}

// zero overwrites a part of a segment with zeros. What it touches are the bytes that were none before.
func (r *recording) zero(s *segment, from, to float64) (lost []*unit) {
	a, b := int(float64(len(s.data))*from), int(float64(len(s.data))*to)
	b = a + len(bytes.TrimRight(s.data[a:b], "\x00"))
	a = b - len(bytes.TrimLeft(s.data[a:b], "\x00"))
	lost = s.touched(a, b)
	s.data = slices.Clone(s.data)
	clear(s.data[a:b])
	r.lose(lost...)
	return lost
}

// flip flips bits within the pictures of a segment: the same ones whenever it is called.
func (r *recording) flip(s *segment, count int) *recording {
	random := rand.New(rand.NewPCG(1, 2))
	large := slices.DeleteFunc(slices.Clone(s.places), func(p place) bool { return !p.unit.source.video || p.to-p.from < 400 })
	s.data = slices.Clone(s.data)
	var lost []*unit
	for range count {
		p := large[random.IntN(len(large))]
		// Not in the headers: these are the first packet's.
		at := p.from + 200 + random.IntN(p.to-p.from-200)
		if r.isTS(s) && at%188 < 12 {
			at += 12
		}
		s.data[min(at, p.to-1)] ^= 1 << random.IntN(8)
		lost = append(lost, p.unit)
	}
	r.lose(lost...)
	return r
}

func (r *recording) isTS(s *segment) bool { return path.Ext(s.name) == ".ts" }

// dropPackets leaves out transport packets of a segment.
func (r *recording) dropPackets(s *segment, drop func(i int, pid uint16) bool) *recording {
	var out []byte
	var lost []*unit
	for i := 0; i*188 < len(s.data); i++ {
		packet := s.data[i*188 : i*188+188]
		pid := (uint16(packet[1])<<8 | uint16(packet[2])) & 0x1fff
		if pid >= videoPID && pid < pmtPID && drop(i, pid) {
			lost = append(lost, s.touched(i*188, i*188+188)...)
			continue
		}
		out = append(out, packet...)
	}
	s.data = out
	r.lose(lost...)
	return r
}

// dropFragment leaves out a movie fragment of a segment, with its media.
func (r *recording) dropFragment(s *segment, number int) *recording {
	for at, seen := 0, 0; at < len(s.data); {
		size := int(binary.BigEndian.Uint32(s.data[at:]))
		if kind := string(s.data[at+4 : at+8]); kind == "moof" {
			seen++
		} else if kind == "mdat" && seen == number {
			from := bytes.LastIndex(s.data[:at], []byte("moof")) - 4
			r.lose(s.touched(from, at+size)...)
			s.data = slices.Concat(s.data[:from], s.data[at+size:])
			break
		}
		at += size
	}
	return r
}

// append puts the file of another recording behind this one's, where no player finds it.
func (r *recording) append(other *recording) {
	s := r.segments[0]
	s.data = slices.Concat(s.data, other.segments[0].data)
	r.truth.damages = append(r.truth.damages, damage{from: s.to, to: s.to + 1, video: true, sound: true})
}

// writeTwice puts the first bytes of a segment, a fraction of it, in front of it: nothing is lost, and some is there twice.
func (r *recording) writeTwice(s *segment, fraction float64) *recording {
	first := int(float64(len(s.data)) * fraction)
	if r.isTS(s) {
		first -= first % 188
	}
	s.data = slices.Concat(s.data[:first], s.data)
	r.truth.damages = append(r.truth.damages, damage{from: s.from, to: s.to, video: true, sound: true})
	return r
}

// replace puts other bytes in the place of a segment's.
func (r *recording) replace(s *segment, data []byte) *recording {
	s.data = data
	r.lose(s.units...)
	return r
}

// swap exchanges the files of two segments.
func (r *recording) swap(a, b *segment) *recording {
	a.data, b.data = b.data, a.data
	r.truth.damages = append(r.truth.damages, damage{from: min(a.from, b.from), to: max(a.to, b.to), video: true, sound: true})
	return r
}

// leaveOut leaves out a segment's line. A discontinuity tag stays.
func (r *recording) leaveOut(s *segment) *recording {
	s.gone = true
	if i := slices.Index(r.segments, s); s.discontinuity && i+1 < len(r.segments) {
		r.segments[i+1].discontinuity = true
	}
	r.unlisted = append(r.unlisted, path.Join(path.Dir(r.object), s.name))
	r.lose(s.units...)
	return r
}

// withoutLast leaves out the last segment that there is now. Nothing says how long it was.
func (r *recording) withoutLast() *recording {
	last := len(r.segments) - 1
	r.segments[last].gone = true
	r.lose(r.segments[last].units...)
	r.forgetLost(r.segments[last-1].to)
	return r
}

// either says which verdicts are right when bytes cannot decide.
func (r *recording) either(states ...state) *recording {
	r.truth.states = states
	return r
}

// stamped is a call in which some units bear a time that is wrong by so many seconds.
func stamped(by float64, wrong func(*unit) bool) func() *recording {
	return func() *recording {
		t := call(12)
		for _, u := range t.units {
			if wrong(u) {
				u.stampOff = by
			}
		}
		r := newRecording().add(t, joint{})
		for _, u := range t.units {
			if u.stampOff != 0 {
				r.lose(u)
			}
		}
		return r.finish()
	}
}
