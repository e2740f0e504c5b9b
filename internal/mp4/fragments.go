// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"errors"
	"math"
)

// fragmentReader reads the movie fragments of a file in order (ISO/IEC 14496-12, 8.8).
type fragmentReader struct {
	movie   *Movie
	w       *window // of the boxes of the file
	at      int64
	cursors []*fragmentCursor // of the tracks that are read
	visitor
	previous *fragmentCursor // measures a track fragment
}

// fragmentHead is what a movie fragment says of itself.
type fragmentHead struct {
	// number is its sequence number, if it is numbered.
	number   uint32
	numbered bool
	// joint says that it has several tracks, and timed that it says of all of them when they are decoded. Otherwise they go on where
	// the fragment before ends, whatever was lost between.
	joint, timed bool
}

func newFragmentReader(m *Movie, cursors []*fragmentCursor, v visitor) *fragmentReader {
	if v.fragment == nil {
		v.fragment = func(fragmentHead) {}
	}
	return &fragmentReader{
		movie: m, w: newWindow(m.r, m.size, 16<<10), at: m.fragments, cursors: cursors, visitor: v,
		previous: newFragmentCursor(&Track{movie: m}),
	}
}

func newFragmentCursor(t *Track) *fragmentCursor {
	return &fragmentCursor{track: t, w: newWindow(t.movie.r, t.movie.size, 4096), damaged: func(int64) {}}
}

// next makes the cursors read the next fragment. false: there is none. Boxes of the file that are cut were noted by
// Movie.scan.
func (f *fragmentReader) next() (bool, error) {
	for b, err := range fileBoxes(f.w, f.at) {
		if errors.Is(err, errHeader) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if f.movie.behind > 0 && b.start > f.movie.behind {
			return false, nil
		}
		f.at = b.end
		if b.kind == "moof" {
			return true, f.fragment(b)
		}
	}
	return false, nil
}

// fragment reads the heads of the track fragments in a moof.
func (f *fragmentReader) fragment(moof box) error {
	if size := moof.end - moof.start; size <= int64(len(f.w.buf)) {
		if _, err := f.w.at(moof.start, int(size)); err != nil { // as a whole, so that the cursors find it there
			return err
		}
	}
	previous, number, head := traf{}, 0, fragmentHead{timed: true}
	for b, err := range children(f.w, moof.body, moof.end) {
		if errors.Is(err, errHeader) || number == maxTrafs {
			f.damaged(b.start)
			break
		}
		if err != nil {
			return err
		}
		if b.kind == "mfhd" {
			if err := f.number(&head, b); err != nil {
				return err
			}
		}
		if b.kind != "traf" {
			continue
		}
		t, err := f.track(b, moof, previous, number == 0)
		if err != nil {
			return err
		}
		head.joint, head.timed = head.joint || number > 0 && t.id != previous.id, head.timed && t.timed
		previous = t
		number++
	}
	f.visitor.fragment(head)
	for _, c := range f.cursors {
		c.w.start, c.w.held = f.w.start, f.w.held // nothing else is read through f.w until the next fragment
	}
	return nil
}

// track reads the head of a track fragment, and hands it to the cursor of its track.
func (f *fragmentReader) track(b, moof box, previous traf, first bool) (traf, error) {
	t, err := f.header(b)
	if err != nil {
		return t, err
	}
	if err := f.locate(&t, moof, previous, first); err != nil {
		return t, err
	}
	f.assign(t)
	return t, nil
}

// number reads the header of a fragment (8.8.5).
func (f *fragmentReader) number(head *fragmentHead, b box) error {
	_, _, data, err := fullBox(f.w, b, 4)
	if errors.Is(err, errShort) {
		f.damaged(b.start)
		return nil
	}
	if err == nil {
		head.number, head.numbered = binary.BigEndian.Uint32(data), true
	}
	return err
}

// assign hands a track fragment to the cursor of its track.
func (f *fragmentReader) assign(t traf) {
	for _, c := range f.cursors {
		if c.track.ID == t.id {
			c.trafs = append(c.trafs, t)
			return
		}
	}
	for _, track := range f.movie.tracks {
		if track.ID == t.id {
			return
		}
	}
	f.unknown(t.id)
}

// Flags of tfhd.
const (
	baseOffsetPresent  = 0x000001
	descriptionPresent = 0x000002
	durationPresent    = 0x000008
	sizePresent        = 0x000010
	flagsPresent       = 0x000020
	baseIsMoof         = 0x020000
)

// header reads tfhd and tfdt, which stand in front of the runs (8.8.7 and 8.8.12), or what stands in its place.
func (f *fragmentReader) header(b box) (traf, error) {
	t := traf{body: b.body, end: b.end}
	for b, err := range children(f.w, b.body, b.end) {
		if errors.Is(err, errHeader) || b.kind == "trun" && t.timed {
			break
		}
		if err != nil {
			return t, err
		}
		fields := fieldReader{w: f.w, at: b.body, end: b.end}
		switch b.kind {
		case "tfhd":
			f.trackFragmentHeader(&t, &fields)
		case "tfdt":
			t.time = int64(min(fields.byVersion(), math.MaxInt64/2))
			t.timed = fields.err == nil
		case "uuid":
			if [4]uint32{fields.uint32(), fields.uint32(), fields.uint32(), fields.uint32()} == smoothTime {
				t.time = max(-math.MaxInt64/2, min(int64(fields.byVersion()), math.MaxInt64/2)) //nolint:gosec // signed
				t.timed = fields.err == nil
				t.smooth = t.timed
			}
		}
		if err := fields.result(func() { f.damaged(b.start) }); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (f *fragmentReader) trackFragmentHeader(t *traf, fields *fieldReader) {
	t.flags, t.id = fields.uint32()&0xffffff, fields.uint32()
	for _, track := range f.movie.tracks {
		if track.ID == t.id {
			t.values = track.defaults
		}
	}
	if t.flags&baseOffsetPresent != 0 {
		t.base = int64(min(fields.uint64(), math.MaxInt64/2))
	}
	if t.flags&descriptionPresent != 0 {
		t.values.description = fields.uint32()
	}
	if t.flags&durationPresent != 0 {
		t.values.duration = fields.uint32()
	}
	if t.flags&sizePresent != 0 {
		t.values.size = fields.uint32()
	}
	if t.flags&flagsPresent != 0 {
		t.values.flags = fields.uint32()
	}
}

// locate finds what the data offsets of a track fragment count from: its own base; the moof; or, in the first edition
// of the format, the end of the data of the track fragment before it.
func (f *fragmentReader) locate(t *traf, moof box, previous traf, first bool) error {
	switch {
	case t.flags&baseOffsetPresent != 0:
	case t.flags&baseIsMoof != 0 || first:
		t.base = moof.start
	default:
		c := f.previous
		c.at, c.end, c.trafs, c.run = 0, 0, append(c.trafs[:0], previous), run{}
		var s Sample
		for {
			ok, err := c.nextRun()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if c.run.flags&runSizePresent == 0 {
				c.data += c.run.left * int64(c.values.size)
				c.run.left = 0
			}
			for c.run.left > 0 {
				if _, err := c.next(&s); err != nil {
					return err
				}
			}
		}
		t.base = c.data
	}
	return nil
}
