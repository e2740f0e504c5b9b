// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Movie is an open file. It holds no table of the file, only where the tables are, and it can be used by one goroutine
// at a time.
type Movie struct {
	r          io.ReaderAt
	size       int64
	container  media.Container
	tracks     []*Track
	timescale  uint32
	duration   int64 // with all fragments (mehd), in ticks
	fragments  int64 // offset of the first moof; -1: none
	behind     int64 // offset of what belongs to another movie header than the first; 0: nothing does
	data       box   // the last mdat
	headers    []box // movie headers behind the first
	references box   // index of segments before the first fragment (sidx)
	access     box   // index of fragments (mfra)
	cut        box   // the last box of the file, if it goes beyond its end, or bytes that are none
	damage     evidence
	ignored    []string
}

// Track is one track of a Movie.
type Track struct {
	// ID of the track in the file.
	ID uint32
	// Kind of the track, by its handler.
	Kind media.Kind
	// Timescale is the number of the track's time units in a second.
	Timescale uint32
	// Params are the sample descriptions, in the order of the file.
	Params []media.Params

	movie    *Movie
	language string
	disabled bool
	matrix   [9]int32
	edits    []media.Edit // movie and track time until finish, then ticks
	chapters []uint32     // IDs of the tracks that are this one's chapters
	formats  []format     // by sample description
	tables   tables
	defaults defaults
	cut      int64 // offset of a box of this track that is cut; 0: none
}

// Tracks are the tracks in the order of the file, which is that of media.File.Streams.
func (m *Movie) Tracks() []*Track { return m.tracks }

// Open reads the headers of a whole or fragmented file of size bytes, or of an initialization section of HLS. The movie
// box may be anywhere. It is an error (ErrNotMP4, ErrNoMovie, ErrLimit) when there is no movie that can be read, and
// when r fails.
func Open(r io.ReaderAt, size int64) (*Movie, error) {
	m := &Movie{r: r, size: size, container: media.MP4, fragments: -1}
	moov, err := m.scan()
	if err != nil {
		return nil, err
	}
	if moov.kind == "" {
		return nil, ErrNoMovie
	}
	if moov.end-moov.body > maxMovieBytes {
		return nil, fmt.Errorf("a movie header of %d bytes: %w", moov.end-moov.body, ErrLimit)
	}
	p := movieParser{movie: m, w: newWindow(r, size, 4096)}
	if err := p.movieBox(moov); err != nil {
		return nil, err
	}
	if m.fragments >= 0 {
		m.container = media.FragmentMP4
	}
	m.judgeCut()
	if err := m.judgeIndexes(); err != nil {
		return nil, err
	}
	return m, m.judgeHeaders(moov)
}

// OpenSegment reads the structure of a segment of size bytes that consists of movie fragments of the tracks of init, as
// HLS has them (RFC 8216, 3.3). init is the result of Open for the segment's initialization section, which a movie header in the
// segment repeats.
func OpenSegment(init *Movie, r io.ReaderAt, size int64) (*Movie, error) {
	m := &Movie{r: r, size: size, container: media.FragmentMP4, timescale: init.timescale, fragments: -1}
	moov, err := m.scan()
	if err != nil {
		return nil, err
	}
	if m.fragments < 0 {
		return nil, fmt.Errorf("no movie fragment (moof): %w", ErrNoMovie)
	}
	m.judgeCut()
	for _, track := range init.tracks {
		t := *track
		t.movie, t.tables, t.cut = m, tables{}, 0
		m.tracks = append(m.tracks, &t)
	}
	if moov.kind != "" {
		m.headers = append([]box{moov}, m.headers...)
	}
	return m, m.judgeHeaders(box{})
}

// topLevel are the kinds of boxes that a file or segment may begin with (ISO/IEC 14496-12, 6.2.3, and QuickTime).
var topLevel = map[string]bool{
	"ftyp": true, "styp": true, "moov": true, "moof": true, "mdat": true, "free": true, "skip": true, "wide": true,
	"sidx": true, "ssix": true, "emsg": true, "prft": true, "pdin": true, "meta": true, "uuid": true, "pnot": true,
	"mfra": true,
}

// scan visits the boxes of the file and gives the movie box, or an empty one. It notes the first movie fragment, and the
// last box if it is cut or none.
func (m *Movie) scan() (box, error) {
	var moov box
	for b, err := range fileBoxes(newWindow(m.r, m.size, 4096), 0) {
		switch {
		case errors.Is(err, errHeader) && b.start > 0:
			m.cut = box{start: b.start, cut: true}
			return moov, nil
		case errors.Is(err, errHeader), err == nil && b.start == 0 && !topLevel[b.kind]:
			return moov, ErrNotMP4
		case err != nil:
			return moov, fmt.Errorf("reading the boxes: %w", err)
		}
		if b.cut {
			m.cut = b
		}
		m.note(b, &moov)
	}
	return moov, nil
}

// judgeCut judges a box that says that it goes beyond the end of the file, and bytes that are no box. Behind fragments,
// others may be lost with it. The tables of a file without any name every sample: those that lie beyond its end are missing
// by themselves.
func (m *Movie) judgeCut() {
	if m.cut.cut && m.container == media.FragmentMP4 {
		m.damage.add(media.Damage{Kind: media.BoxTruncated, Stream: -1, Offset: m.cut.start, Count: 1})
	}
}

// note takes a box of the file.
func (m *Movie) note(b box, moov *box) {
	switch {
	case b.kind == "moof" && m.fragments < 0:
		m.fragments = b.start
	case b.kind == "mdat":
		m.data = b
	case b.kind == "sidx" && m.fragments < 0 && m.references.kind == "" && !b.cut:
		m.references = b
	case b.kind == "mfra" && !b.cut:
		m.access = b
	case b.kind != "moov" || b.cut:
	case moov.kind == "":
		*moov = b
	case len(m.headers) <= maxHeaders:
		m.headers = append(m.headers, b)
	}
}

// ignore notes something that is left out, for a person.
func (m *Movie) ignore(format string, args ...any) {
	if len(m.ignored) < maxIgnored {
		m.ignored = append(m.ignored, fmt.Sprintf(format, args...))
	}
}

// ignoreTrack notes fragments of a track that has no header, once.
func (m *Movie) ignoreTrack(id uint32) {
	if len(m.ignored) == maxIgnored {
		return
	}
	note := fmt.Sprintf("fragments of track %d, which the movie header does not name", id)
	if !slices.Contains(m.ignored, note) {
		m.ignore("%s", note)
	}
}
