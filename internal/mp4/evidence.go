// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"cmp"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// evidence is a bounded list of damage.
type evidence []media.Damage

// add notes damage. Damage of a stream that continues the last one of that stream is counted there.
func (e *evidence) add(d media.Damage) {
	for i := len(*e) - 1; i >= 0 && d.Stream >= 0; i-- {
		last := &(*e)[i]
		if last.Stream != d.Stream {
			continue
		}
		if last.Kind == d.Kind && (d.Packet == last.Packet || d.Packet == last.Packet+last.Count) {
			last.Count += d.Count
			return
		}
		break
	}
	if len(*e) < media.MaxDamage {
		*e = append(*e, d)
		return
	}
	(*e)[len(*e)-1].Count += d.Count
}

// sorted is the list in the order of the file.
func (e evidence) sorted() []media.Damage {
	list := slices.Clone([]media.Damage(e))
	slices.SortStableFunc(list, func(a, b media.Damage) int { return cmp.Compare(a.Offset, b.Offset) })
	return list
}
