// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"errors"

	"sparkrtc.dev/recording-operator/internal/media"
)

// visitor takes what a walk over the samples finds.
type visitor struct {
	// sample takes a sample whose bytes are in the file.
	sample func(track int, s *Sample) error
	// missing takes the number of samples of a track that are not in the file; offset is where the first should be.
	missing func(track int, offset, count int64)
	// damaged takes the place of a box in a fragment that is cut.
	damaged func(offset int64)
	// fragment takes what each movie fragment says of itself, before its samples; nil: nobody asks.
	fragment func(fragmentHead)
	// unknown takes the ID of a track that has fragments, but no header.
	unknown func(id uint32)
}

// walk gives the samples of some tracks to a visitor, in the order of their decoding times; in a fragmented file one
// fragment after the other.
//
// Samples do not overlap, and each has at least a byte. So the samples of a file are no more than its bytes, and their
// sizes do not add up to more. What the tables claim beyond that is missing, and is not looked at one by one: a table of
// a hundred bytes can claim four billion samples.
type walk struct {
	visitor
	movie          *Movie
	samples, bytes int64 // that may still come
}

// errSpent ends a walk of a file that claims more than it can hold.
var errSpent = errors.New("more samples than bytes")

func (m *Movie) walk(tracks []int, v visitor) error {
	w := walk{visitor: v, movie: m, samples: m.size, bytes: m.size}
	fragments := make([]*fragmentCursor, len(tracks))
	cursors := make([]*tableCursor, len(tracks))
	heads := make([]head, len(tracks))
	for i, track := range tracks {
		t := m.tracks[track]
		cursors[i] = newTableCursor(t)
		heads[i] = head{track: track, cursor: t.spread(cursors[i]), shift: t.shift()}
	}
	err := w.merge(heads)
	if err == nil && m.fragments >= 0 {
		for i, track := range tracks {
			fragments[i] = newFragmentCursor(m.tracks[track])
			fragments[i].dts, fragments[i].damaged = cursors[i].dts, v.damaged
			heads[i].cursor = m.tracks[track].showLeading(m.tracks[track].spread(fragments[i]))
		}
		err = w.fragments(newFragmentReader(m, fragments, v), heads)
	}
	if errors.Is(err, errSpent) {
		return nil
	}
	return err
}

func (w *walk) fragments(reader *fragmentReader, heads []head) error {
	for {
		if ok, err := reader.next(); !ok || err != nil {
			return err
		}
		if err := w.merge(heads); err != nil {
			return err
		}
	}
}

// head is the next sample of a track.
type head struct {
	track  int
	cursor cursor
	shift  int64 // ticks of the edit list, to compare times of different tracks
	sample Sample
	ok     bool
	time   int64
}

// merge gives the samples of all cursors, the earliest first.
func (w *walk) merge(heads []head) error {
	for i := range heads {
		if err := w.advance(heads, &heads[i]); err != nil {
			return err
		}
	}
	for {
		var first *head
		for i := range heads {
			if heads[i].ok && (first == nil || heads[i].time < first.time) {
				first = &heads[i]
			}
		}
		if first == nil {
			return nil
		}
		if err := w.give(heads, first); err != nil {
			return err
		}
		if err := w.advance(heads, first); err != nil {
			return err
		}
	}
}

// advance reads the next sample of a track.
func (w *walk) advance(heads []head, h *head) (err error) {
	if h.ok, err = h.cursor.next(&h.sample); err != nil {
		return err
	}
	if !h.ok {
		if rest := h.cursor.rest(); rest > 0 {
			w.missing(h.track, w.movie.size, rest)
		}
		return nil
	}
	if w.samples == 0 {
		return w.spent(heads)
	}
	w.samples--
	t := w.movie.tracks[h.track]
	if h.sample.Description < 0 || h.sample.Description >= len(t.Params) {
		h.sample.Description = 0
	}
	h.time = ticks(h.sample.DTS, t.Timescale) + h.shift
	return nil
}

// give hands out the sample of a track, unless it is not in the file, or too large to be one.
func (w *walk) give(heads []head, h *head) error {
	s := &h.sample
	if s.Offset < 0 || s.Offset > w.movie.size-int64(s.Size) || s.Size > maxSampleBytes {
		w.missing(h.track, min(max(s.Offset, 0), w.movie.size), 1)
		return nil
	}
	if int64(s.Size) > w.bytes {
		return w.spent(heads)
	}
	w.bytes -= int64(s.Size)
	return w.sample(h.track, s)
}

// spent reports all samples that were not given as missing.
func (w *walk) spent(heads []head) error {
	for i := range heads {
		rest := heads[i].cursor.rest()
		if heads[i].ok {
			rest++
		}
		if rest > 0 {
			w.missing(heads[i].track, w.movie.size, rest)
		}
	}
	return errSpent
}

// shift is how much later than the media's times the track is shown, by its edit list, in ticks.
func (t *Track) shift() (shift int64) {
	for _, edit := range t.edits {
		if edit.Start >= 0 {
			return shift - edit.Start
		}
		shift += edit.Duration
	}
	return shift
}

// packet is the sample with times in ticks.
func (t *Track) packet(s *Sample) media.Packet {
	dts := ticks(s.DTS, t.Timescale)
	return media.Packet{
		DTS: dts, PTS: ticks(s.PTS, t.Timescale), Duration: ticks(s.DTS+s.Duration, t.Timescale) - dts,
		Size: s.Size, Key: s.Key, Opens: s.Opens, Params: s.Description,
	}
}
