// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

// doubtRanges doubts that the playlist has all its lines where a file that it names by ranges holds more media than these.
func (b *builder) doubtRanges() {
	for _, each := range b.parts {
		own := b.segments[each.Segment]
		if own.Before > 0 && each.first {
			b.doubtRange(each, each.early, own.Before, "before")
		}
		if own.Behind > 0 && each.last {
			b.doubtRange(each, each.late, own.Behind, "behind")
		}
	}
}

// doubtRange adds the finding.
func (b *builder) doubtRange(each *part, at, bytes int64, where string) {
	b.find(UnknownHole, each.Segment, at+each.base, 0,
		"its file has %d bytes of media %s it that no line of the playlist names; whether a line is lost cannot be decided", bytes, where)
}
