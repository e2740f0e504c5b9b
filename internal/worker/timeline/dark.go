// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import "sparkrtc.dev/recording-operator/internal/media"

// Bounds of stretches without pictures.
const (
	// minDark is the least one, and how long the last picture before it is shown at least.
	minDark = media.Clock / 10
	// maxDark bounds how many are listed.
	maxDark = maxFindings
)

// listDark finds the stretches in which the recording has no stream of pictures at all, and had one before: somebody
// switched the camera off. A stream that is named and pauses is no such stretch; its last picture is still there to be seen.
func (b *builder) listDark() []Stretch {
	var found []Stretch
	shown := int64(-1) // when the last picture is shown
	from := int64(-1)  // where the stretch began; -1: there is none
	end := func(to int64) {
		if from >= 0 && to-from >= minDark && len(found) < maxDark {
			found = append(found, Stretch{From: from, To: to})
		}
		from = -1
	}
	for _, each := range b.pieces {
		first, last, ok := each.ends(media.Video)
		switch {
		case ok && shown < 0 && !first.key:
			return nil // its first picture cannot be decoded, so that nothing can mark the stretches
		case ok:
			end(first.begin + each.base)
			shown = max(shown, last.greatest+each.base)
		case from < 0 && shown >= 0 && !b.names(each, media.Video):
			from = max(each.early+each.base, shown+minDark)
		}
	}
	end(b.length)
	return found
}
