// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import "sparkrtc.dev/recording-operator/internal/media"

// Edits are the track's edit list in ticks of media.Clock; empty: none.
func (t *Track) Edits() []media.Edit { return t.edits }

// Shift is how much later than the media's times the track is shown by its edit list, in ticks: the pause before it,
// less the part of the media that is skipped.
func (t *Track) Shift() int64 { return t.shift() }

// Ticks is a time of the track in ticks of media.Clock, rounded to the nearest one.
func (t *Track) Ticks(units int64) int64 { return ticks(units, t.Timescale) }

// Sniff says whether a file begins as an MP4, or a segment of one, does.
func Sniff(head []byte) bool { return len(head) >= 8 && topLevel[string(head[4:8])] }
