// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"sort"

	"sparkrtc.dev/recording-operator/internal/media"
)

// listUndecodable finds the pictures that nothing can be decoded from: where a clock begins, or pictures come back after a
// stretch without a stream of them, those before the first key frame, and those behind it that are shown before it, unless the
// group is closed: they need pictures of the group before. A run without any key frame may be refreshed little by little; it is left to the
// decoder, which decides it for the first run alone: behind another run it goes on with the pictures of that.
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
	// open says that the beginning goes on, and key that it has had its key frame, at to. Without one, to is behind the last picture.
	open, key bool
	from, to  int64
	count     int
	// keys says that the recording has key frames.
	keys bool
}

func (h *headless) add(placed *Placed) {
	if piece := h.pieces[placed.Piece]; piece.Run != h.run || h.comesBack(placed.Piece) {
		h.finish()
		h.open, h.key, h.from, h.to, h.count = piece.Run == h.run || !h.goesOn(placed.Piece), false, placed.PTS, placed.PTS, 0
		h.run, h.segment = piece.Run, piece.Segment
	}
	h.piece, h.keys = placed.Piece, h.keys || placed.Key
	switch {
	case !h.open:
	case placed.Key && !h.key:
		h.key, h.to = true, placed.PTS
		if placed.Closed {
			h.finish()
		}
	case h.key && placed.Closed:
	case h.key && placed.PTS > h.to:
		h.finish()
	default:
		h.from = min(h.from, placed.PTS)
		if h.count++; !h.key {
			h.to = max(h.to, placed.PTS+placed.Duration)
		}
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
	ended := h.open
	h.open = false
	switch {
	case !ended || h.count == 0:
	case !h.key:
		h.finishKeyless()
	case len(h.undecodable) < maxFindings:
		h.undecodable = append(h.undecodable, Stretch{From: h.from, To: h.to})
		if !h.isDamagedAt(h.segment) {
			h.find(UnknownHole, h.segment, h.from, h.to-h.from,
				"the first %d picture(s) cannot be decoded: they need a key frame before them; whether it is lost cannot be decided", h.count)
		}
	}
}

// finishKeyless ends a run without any key frame. Where the recording has none at all, its muxer may just not say which ones are.
func (h *headless) finishKeyless() {
	first := h.keyless == nil && !h.keys
	if !first && !h.keys || len(h.keyless) >= maxFindings {
		return
	}
	h.keyless = append(h.keyless, Stretch{From: h.from, To: h.to})
	if h.isDamagedAt(h.segment) {
		return
	}
	found := h.find(UnknownHole, h.segment, h.from, h.to-h.from,
		"none of the %d picture(s) up to %s is a key frame, with which decoders begin; whether one is lost cannot be decided", h.count, position(h.to))
	if track := h.tracks[media.Video]; found != nil && first && len(track.Params) > 0 {
		found.Decoding, found.Keyless = track.Params[0].Codec, true
	}
}

// isDamagedAt says that something is known to be lost of a segment.
func (b *builder) isDamagedAt(segment int) bool {
	return slices.ContainsFunc(b.findings, func(known Finding) bool {
		return known.Segment == segment && SeverityOf(known.Type) == SeverityDamage
	})
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
