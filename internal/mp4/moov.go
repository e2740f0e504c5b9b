// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// movieParser reads a movie box (ISO/IEC 14496-12, 8.2.1).
type movieParser struct {
	movie *Movie
	w     *window
}

// each calls f for the boxes in b. Boxes of a track that are cut are noted in it, and what they still have is read.
func (p *movieParser) each(b box, t *Track, f func(box) error) error {
	for child, err := range children(p.w, b.body, b.end) {
		if errors.Is(err, errHeader) {
			// QuickTime ends some lists with four zero bytes.
			if b.end-child.start >= 8 {
				p.cut(child, t)
			}
			return nil
		}
		if err == nil {
			if child.cut {
				p.cut(child, t)
			}
			err = f(child)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cut notes a box that is cut, of a track or of the movie.
func (p *movieParser) cut(b box, t *Track) {
	if t != nil {
		t.cut = b.start
		return
	}
	p.movie.damage.add(media.Damage{Kind: media.BoxTruncated, Stream: -1, Offset: b.start, Count: 1})
}

func (p *movieParser) movieBox(moov box) error {
	m := p.movie
	var extends box
	err := p.each(moov, nil, func(b box) error {
		switch b.kind {
		case "mvhd":
			return p.movieHeader(b)
		case "trak":
			return p.track(b)
		case "mvex":
			extends = b
		}
		return nil
	})
	if err == nil && extends.kind != "" {
		m.container = media.FragmentMP4
		err = p.each(extends, nil, p.extends)
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w that can be read: %w", ErrNoMovie, err)
	case err != nil:
		return fmt.Errorf("reading the movie header: %w", err)
	}
	m.finish()
	return nil
}

// finish resolves what needs the whole movie box: ticks, and the tracks that are chapters of others.
func (m *Movie) finish() {
	m.duration = ticks(m.duration, m.timescale)
	for i, t := range m.tracks {
		for j, edit := range t.edits {
			edit.Duration = ticks(edit.Duration, m.timescale)
			if edit.Start >= 0 {
				edit.Start = ticks(edit.Start, t.Timescale)
			}
			t.edits[j] = edit
		}
		t.edits = withMedia(t.edits)
		if t.cut > 0 {
			m.damage.add(media.Damage{Kind: media.BoxTruncated, Stream: i, Offset: t.cut, Count: 1})
		}
		for _, other := range m.tracks {
			if slices.Contains(t.chapters, other.ID) && other != t {
				other.disabled = true
			}
		}
		if t.Kind == media.Video && t.tables.count == 1 && isPicture(t) {
			t.disabled = true // a cover, or a thumbnail
		}
	}
}

// withMedia is an edit list that shows the media: one of pauses alone, which editors leave behind, would show nothing of
// what was recorded, and players differ in whether they keep to it.
func withMedia(edits []media.Edit) []media.Edit {
	if slices.ContainsFunc(edits, func(e media.Edit) bool { return e.Start >= 0 }) {
		return edits
	}
	pauses := slices.DeleteFunc(edits, func(e media.Edit) bool { return e.Duration == 0 })
	if len(pauses) == 0 {
		return nil
	}
	return append(pauses, media.Edit{})
}

func isPicture(t *Track) bool {
	return t.codec(0) == media.MJPEG || t.codec(0) == "png "
}

// movieHeader reads mvhd (8.2.2).
func (p *movieParser) movieHeader(b box) (err error) {
	p.movie.timescale, _, err = p.header(b, 0)
	return err
}

// header reads the timescale of mvhd or mdhd, and extra bytes behind their durations.
func (p *movieParser) header(b box, extra int) (timescale uint32, rest []byte, err error) {
	version, _, data, err := fullBox(p.w, b, 16+extra)
	if err != nil {
		return 0, nil, err
	}
	if version != 1 {
		return binary.BigEndian.Uint32(data[8:]), data[16:], nil
	}
	if _, _, data, err = fullBox(p.w, b, 28+extra); err != nil {
		return 0, nil, err
	}
	return binary.BigEndian.Uint32(data[16:]), data[28:], nil
}

// knownDuration is a duration of 64 bits; all ones, and what cannot be, are 0: unknown.
func knownDuration(value uint64) int64 {
	if value > math.MaxInt64 {
		return 0
	}
	return int64(value)
}

// extends reads mehd and trex in mvex (8.8.2, 8.8.3).
func (p *movieParser) extends(b box) error {
	switch b.kind {
	case "mehd":
		version, _, data, err := fullBox(p.w, b, 4)
		if err != nil {
			return err
		}
		duration := int64(binary.BigEndian.Uint32(data))
		if version == 1 {
			if _, _, data, err = fullBox(p.w, b, 8); err != nil {
				return err
			}
			duration = knownDuration(binary.BigEndian.Uint64(data))
		}
		p.movie.duration = duration
	case "trex":
		_, _, data, err := fullBox(p.w, b, 20)
		if err != nil {
			return err
		}
		for _, t := range p.movie.tracks {
			if t.ID == binary.BigEndian.Uint32(data) {
				t.defaults = defaults{
					description: binary.BigEndian.Uint32(data[4:]), duration: binary.BigEndian.Uint32(data[8:]),
					size: binary.BigEndian.Uint32(data[12:]), flags: binary.BigEndian.Uint32(data[16:]),
				}
			}
		}
	}
	return nil
}

// track reads trak (8.3.1).
func (p *movieParser) track(b box) error {
	m := p.movie
	if len(m.tracks) == maxTracks {
		m.ignore("tracks after the %dth", maxTracks)
		return nil
	}
	t := &Track{movie: m, defaults: defaults{description: 1}}
	err := p.each(b, t, func(b box) error {
		switch b.kind {
		case "tkhd":
			return p.trackHeader(b, t)
		case "edts":
			return p.each(b, t, func(b box) error { return p.editList(b, t) })
		case "tref":
			return p.each(b, t, func(b box) error { return p.reference(b, t) })
		case "mdia":
			return p.media(b, t)
		}
		return nil
	})
	if err == nil {
		err = p.leaveEmptyEnd(t)
	}
	if err != nil {
		return fmt.Errorf("track %d: %w", len(m.tracks), err)
	}
	m.tracks = append(m.tracks, t)
	return nil
}

// trackHeader reads tkhd (8.3.2).
func (p *movieParser) trackHeader(b box, t *Track) error {
	version, flags, data, err := fullBox(p.w, b, 80)
	if err != nil {
		return err
	}
	id := 8
	if version == 1 {
		if _, _, data, err = fullBox(p.w, b, 92); err != nil {
			return err
		}
		id = 16
	}
	t.ID, t.disabled = binary.BigEndian.Uint32(data[id:]), flags&1 == 0
	matrix := data[len(data)-44:]
	for i := range t.matrix {
		t.matrix[i] = int32(binary.BigEndian.Uint32(matrix[4*i:])) //nolint:gosec // signed fixed-point number
	}
	if t.matrix == identity {
		t.matrix = [9]int32{}
	}
	return nil
}

// identity is the matrix that changes nothing: 16.16 numbers, and 2.30 in the third column.
var identity = [9]int32{0: 0x10000, 4: 0x10000, 8: 0x40000000}

// editList reads elst (8.6.6).
func (p *movieParser) editList(b box, t *Track) error {
	if b.kind != "elst" {
		return nil
	}
	version, _, data, err := fullBox(p.w, b, 4)
	if err != nil {
		return err
	}
	size := int64(12)
	if version == 1 {
		size = 20
	}
	const most = 4096
	count := min(int64(binary.BigEndian.Uint32(data)), (b.end-b.body-8)/size)
	if count > most {
		p.movie.ignore("edits of track %d after the %dth", t.ID, most)
	}
	t.edits = nil
	for i := range min(count, most) {
		data, err := p.w.at(b.body+8+i*size, int(size))
		if err != nil {
			return err
		}
		edit := media.Edit{
			Duration: int64(binary.BigEndian.Uint32(data)),
			Start:    int64(int32(binary.BigEndian.Uint32(data[4:]))), //nolint:gosec // signed
		}
		if version == 1 {
			edit.Duration = knownDuration(binary.BigEndian.Uint64(data))
			edit.Start = int64(binary.BigEndian.Uint64(data[8:])) //nolint:gosec // signed
		}
		edit.Start = max(edit.Start, -1)
		t.edits = append(t.edits, edit)
	}
	return nil
}

// reference reads the tracks that are named as chapters (8.3.3, and QuickTime's chap).
func (p *movieParser) reference(b box, t *Track) error {
	if b.kind != "chap" {
		return nil
	}
	for at := b.body; at+4 <= b.end && len(t.chapters) < maxTracks; at += 4 {
		data, err := p.w.at(at, 4)
		if err != nil {
			return err
		}
		t.chapters = append(t.chapters, binary.BigEndian.Uint32(data))
	}
	return nil
}
