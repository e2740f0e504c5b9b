// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Split divides a timeline at its changes. Each part begins at 0 and has only what one track holds. Where the sound
// changes, the picture is divided at the key frame that is nearest, since nothing can be decoded from elsewhere.
func (t *Timeline) Split() []*Timeline { return t.split(t.Changes(), t.Tracks()) }

// SplitTrack divides one track at its own changes. The parts have no other track.
func (t *Timeline) SplitTrack(kind media.Kind) []*Timeline {
	changes := slices.DeleteFunc(t.Changes(), func(c Change) bool { return c.Kind != kind })
	return t.split(changes, []*Track{t.Track(kind)})
}

func (t *Timeline) split(changes []Change, tracks []*Track) []*Timeline {
	slices.SortStableFunc(changes, func(a, b Change) int { return int(min(1, max(-1, a.At-b.At))) })
	parts := make([]*Timeline, len(changes)+1)
	for i := range parts {
		parts[i] = &Timeline{segments: t.segments}
	}
	for _, track := range tracks {
		own := changes
		if track.Kind == media.Video {
			own = t.atKeyFrames(changes)
		}
		t.divide(track, own, parts)
	}
	for i, part := range parts {
		part.settle()
		for _, finding := range t.Findings {
			if i == 0 {
				part.Findings = append(part.Findings, finding)
			}
		}
	}
	return slices.DeleteFunc(parts, func(part *Timeline) bool { return len(part.Pieces) == 0 })
}

// atKeyFrames moves changes of the sound to the nearest key frame behind the change before; one that has none is moved
// behind the end.
func (t *Timeline) atKeyFrames(changes []Change) []Change {
	moved := slices.Clone(changes)
	for i := range moved {
		if moved[i].Kind != media.Video {
			moved[i].At = t.Length + media.Clock
		}
	}
	for placed := range t.Packets(media.Video) {
		for i := range moved {
			behind := i == 0 && placed.PTS > 0 || i > 0 && placed.PTS > changes[i-1].At
			if placed.Key && behind && changes[i].Kind != media.Video &&
				distance(placed.PTS, changes[i].At) < distance(moved[i].At, changes[i].At) {
				moved[i].At = placed.PTS
			}
		}
	}
	return moved
}

// divide gives each packet of a track to a part.
func (t *Timeline) divide(track *Track, changes []Change, parts []*Timeline) {
	at, entry := 0, -1
	for placed := range t.Packets(track.Kind) {
		for at < len(changes) && t.crosses(track, &placed, entry, changes[at]) {
			at++
		}
		entry = placed.Entry
		parts[at].take(t, track, &placed)
	}
}

// crosses says that a packet lies behind a change.
func (t *Timeline) crosses(track *Track, placed *Placed, entry int, change Change) bool {
	if change.Kind == track.Kind {
		return entry >= 0 && entry != placed.Entry && placed.PTS >= change.At
	}
	return placed.PTS >= change.At && (track.Kind == media.Audio || placed.Key)
}

// take adds a packet to the part.
func (t *Timeline) take(from *Timeline, track *Track, placed *Placed) {
	mine := t.Track(track.Kind)
	if mine == nil {
		mine = &Track{Kind: track.Kind, Language: track.Language, Matrix: track.Matrix, known: track.known}
		if track.Kind == media.Video {
			t.Video = mine
		} else {
			t.Audio = mine
		}
	}
	params := track.Params[placed.Entry]
	if !slices.ContainsFunc(mine.Params, func(p media.Params) bool { return sameParams(&p, &params) }) {
		mine.Params = append(mine.Params, params)
	}
	mine.Packets++
	origin := &from.Pieces[placed.Piece]
	slice := origin.Slices(track.Kind)[placed.Slice]
	piece := t.piece(origin)
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

// piece is the part's own piece that a piece of the whole goes into.
func (t *Timeline) piece(origin *Piece) *Piece {
	for i := range t.Pieces {
		if t.Pieces[i].Segment == origin.Segment && t.Pieces[i].Offset == origin.Offset {
			return &t.Pieces[i]
		}
	}
	t.Pieces = append(t.Pieces, Piece{Segment: origin.Segment, Offset: origin.Offset, Run: origin.Run, base: origin.base})
	return &t.Pieces[len(t.Pieces)-1]
}

// settle moves the part so that it begins at 0, and finds its length.
func (t *Timeline) settle() {
	begin, end, any := int64(0), int64(0), false
	for _, track := range t.Tracks() {
		for placed := range t.Packets(track.Kind) {
			if !any || placed.PTS < begin {
				begin = placed.PTS
			}
			end = max(end, placed.PTS+max(placed.Duration, t.Interval(&placed, track.Kind)))
			any = true
		}
	}
	for i := range t.Pieces {
		t.Pieces[i].Offset -= begin
		t.Pieces[i].base -= begin
	}
	t.Start, t.Length = begin, end-begin
}
