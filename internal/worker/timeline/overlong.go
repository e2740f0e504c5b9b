// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// minOverlong is how much longer a segment is than the playlist says that has wrong times, and maxUnfit by how much it may differ
// without these.
const minOverlong, maxUnfit = media.Clock / 2, media.Clock * 35 / 100

// overlong finds the few packets at the beginning or end of a segment that are apart from all others, when it is as long as the
// playlist says without them, and longer with them.
func (v *view) overlong(found numbers) {
	if v.to-v.from > maxGrid {
		return
	}
	var all []shown
	last := media.Packet{}
	for number, packet := range v.own() {
		if !found[number] {
			all = append(all, shown{number: number, pts: packet.PTS})
			last = packet
		}
	}
	if len(all) < minGrid {
		return
	}
	slices.SortFunc(all, func(a, b shown) int { return cmp.Compare(a.pts, b.pts) })
	spans := func(from, to int) int64 { return all[to-1].pts + last.Duration - all[from].pts }
	if spans(0, len(all)) < v.length+minOverlong {
		return
	}
	fits := func(from, to int) bool { return distance(spans(from, to), v.length) <= maxUnfit }
	for k := 1; k <= min(maxStrays, len(all)/2); k++ {
		end := len(all) - k
		switch {
		case all[k].pts-all[k-1].pts > minOverlong && fits(k, len(all)) && v.areAlone(all[:k]):
			noteShown(found, all[:k])
			return
		case all[end].pts-all[end-1].pts > minOverlong && fits(0, end) && v.areAlone(all[end:]):
			noteShown(found, all[end:])
			return
		}
	}
}

// areAlone says that packets are the first or last ones of the stream, where no segment in front or behind tells more.
func (v *view) areAlone(packets []shown) bool {
	within := len(packets) + fewOrder
	return !slices.ContainsFunc(packets, func(p shown) bool {
		return (len(v.before) > 0 || p.number >= v.from+within) && (len(v.after) > 0 || p.number < v.to-within)
	})
}

func noteShown(found numbers, wrong []shown) {
	for _, each := range wrong {
		found.note(each.number)
	}
}
