// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"math"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// shown is a picture that waits to be shown.
type shown struct {
	number int
	pts    int64
	// before is how many pictures that are decoded after it are shown before it.
	before int
	// past says that it is shown before it is decoded.
	past bool
}

// shownLate finds packets that are shown long after they are decoded, or before. Where pictures pause, and are shown in another
// order than they are decoded, the decoding times pause some pictures later: there it is right. The last ones do not tell.
func (v *view) shownLate(found numbers) {
	var waiting []shown
	last := 0
	for number, packet := range v.all() {
		waiting = slices.DeleteFunc(waiting, func(w shown) bool {
			late := v.behind(w, number) > maxOrder
			if late {
				found.note(w.number)
			}
			return late || distance(packet.DTS, w.pts) <= maxReorder
		})
		switch late := packet.PTS - packet.DTS; {
		case distance(late, 0) <= maxReorder:
		case distance(late, 0) > maxLeap:
			found.note(number)
		default:
			waiting = append(waiting, shown{number: number, pts: packet.PTS, past: late < 0})
		}
		last = number
	}
	for _, w := range waiting {
		if v.behind(w, last+1) > fewOrder {
			found.note(w.number)
		}
	}
}

// behind is how many packets behind one a number is. Of one that is shown before it is decoded, the next segment tells nothing.
func (v *view) behind(w shown, number int) int {
	if w.past {
		number = min(number, v.to)
	}
	return number - w.number
}

// shownBehind finds pictures that are shown behind more of those that are decoded after them than a decoder keeps.
func (v *view) shownBehind(found numbers) {
	var waiting []shown
	last := int64(math.MinInt64)
	for number, packet := range v.all() {
		if packet.DTS < last-minStep {
			waiting = waiting[:0] // another clock
		}
		last = packet.DTS
		kept := waiting[:0]
		for _, w := range waiting {
			if packet.PTS < w.pts {
				w.before++
			}
			switch {
			case w.before > maxBefore:
				found.note(w.number)
			case packet.DTS < w.pts && len(kept) < 2*maxBefore:
				kept = append(kept, w)
			}
		}
		waiting = kept
		if packet.PTS > packet.DTS {
			waiting = append(waiting, shown{number: number, pts: packet.PTS})
		}
	}
}

// minOff is by how much a picture is shown before it is decoded that is stamped wrong.
const minOff = media.Clock / 10

// shownBefore finds the one picture that is shown long before it is decoded, while no other is.
func (v *view) shownBefore(found numbers) {
	one, count := -1, 0
	for number, packet := range v.own() {
		switch before := packet.DTS - packet.PTS; {
		case before > minOff && one < 0:
			one = number
		case before > 0:
			return
		}
		count++
	}
	if one >= 0 && count > fewOrder {
		found.note(one)
	}
}
