// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// lostPictures are the pictures of a track before which some are lost, by their numbers.
type lostPictures struct {
	numbers codec.FrameNumbers
	// jump is the last one that may be such a picture.
	jump  media.Damage
	found []media.Damage
}

// add takes the next picture; damage is what it is when some are lost before it.
func (l *lostPictures) add(number codec.FrameNumber, damage media.Damage) {
	jumps, lost := l.numbers.Add(number)
	if lost && len(l.found) < media.MaxDamage {
		l.found = append(l.found, l.jump)
	}
	if jumps {
		l.jump = damage
	}
}
