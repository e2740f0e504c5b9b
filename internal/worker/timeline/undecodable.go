// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"sort"

	"sparkrtc.dev/recording-operator/internal/media"
)

// listUndecodable finds the pictures that nothing can be decoded from: where a clock begins, or pictures come back after a
// stretch without a stream of them, those before the first key frame, and those behind it that are shown before it, since
// they need pictures of the group before. A run without any key frame may be refreshed little by little; it is left to the
// decoder.
func (b *builder) listUndecodable() {
	h := headless{builder: b, run: -1}
	for placed := range b.placed().Packets(media.Video) {
		h.add(&placed)
	}
	h.finish()
}

// headless looks at the beginning of each run.
type headless struct {
	*builder
	// run and piece are those of the last picture, and segment the one in which its pictures begin.
	run, piece, segment int
	// open says that the beginning goes on, and key that it has had its key frame, at to.
	open, key bool
	from, to  int64
	count     int
}

func (h *headless) add(placed *Placed) {
	if piece := h.pieces[placed.Piece]; piece.Run != h.run || h.comesBack(placed.Piece) {
		h.finish()
		h.open, h.key, h.from, h.count = piece.Run == h.run || !h.goesOn(placed.Piece), false, placed.PTS, 0
		h.run, h.segment = piece.Run, piece.Segment
	}
	h.piece = placed.Piece
	switch {
	case !h.open:
	case placed.Key && !h.key:
		h.key, h.to = true, placed.PTS
	case h.key && placed.PTS > h.to:
		h.finish()
	default:
		h.from = min(h.from, placed.PTS)
		h.count++
	}
}

// goesOn says that a clock steps although the playlist announces no other one: the pictures may need those before them.
// Behind a discontinuity, players begin to decode with a key frame.
func (h *headless) goesOn(piece int) bool {
	return piece > 0 && (!h.pieces[piece].first || !h.segments[h.pieces[piece].Segment].Discontinuity)
}

// comesBack says that pieces between the last picture and this one do not name a stream of pictures.
func (h *headless) comesBack(piece int) bool {
	for i := h.piece + 1; i < piece; i++ {
		if !h.names(h.pieces[i], media.Video) {
			return true
		}
	}
	return false
}

// finish ends the beginning of a run.
func (h *headless) finish() {
	if !h.open || !h.key || h.count == 0 || len(h.undecodable) >= maxFindings {
		h.open = false
		return
	}
	h.open = false
	h.undecodable = append(h.undecodable, Stretch{From: h.from, To: h.to})
	for _, known := range h.findings {
		if known.Segment == h.segment && SeverityOf(known.Type) == SeverityDamage {
			return
		}
	}
	h.find(UnknownHole, h.segment, h.from, h.to-h.from,
		"the first %d picture(s) cannot be decoded: they need a key frame before them; whether it is lost cannot be decided", h.count)
}

// CanDecode says that a picture of this time is none of those that nothing can be decoded from. With an edit list that is
// kept, it is left to the decoder: the list's times are those of all pictures.
func (t *Timeline) CanDecode(pts int64) bool {
	if len(t.Video.Edits) > 0 {
		return true
	}
	number := sort.Search(len(t.Undecodable), func(i int) bool { return t.Undecodable[i].To > pts })
	return number == len(t.Undecodable) || pts < t.Undecodable[number].From
}
