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
	list := *e
	for i := len(list) - 1; i >= 0 && d.Stream >= 0; i-- {
		if list[i].Stream != d.Stream {
			continue
		}
		if last := list[i]; last.Kind == d.Kind && (d.Packet == last.Packet || d.Packet == last.Packet+last.Count) {
			list[i].Count += d.Count
			return
		}
		break
	}
	if len(list) < media.MaxDamage {
		*e = append(list, d)
		return
	}
	list[len(list)-1].Count += d.Count
}

// sorted is the list in the order of the file.
func (e evidence) sorted() []media.Damage {
	list := slices.Clone([]media.Damage(e))
	slices.SortStableFunc(list, func(a, b media.Damage) int { return cmp.Compare(a.Offset, b.Offset) })
	return list
}
