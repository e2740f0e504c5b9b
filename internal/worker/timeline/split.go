// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sort"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Split divides a timeline at its changes. Each part begins at 0 and has only what one track holds. Where the sound
// changes, the picture is divided at the key frame that is nearest, since nothing can be decoded from elsewhere. The
// first part has the findings of the whole.
func (t *Timeline) Split() []*Timeline {
	t = t.withoutEdits()
	return t.split(t.Changes(), t.Tracks())
}

// SplitTrack divides one track at its own changes. The parts have no other track.
func (t *Timeline) SplitTrack(kind media.Kind) []*Timeline {
	t = t.withoutEdits()
	changes := slices.DeleteFunc(t.Changes(), func(c Change) bool { return c.Kind != kind })
	return t.split(changes, []*Track{t.Track(kind)})
}

func (t *Timeline) split(changes []Change, tracks []*Track) []*Timeline {
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	stretches := make([]*stretch, len(changes)+1)
	for i := range stretches {
		stretches[i] = &stretch{whole: t, made: &Timeline{segments: t.segments}, pieces: map[int]*Piece{}, params: map[paramsOf]bool{}}
	}
	for _, track := range tracks {
		own := changes
		if track.Kind == media.Video {
			own = t.atKeyFrames(changes)
		}
		t.divide(track, own, stretches)
	}
	var parts []*Timeline
	for _, each := range stretches {
		if part := each.finish(); len(part.Pieces) > 0 {
			parts = append(parts, part)
		}
	}
	give := func(stretches []Stretch, of func(*Timeline) *[]Stretch) {
		for _, each := range stretches {
			if part, own, ok := ofPart(parts, each); ok {
				*of(part) = append(*of(part), own)
			}
		}
	}
	give(t.Dark, func(part *Timeline) *[]Stretch { return &part.Dark })
	give(t.Undecodable, func(part *Timeline) *[]Stretch { return &part.Undecodable })
	give(t.Keyless, func(part *Timeline) *[]Stretch { return &part.Keyless })
	if len(parts) > 0 {
		parts[0].Findings, parts[0].More = t.Findings, t.More
	}
	return parts
}

// ofPart is the part in which a stretch begins, and the stretch in its times; false: that part has no pictures.
func ofPart(parts []*Timeline, whole Stretch) (part *Timeline, own Stretch, ok bool) {
	number := sort.Search(len(parts), func(i int) bool { return parts[i].Start > whole.From }) - 1
	if number < 0 || parts[number].Video == nil {
		return nil, Stretch{}, false
	}
	part = parts[number]
	return part, Stretch{From: whole.From - part.Start, To: whole.To - part.Start}, true
}

// atKeyFrames moves changes of the sound, in the order of time, to the nearest key frame behind the change before; one
// that has none is moved behind the end.
func (t *Timeline) atKeyFrames(changes []Change) []Change {
	var keys []int64
	for placed := range t.Packets(media.Video) {
		if placed.Key {
			keys = append(keys, placed.PTS)
		}
	}
	slices.Sort(keys)
	moved := slices.Clone(changes)
	for i := range moved {
		if moved[i].Kind == media.Video {
			continue
		}
		least := int64(0)
		if i > 0 {
			least = changes[i-1].At
		}
		at, _ := slices.BinarySearch(keys, changes[i].At)
		moved[i].At = math.MaxInt64
		for _, key := range keys[max(0, at-1):min(at+1, len(keys))] {
			if key > least && (moved[i].At == math.MaxInt64 || distance(key, changes[i].At) < distance(moved[i].At, changes[i].At)) {
				moved[i].At = key
			}
		}
	}
	return moved
}

// withoutEdits is a timeline with the same packets at the times at which they are shown first: the edit list of a whole
// MP4 is not that of its parts.
func (t *Timeline) withoutEdits() *Timeline {
	made := *t
	made.Pieces = slices.Clone(t.Pieces)
	for _, track := range []**Track{&made.Video, &made.Audio} {
		if *track == nil || len((*track).Edits) == 0 {
			continue
		}
		copied := **track
		shift := shiftOf(copied.Edits)
		copied.Edits, *track = nil, &copied
		for i := range made.Pieces {
			own := &made.Pieces[i].Audio
			if copied.Kind == media.Video {
				own = &made.Pieces[i].Video
			}
			*own = slices.Clone(*own)
			for j := range *own {
				(*own)[j].Shift += shift
			}
		}
	}
	return &made
}

// divide gives each packet of a track to a stretch.
func (t *Timeline) divide(track *Track, changes []Change, stretches []*stretch) {
	at, entry := 0, -1
	for placed := range t.Packets(track.Kind) {
		if entry >= 0 && placed.Entry != entry && !track.holds(entry, placed.Entry) {
			own := slices.IndexFunc(changes[at:], func(c Change) bool { return c.Kind == track.Kind && c.At >= placed.PTS })
			at += own + 1
		}
		for at < len(changes) && changes[at].Kind != track.Kind && crosses(&placed, track.Kind, changes[at]) {
			at++
		}
		entry = placed.Entry
		stretches[at].take(track, &placed)
	}
}

// crosses says that a packet lies behind a change of the other kind.
func crosses(placed *Placed, kind media.Kind, change Change) bool {
	return placed.PTS >= change.At && (kind == media.Audio || placed.Key)
}

// stretch is what lies between two changes.
type stretch struct {
	whole, made *Timeline
	// pieces by the index of the piece of the whole that each is from.
	pieces map[int]*Piece
	// params are those that the tracks have.
	params map[paramsOf]bool
}

// paramsOf names an entry of Track.Params.
type paramsOf struct {
	kind  media.Kind
	entry int
}

// take adds a packet.
func (s *stretch) take(track *Track, placed *Placed) {
	mine := s.made.Track(track.Kind)
	if mine == nil {
		mine = &Track{Kind: track.Kind, Language: track.Language, Matrix: track.Matrix, known: track.known}
		if track.Kind == media.Video {
			s.made.Video = mine
		} else {
			s.made.Audio = mine
		}
	}
	if entry := (paramsOf{track.Kind, placed.Entry}); !s.params[entry] {
		s.params[entry] = true
		mine.Params = append(mine.Params, track.Params[placed.Entry])
	}
	mine.Packets++
	origin := &s.whole.Pieces[placed.Piece]
	slice := origin.Slices(track.Kind)[placed.Slice]
	piece := s.pieces[placed.Piece]
	if piece == nil {
		piece = &Piece{Segment: origin.Segment, Offset: origin.Offset, Run: origin.Run, base: origin.base}
		s.pieces[placed.Piece] = piece
	}
	own := piece.Slices(track.Kind)
	if count := len(own); count > 0 && own[count-1].Stream == slice.Stream && own[count-1].To == placed.Number {
		own[count-1].To++
		return
	}
	slice.From, slice.To = placed.Number, placed.Number+1
	if track.Kind == media.Video {
		piece.Video = append(piece.Video, slice)
	} else {
		piece.Audio = append(piece.Audio, slice)
	}
}

// finish puts the pieces in order, moves them so that the stretch begins at 0, and finds its length.
func (s *stretch) finish() *Timeline {
	for _, number := range slices.Sorted(maps.Keys(s.pieces)) {
		s.made.Pieces = append(s.made.Pieces, *s.pieces[number])
	}
	begin, end, began := int64(0), int64(0), false
	for _, track := range s.made.Tracks() {
		for placed := range s.made.Packets(track.Kind) {
			if !began || placed.PTS < begin {
				begin = placed.PTS
			}
			end = max(end, placed.PTS+max(placed.Duration, s.made.Interval(&placed, track.Kind)))
			began = true
		}
	}
	for i := range s.made.Pieces {
		s.made.Pieces[i].Offset -= begin
		s.made.Pieces[i].base -= begin
	}
	s.made.Start, s.made.Length = begin, end-begin
	return s.made
}
