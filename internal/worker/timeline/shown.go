// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import "sparkrtc.dev/recording-operator/internal/media"

// Window says when packets of a track are shown. Without edits, it is at their times.
type Window struct {
	edits []media.Edit
}

// Shown is the window of a track.
func (t *Track) Shown() Window { return Window{edits: t.Edits} }

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
		// The duration of the only or last edit is often rounded to the movie's clock: half a tick of milliseconds.
		length := edit.Duration
		if i == len(w.edits)-1 {
			length += media.Clock / 1000
		}
		if pts >= edit.Start && (edit.Duration == 0 || pts < edit.Start+length) {
			return at + pts - edit.Start, true
		}
		at += edit.Duration
	}
	return 0, false
}
