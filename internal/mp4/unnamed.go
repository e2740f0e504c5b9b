// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import "sparkrtc.dev/recording-operator/internal/media"

// minUnnamed is how many bytes lie at least behind the last sample that may be more of the recording; muxers leave less.
const minUnnamed = 4096

// judgeUnnamed finds media behind the last sample of a whole file, as a recorder leaves it that ended before it wrote its tables again.
// Zeros are room that was reserved.
func (x *indexer) judgeUnnamed() error {
	m := x.movie
	from := max(m.data.body, x.dataEnd)
	if m.fragments >= 0 || min(m.data.end, m.size)-from < minUnnamed {
		return nil
	}
	data, err := x.data.blocks.bytes(from, minUnnamed)
	if err == nil && !isZero(data) {
		x.note(media.MediaUnnamed, -1, from, 1)
	}
	return err
}
