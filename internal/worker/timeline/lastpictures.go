// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// minSteady is how many pictures there are at least whose rate is relied on, and maxSteady how many are looked at.
const minSteady, maxSteady = 8, 256

// lacksReordered gives where a picture is missing among those that are shown last, and for how long, when all others follow one another
// at one rate, and some are shown before those that they are decoded behind: what is decoded last is shown in front of the last
// picture. A length of 0: none is missing.
func (b *builder) lacksReordered(each *part) (at, length int64) {
	all := each.Slices(media.Video)
	if len(all) == 0 || b.segments[each.Segment].File.Container != media.MPEGTS {
		return 0, 0
	}
	slice := &all[len(all)-1]
	around := b.view(each.Segment, slice.Stream, slice.From, slice.To, slice.Shift)
	var times []int64
	for number, packet := range around.all() {
		if number >= slice.To-maxSteady {
			times = append(times, packet.PTS)
		}
	}
	if slices.IsSorted(times) {
		return 0, 0
	}
	slices.Sort(times)
	if len(around.before) > 0 || slice.To-slice.From > maxSteady {
		times = times[min(maxOrder, len(times)):] // those between them may lie before
	}
	if len(times) < minSteady {
		return 0, 0
	}
	interval := slice.stats.interval
	for i := 1; i < len(times); i++ {
		gap := times[i] - times[i-1]
		if isSteady(gap, interval) {
			continue
		}
		if gap < interval || i < len(times)-maxOrder {
			return 0, 0
		}
		if length == 0 {
			at, length = slice.stats.greatest-(times[len(times)-1]-times[i-1])+interval, gap-interval
		}
	}
	return at, length
}
