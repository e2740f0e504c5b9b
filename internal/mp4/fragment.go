// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"errors"
)

// defaults are what a track's samples have in common in fragments (ISO/IEC 14496-12, 8.8.3 and 8.8.7).
type defaults struct {
	description, duration, size, flags uint32
}

// notSync is the flag of samples that decoding cannot begin at.
const notSync = 1 << 16

// fragmentCursor reads the samples of a track from one movie fragment after the other.
type fragmentCursor struct {
	track   *Track
	w       *window
	damaged func(offset int64) // called with the place of each box that is cut
	trafs   []traf             // of this fragment, not yet read
	base    int64              // of the data offsets

	values defaults // of the traf
	at     int64    // of the next box in the traf
	end    int64
	data   int64 // offset of the next sample's bytes
	dts    int64 // of the next sample; it goes on over fragments
	smooth smoothClock
	opens  bool // the next sample is the first one of the traf

	run run
}

// traf is a track fragment (8.8.6), without its runs.
type traf struct {
	body, end int64
	id        uint32
	flags     uint32 // of tfhd
	base      int64
	values    defaults
	time      int64 // tfdt
	timed     bool  // there is a time
	smooth    bool  // it is one of Smooth Streaming
}

// run is what is left of a trun (8.8.8).
type run struct {
	flags uint32
	left  int64
	at    int64 // offset of the next entry
	width int   // bytes of an entry
	first bool
	// firstFlags are those of the first sample.
	firstFlags uint32
}

// Flags of trun.
const (
	runOffsetPresent     = 0x000001
	runFirstFlagsPresent = 0x000004
	runDurationPresent   = 0x000100
	runSizePresent       = 0x000200
	runFlagsPresent      = 0x000400
	runShiftPresent      = 0x000800
)

func (c *fragmentCursor) rest() int64 { return c.run.left }

func (c *fragmentCursor) next(s *Sample) (bool, error) {
	for c.run.left == 0 {
		if ok, err := c.nextRun(); !ok {
			return false, err
		}
	}
	values, shift, err := c.entry()
	if err != nil {
		return false, err
	}
	count := int64(1)
	if c.run.width == 0 && !c.run.first && values.size > 0 && values.size <= groupedSize && c.track.uncompressed() {
		count = min(groupedSamples, c.run.left)
	}
	if c.smooth.waits {
		c.dts = c.smooth.first(c.dts, int64(shift), int64(values.duration))
	}
	*s = Sample{
		DTS: c.dts, PTS: c.dts + int64(shift), Duration: int64(values.duration) * count,
		Offset: c.data, Size: int(int64(values.size) * count),
		Key: values.flags&notSync == 0, Opens: c.opens, Description: int(values.description) - 1,
	}
	c.opens = false
	c.dts += s.Duration
	c.data += int64(s.Size)
	c.run.left -= count
	c.run.at += int64(c.run.width)
	c.run.first = false
	return true, nil
}

// entry reads what the run says of its next sample. In a run of version 0 the shift is unsigned, but a larger one than
// fits into a signed number cannot be.
func (c *fragmentCursor) entry() (values defaults, shift int32, err error) {
	values = c.values
	if c.run.width > 0 {
		data, err := c.w.at(c.run.at, c.run.width)
		if err != nil {
			return values, 0, err
		}
		take := func(flag uint32, value *uint32) {
			if c.run.flags&flag != 0 {
				*value, data = binary.BigEndian.Uint32(data), data[4:]
			}
		}
		var offset uint32
		take(runDurationPresent, &values.duration)
		take(runSizePresent, &values.size)
		take(runFlagsPresent, &values.flags)
		take(runShiftPresent, &offset)
		shift = int32(offset)
	}
	if c.run.first && c.run.flags&runFirstFlagsPresent != 0 {
		values.flags = c.run.firstFlags
	}
	return values, shift, nil
}

// nextRun goes to the next trun of the fragment. false: there is none.
func (c *fragmentCursor) nextRun() (bool, error) {
	for {
		if c.at >= c.end {
			if len(c.trafs) == 0 {
				return false, nil
			}
			c.begin(c.trafs[0])
			c.trafs = c.trafs[1:]
		}
		b, err := readBox(c.w, c.at, c.end)
		if errors.Is(err, errHeader) {
			c.at = c.end
			continue
		}
		if err != nil {
			return false, err
		}
		c.at = b.end
		if b.kind == "trun" {
			return true, c.readRun(b)
		}
	}
}

// begin starts a track fragment.
func (c *fragmentCursor) begin(t traf) {
	c.at, c.end, c.base, c.data, c.values = t.body, t.end, t.base, t.base, t.values
	c.opens = true
	c.smooth.begin(c.dts, t.smooth)
	if t.timed {
		c.dts = t.time
	}
}

// readRun reads the head of a trun. A run that claims more entries than it has room for has those that fit.
func (c *fragmentCursor) readRun(b box) error {
	c.run = run{}
	_, flags, data, err := fullBox(c.w, b, 4)
	if errors.Is(err, errShort) {
		c.damaged(b.start)
		return nil
	}
	if err != nil {
		return err
	}
	r := run{flags: flags, left: int64(binary.BigEndian.Uint32(data)), at: b.body + 8, first: true}
	fields := fieldReader{w: c.w, at: b.body + 8, end: b.end}
	if flags&runOffsetPresent != 0 {
		c.data = c.base + int64(int32(fields.uint32())) //nolint:gosec // signed
	}
	if flags&runFirstFlagsPresent != 0 {
		r.firstFlags = fields.uint32()
	}
	for _, field := range []uint32{runDurationPresent, runSizePresent, runFlagsPresent, runShiftPresent} {
		if flags&field != 0 {
			r.width += 4
		}
	}
	r.at = fields.at
	if r.width > 0 && r.left > (b.end-r.at)/int64(r.width) {
		r.left = (b.end - r.at) / int64(r.width)
		c.damaged(b.start)
	}
	if fields.err == nil {
		c.run = r
	}
	return fields.result(func() { c.damaged(b.start) })
}

// fieldReader reads optional fields one after the other. After an error it gives zeros.
type fieldReader struct {
	w       *window
	at, end int64
	err     error
}

func (r *fieldReader) uint32() uint32 {
	if r.err == nil && r.at+4 > r.end {
		r.err = errShort
	}
	if r.err != nil {
		return 0
	}
	data, err := r.w.at(r.at, 4)
	if err != nil {
		r.err = err
		return 0
	}
	r.at += 4
	return binary.BigEndian.Uint32(data)
}

func (r *fieldReader) uint64() uint64 {
	high := r.uint32()
	return uint64(high)<<32 | uint64(r.uint32())
}

// byVersion reads the version of a box, and a number that has 64 bits in version 1.
func (r *fieldReader) byVersion() uint64 {
	if r.uint32()>>24 == 1 {
		return r.uint64()
	}
	return uint64(r.uint32())
}

// result is the error of reading. Too few bytes are none, but damage.
func (r *fieldReader) result(damaged func()) error {
	if errors.Is(r.err, errShort) {
		damaged()
		return nil
	}
	return r.err
}
