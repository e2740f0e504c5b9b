// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// nalCutter cuts H.264 and HEVC into access units.
type nalCutter struct {
	rules nalRules
	sets  codec.ParameterSets
	// activeSPS is the SPS of the last picture, and activePPS the PPS that told it; changed says that parameter sets
	// have changed since then.
	activeSPS, activePPS int
	changed              bool

	// numbers are those of the pictures.
	numbers codec.FrameNumbers

	// units are the NAL units of what is being cut, and pictures the access units.
	units    [][]byte
	pictures []picture
	// unit is the NAL unit that is looked at, here so that it is allocated once.
	unit nalUnit
}

// nalRules are those by which encodings differ.
type nalRules interface {
	// inspect looks at a NAL unit. LastMB is the first macroblock of the slice before it.
	inspect(unit []byte, lastMB int) nalUnit
	// activate says which SPS applies to the slices that follow.
	activate(sets *codec.ParameterSets, sps int)
	// ticks is how long that SPS says a picture to last; 0: it does not.
	ticks() int64
	// number gives that of the picture of a slice, and completes its header by what needs the SPS.
	number(header *codec.H264SliceHeader) codec.FrameNumber
}

// nalUnit is what is to be known of a NAL unit.
type nalUnit struct {
	// opens says that it begins an access unit, if the one before has slices.
	opens bool
	// delimits says that it begins an access unit whatever lies before it.
	delimits bool
	// slice says that it is part of a picture, first that it is its beginning, and pps is the id of the PPS that it refers to.
	slice, first bool
	pps          int
	// intra says that a slice needs no other picture, random that decoding can begin at it, and recovery, of an SEI, that
	// it can if all slices of the access unit are intra.
	intra, random, recovery bool
	// closed is that of media.Packet.
	closed  bool
	set     bool
	invalid bool
	// header is that of an H.264 slice.
	header codec.H264SliceHeader
}

// picture is an access unit.
type picture struct {
	// offset is that of its first start code, and timed that from which on its time is looked for; first and end are the
	// indexes of its NAL units; size is that of the sample.
	offset, timed, first, end, size int
	hasSlices                       bool
	// broken says that a NAL unit of it cannot be, and headless that its first slice is missing.
	broken, headless        bool
	random, recovery, intra bool
	closed                  bool
	params                  int
	// lastMB, and the field that it is, are H.264's.
	lastMB        int
	field, bottom bool
	paired        bool
	number        codec.FrameNumber
}

const (
	// maxUnits bounds the NAL units that are cut at once.
	maxUnits = 1 << 16
	// enoughToTell is how many bytes of a PES packet tell whether a picture begins there.
	enoughToTell = 8
)

func (c *nalCutter) begins(payload []byte) bool {
	if len(payload) < enoughToTell {
		return false
	}
	start, begin, end := codec.NextNAL(payload, 0)
	if start != 0 && (start != 1 || payload[0] != 0) {
		return false // the end of the picture before; no NAL unit ends with a zero
	}
	return end > begin && c.rules.inspect(payload[begin:end], 0).opens
}

func (c *nalCutter) interrupt() {}

func (c *nalCutter) cut(s *stream, next mark, end ending) (int, error) {
	c.scan(s)
	count, done := len(c.pictures), len(s.data)
	if count > 0 {
		last := &c.pictures[count-1]
		waits := end == goesOn || end == complete && last.field && !last.paired // for more of it, or for the second field
		if !last.hasSlices || waits {
			count--
			done = s.hold(last.offset, last.hasSlices)
		}
	}
	err := s.spread(count, len(c.pictures), c.rules.ticks(), next, func(i int) int { return c.pictures[i].timed },
		func(i int, dts, pts int64) error { return c.emit(s, &c.pictures[i], dts, pts) })
	return done, err
}

// scan finds the access units in the data of a stream.
func (c *nalCutter) scan(s *stream) {
	c.units, c.pictures = c.units[:0], c.pictures[:0]
	s.checkBeginning(codec.NextStartCode(s.data, 0))
	for at := 0; ; {
		start, begin, end := codec.NextNAL(s.data, at)
		if start >= 0 && len(c.units) == maxUnits {
			c.invalid(s)
			return
		}
		if start < 0 {
			return
		}
		at = end
		if end > begin {
			c.add(s, start, s.data[begin:end])
		}
	}
}

// add adds a NAL unit to the access unit that it belongs to.
func (c *nalCutter) add(s *stream, start int, data []byte) {
	var now *picture
	if len(c.pictures) > 0 {
		now = &c.pictures[len(c.pictures)-1]
	} else {
		now = c.open(start)
	}
	c.unit = c.rules.inspect(data, now.lastMB)
	unit := &c.unit
	now = c.accessUnit(s, now, start)
	if unit.invalid {
		c.invalid(s)
		now.broken = true
	}
	if unit.set {
		changed, err := c.sets.Add(data)
		if err != nil {
			c.invalid(s)
		}
		c.changed = c.changed || changed
	}
	c.units = append(c.units, data)
	now.end = len(c.units)
	now.size += 4 + len(data)
	now.recovery = now.recovery || unit.recovery
	if unit.slice {
		c.slice(s, now, unit)
	}
}

// accessUnit is the access unit that the NAL unit that is looked at belongs to: the present one, or the next.
func (c *nalCutter) accessUnit(s *stream, now *picture, start int) *picture {
	unit := &c.unit
	switch {
	case unit.opens && now.hasSlices:
		return c.open(start)
	case unit.delimits && now.broken:
		c.pictures = c.pictures[:len(c.pictures)-1] // nothing is left of the picture, and its bytes are no part of the next one
		return c.open(start)
	case unit.delimits || unit.set:
		// What came before has no picture: a loss has left no more of it. Parameter sets alone prove none, since they may
		// be spread over PES packets.
		if m, ok := s.markAt(start); ok && (unit.delimits || m.torn) {
			now.timed = start
		}
	}
	return now
}

// invalid adds evidence at the access unit that is being scanned.
func (c *nalCutter) invalid(s *stream) {
	packet := s.description().Packets.Count + max(0, len(c.pictures)-1)
	s.d.damage.add(&s.d.file, media.NALInvalid, s.index, packet, s.begun)
}

func (c *nalCutter) open(start int) *picture {
	c.pictures = append(c.pictures, picture{offset: start, timed: start, first: len(c.units), intra: true})
	return &c.pictures[len(c.pictures)-1]
}

// slice adds what a slice tells to its access unit.
func (c *nalCutter) slice(s *stream, now *picture, unit *nalUnit) {
	if !now.hasSlices {
		c.activate(s, unit.pps)
		now.headless, now.number = !unit.first, c.rules.number(&unit.header)
		now = c.joinFields(now, &unit.header)
		now.params = s.params
	}
	now.hasSlices = true
	now.lastMB = unit.header.FirstMB
	now.intra = now.intra && (unit.intra || now.paired)
	now.random = now.random || unit.random && !now.paired
	now.closed = now.closed || unit.closed && !now.paired
}

// activate makes the parameter sets that a slice refers to those of the packets that follow.
func (c *nalCutter) activate(s *stream, pps int) {
	if s.params >= 0 && pps == c.activePPS && !c.changed {
		return
	}
	sps := c.sets.SPS(pps)
	if sps < 0 {
		return
	}
	if s.params < 0 || c.changed || sps != c.activeSPS {
		if params, ok := c.sets.Params(sps); ok {
			s.useParams(params)
			c.rules.activate(&c.sets, sps)
		}
	}
	c.activePPS, c.activeSPS, c.changed = pps, sps, false
}

// joinFields makes one access unit of the two fields of a frame, the second of them being now, and gives it. An MP4
// sample holds both.
func (c *nalCutter) joinFields(now *picture, header *codec.H264SliceHeader) *picture {
	if !header.Field {
		return now
	}
	now.field, now.bottom = true, header.Bottom
	if len(c.pictures) < 2 {
		return now
	}
	first := &c.pictures[len(c.pictures)-2]
	if !first.field || first.paired || first.bottom == now.bottom || first.number.Number != now.number.Number {
		return now
	}
	first.paired, first.end, first.size = true, now.end, first.size+now.size
	c.pictures = c.pictures[:len(c.pictures)-1]
	return first
}

// judge adds evidence of what a picture lacks, and of pictures that are lost before it.
func (c *nalCutter) judge(s *stream, now *picture) {
	packet := s.description().Packets.Count
	if now.headless {
		s.d.damage.add(&s.d.file, media.SliceMissing, s.index, packet, s.begun)
	}
	if found, lost := c.numbers.Add(now.number, media.Damage{Packet: packet, Offset: s.begun}); lost {
		s.d.damage.add(&s.d.file, media.PictureMissing, s.index, found.Packet, found.Offset)
	}
}

// emit emits a picture.
func (c *nalCutter) emit(s *stream, now *picture, dts, pts int64) error {
	if now.params >= 0 {
		s.params = now.params
	}
	c.judge(s, now)
	var data []byte
	if s.d.yield != nil {
		s.d.sample = codec.AppendLengthPrefixed(s.d.sample[:0], c.units[now.first:now.end])
		data = s.d.sample
	}
	return s.emit(media.Packet{
		DTS: dts, PTS: pts, Size: now.size, Key: now.random || now.recovery && now.intra, Closed: now.closed, Params: now.params,
	}, data)
}
