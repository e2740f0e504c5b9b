// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Edits are the track's edit list in ticks of media.Clock; empty: none.
func (t *Track) Edits() []media.Edit { return t.edits }

// Shift is how much later than the media's times the track is shown by its edit list, in ticks: the pause before it,
// less the part of the media that is skipped.
func (t *Track) Shift() int64 { return t.shift() }

// Ticks is a time of the track in ticks of media.Clock, rounded to the nearest one.
func (t *Track) Ticks(units int64) int64 { return ticks(units, t.Timescale) }

// HasPixelAspect says that a sample entry of video has a pasp box (ISO/IEC 14496-12, 12.1.4): its pixels may be other than
// square.
func HasPixelAspect(entry []byte) bool {
	const visual = 8 + 78 // the box's header and the fields of a VisualSampleEntry
	for at := visual; at+8 <= len(entry); {
		size := int(binary.BigEndian.Uint32(entry[at:]))
		if string(entry[at+4:at+8]) == "pasp" {
			return true
		}
		if size < 8 || size > len(entry)-at {
			return false
		}
		at += size
	}
	return false
}

// Sniff says whether a file begins as an MP4, or a segment of one, does.
func Sniff(head []byte) bool { return len(head) >= 8 && topLevel[string(head[4:8])] }
