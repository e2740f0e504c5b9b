// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"math"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Window says when packets of a track are shown. Without edits, it is at their times.
type Window struct {
	edits []media.Edit
}

// Shown is the window of a track.
func (t *Track) Shown() Window { return Window{edits: t.Edits} }

// rounding is by how much the duration of the only or last edit may be less than what it shows: it is often rounded to the
// movie's clock of milliseconds.
const rounding = media.Clock / 1000

// IsEdge says that a packet begins where the last edit ends, so that players may show it or not: the last one may have no
// duration, and the edit's is rounded.
func (w Window) IsEdge(pts int64) bool {
	if len(w.edits) == 0 {
		return false
	}
	last := w.edits[len(w.edits)-1]
	end := last.Start + last.Duration
	return last.Start >= 0 && last.Duration > 0 && pts >= end-1 && pts < end+rounding // -1: ticks are rounded, too
}

// End is when the last edit ends; math.MaxInt64: with the last packet.
func (w Window) End() int64 {
	end := int64(0)
	for _, edit := range w.edits {
		end += edit.Duration
	}
	if len(w.edits) == 0 || w.edits[len(w.edits)-1].Duration == 0 {
		return math.MaxInt64
	}
	return end
}

// Show gives the time at which the packet of a media time is shown first; false: it is not shown. An edit that was cut
// short hides what is behind it.
func (w Window) Show(pts int64) (at int64, shown bool) {
	if len(w.edits) == 0 {
		return pts, pts >= 0
	}
	for i, edit := range w.edits {
		if edit.Start < 0 {
			at += edit.Duration
			continue
		}
		length := edit.Duration
		if i == len(w.edits)-1 {
			length += rounding
		}
		if pts >= edit.Start && (edit.Duration == 0 || pts < edit.Start+length) {
			return at + pts - edit.Start, true
		}
		at += edit.Duration
	}
	return 0, false
}
