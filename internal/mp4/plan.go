// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"

	"sparkrtc.dev/recording-operator/internal/media"
)

// plan is what a first pass over the samples of a track shows.
type plan struct {
	*OutTrack
	count, bytes  int64
	dts           int64 // of the first sample: the track's media time 0
	length        int64 // sum of the durations
	begin, end    int64 // least PTS, and greatest PTS + Duration
	lift          int64 // is added to each composition offset, so that no media time is negative
	keys          int64
	size          int // of all samples; -1: they differ
	durationRuns  int64
	shiftRuns     int64
	shifted       bool // some composition offset is not 0
	negative      bool // some composition offset is negative
	chunkCount    int64
	chunkRuns     int64
	edits         []outEdit
	offsetsAt     int64 // where the chunk offsets go
	width, height uint32
}

// outEdit is an edit with a duration in ticks and a media time in units of the track.
type outEdit struct{ duration, time int64 }

// maxShift bounds composition offsets, so that lift can be added.
const maxShift = 1 << 30

func newPlan(t *OutTrack) (*plan, error) {
	p := &plan{OutTrack: t, size: -1}
	if t.Timescale == 0 || t.Samples == nil {
		return nil, fmt.Errorf("it has no time scale or no samples: %w", ErrPlan)
	}
	for _, entry := range t.Entries {
		if len(entry) < 16 || int64(binary.BigEndian.Uint32(entry)) != int64(len(entry)) {
			return nil, fmt.Errorf("a sample entry is no box: %w", ErrPlan)
		}
	}
	if err := p.measure(); err != nil {
		return nil, err
	}
	p.measureChunks()
	p.planEdits()
	p.planSize()
	return p, nil
}

// measure goes over the samples and counts.
func (p *plan) measure() error {
	var duration, shift int64
	for s, delta := range p.steps() {
		if err := p.check(s, delta); err != nil {
			return fmt.Errorf("sample %d: %w", p.count, err)
		}
		offset := s.PTS - s.DTS
		if p.count == 0 {
			p.dts, p.begin, p.end, p.size = s.DTS, s.PTS, s.PTS+s.Duration, s.Size
		}
		if p.count == 0 || delta != duration {
			p.durationRuns++
		}
		if p.count == 0 || offset != shift {
			p.shiftRuns++
		}
		if s.Size != p.size {
			p.size = -1
		}
		if s.Key {
			p.keys++
		}
		p.begin, p.end = min(p.begin, s.PTS), max(p.end, s.PTS+s.Duration)
		p.shifted, p.negative = p.shifted || offset != 0, p.negative || offset < 0
		duration, shift = delta, offset
		p.length += delta
		p.bytes += int64(s.Size)
		p.count++
	}
	if p.count > math.MaxUint32 {
		return fmt.Errorf("%d samples: %w", p.count, ErrLimit)
	}
	p.lift = max(0, p.dts-p.begin)
	p.shifted = p.shifted || p.lift > 0
	return nil
}

// check says whether the tables have room for a sample.
func (p *plan) check(s OutSample, delta int64) error {
	offset := s.PTS - s.DTS
	switch {
	case s.Size < 0 || int64(s.Size) > math.MaxUint32:
		return fmt.Errorf("its size is %d: %w", s.Size, ErrPlan)
	case s.Entry < 0 || s.Entry >= len(p.Entries):
		return fmt.Errorf("it has the entry %d of %d: %w", s.Entry, len(p.Entries), ErrPlan)
	case delta < 0 || delta > math.MaxUint32:
		return fmt.Errorf("it lasts %d: %w", delta, ErrPlan)
	case offset >= maxShift || offset <= -maxShift:
		return fmt.Errorf("it is shown %d after its decoding time: %w", offset, ErrPlan)
	}
	return nil
}

// steps yields the samples and how long each lasts: to the DTS of the next one.
func (p *plan) steps() iter.Seq2[OutSample, int64] {
	return func(yield func(OutSample, int64) bool) {
		var last OutSample
		begun := false
		for s := range p.Samples {
			if begun && !yield(last, s.DTS-last.DTS) {
				return
			}
			last, begun = s, true
		}
		if begun {
			yield(last, last.Duration)
		}
	}
}

// chunker divides samples into chunks of at most a second and a MiB that have one sample entry. The seconds are those of
// the movie, so that the chunks of all tracks begin at about the same times.
type chunker struct {
	timescale uint32
	samples   int64
	bytes     int64
	second    int64
	entry     int
}

const chunkBytes = 1 << 20

// begins says whether the sample begins another chunk, and counts it.
func (c *chunker) begins(s OutSample) bool {
	second := s.DTS / int64(c.timescale)
	begins := c.samples > 0 && (second != c.second || s.Entry != c.entry || c.bytes+int64(s.Size) > chunkBytes)
	if begins {
		c.samples, c.bytes = 0, 0
	}
	c.second, c.entry = second, s.Entry
	c.samples++
	c.bytes += int64(s.Size)
	return begins
}

// chunk is one chunk without its place.
type chunk struct {
	samples int64
	entry   int
}

// chunks yields the chunks of the track.
func (p *plan) chunks() iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		c := chunker{timescale: p.Timescale}
		for s := range p.Samples {
			last := chunk{samples: c.samples, entry: c.entry}
			if c.begins(s) && !yield(last) {
				return
			}
		}
		if c.samples > 0 {
			yield(chunk{samples: c.samples, entry: c.entry})
		}
	}
}

func (p *plan) measureChunks() {
	var last chunk
	for c := range p.chunks() {
		if c != last {
			p.chunkRuns++
		}
		last = c
		p.chunkCount++
	}
}

// planEdits resolves the edit list (ISO/IEC 14496-12, 8.6.6). The media's time line begins at the first sample's DTS.
func (p *plan) planEdits() {
	end := ticks(p.end, p.Timescale)
	for _, edit := range p.Edits {
		out := outEdit{duration: edit.Duration, time: -1}
		if edit.Start >= 0 {
			out.time = max(0, rescale(edit.Start, p.Timescale, media.Clock)-p.dts+p.lift)
			if edit.Duration == 0 {
				out.duration = max(0, end-edit.Start)
			}
		}
		p.edits = append(p.edits, out)
	}
	if len(p.Edits) > 0 || p.count == 0 {
		return
	}
	begin := max(p.begin, 0)
	late, start := ticks(begin, p.Timescale), begin-p.dts+p.lift
	if late > 0 {
		p.edits = append(p.edits, outEdit{duration: late, time: -1})
	}
	if late > 0 || start > 0 {
		p.edits = append(p.edits, outEdit{duration: max(0, end-late), time: start})
	}
}

// shown is how long the track is shown, in ticks.
func (p *plan) shown() (duration int64) {
	if len(p.edits) == 0 {
		return ticks(p.length, p.Timescale)
	}
	for _, edit := range p.edits {
		duration += edit.duration
	}
	return duration
}

// planSize takes the size of the largest picture, with its pixel aspect ratio, as 16.16 numbers.
func (p *plan) planSize() {
	for _, entry := range p.Entries {
		if p.Kind != media.Video || len(entry) < 86 {
			continue
		}
		width, height := uint64(binary.BigEndian.Uint16(entry[32:])), uint64(binary.BigEndian.Uint16(entry[34:]))
		across, down := pixelAspect(entry[86:])
		wide := width << 16 * across / down
		if wide <= math.MaxUint32 && wide*height > uint64(p.width)*uint64(p.height>>16) {
			p.width, p.height = uint32(wide), uint32(height)<<16 //nolint:gosec // bounded
		}
	}
}

// pixelAspect reads pasp (12.1.4) in a sample entry; 1, 1: none.
func pixelAspect(boxes []byte) (across, down uint64) {
	for len(boxes) >= 8 {
		size := int64(binary.BigEndian.Uint32(boxes))
		if size < 8 || size > int64(len(boxes)) {
			break
		}
		if string(boxes[4:8]) == "pasp" && size >= 16 {
			across, down = uint64(binary.BigEndian.Uint32(boxes[8:])), uint64(binary.BigEndian.Uint32(boxes[12:]))
			if across > 0 && down > 0 {
				return across, down
			}
		}
		boxes = boxes[size:]
	}
	return 1, 1
}
