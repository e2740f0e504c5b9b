// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Bounds of a grid of times.
const (
	// minGrid and maxGrid are how many pictures tell that they follow one another evenly.
	minGrid, maxGrid = 16, 1 << 14
	// gridRounding is how far times are from the grid that are on it.
	gridRounding = 2
	// lineRounding is how far frames of sound are from where the ones before them end.
	lineRounding = media.Clock / 500
)

// offGrid finds the one picture that is shown between others which follow one another evenly, where none is due, while none is shown
// where it is due.
func (v *view) offGrid(found numbers) {
	if v.to-v.from > maxGrid {
		return
	}
	var all []shown
	for number, packet := range v.all() {
		if !found[number] {
			all = append(all, shown{number: number, pts: packet.PTS})
		}
	}
	slices.SortFunc(all, func(a, b shown) int { return cmp.Compare(a.pts, b.pts) })
	// Where those around begin and end, some of their neighbors are further away.
	before, after := min(len(v.before), 2*fewOrder), min(len(v.after), 2*fewOrder)
	if len(all) < before+after+minGrid {
		return
	}
	all = all[before : len(all)-after]
	if off := irregular(all); off != nil {
		found.note(off.number)
	}
}

// irregular gives the one picture that is shown where none is due, while one is missing elsewhere; nil: there is none, or there is more to it.
func irregular(all []shown) (off *shown) {
	steps := make([]int64, len(all)-1)
	for i := range steps {
		steps[i] = all[i+1].pts - all[i].pts
	}
	usual := slices.Sorted(slices.Values(steps))[len(steps)/2]
	is := func(step, want int64) bool { return distance(step, want) <= gridRounding }
	holes := 0
	for i := 0; i < len(steps); i++ {
		switch {
		case is(steps[i], usual):
		case is(steps[i], 2*usual):
			holes++
		case off == nil && i+1 < len(steps) && is(steps[i]+steps[i+1], usual):
			off = &all[i+1]
			i++
		default:
			return nil
		}
	}
	if holes != 1 {
		return nil
	}
	return off
}

// offLine finds the frames of sound that lie off the line on which all others follow one another without a gap: behind them it goes on as
// if they were on it.
func (v *view) offLine(found numbers) {
	var leaps []shown // where a frame does not begin where the one before it ends, and by how much
	due, count := int64(0), 0
	for number, packet := range v.all() {
		if off := packet.PTS - due; count > 0 && distance(off, 0) > lineRounding {
			leaps = append(leaps, shown{number: number, pts: off})
		}
		if len(leaps) > 2 {
			return
		}
		due = packet.PTS + packet.Duration
		count++
	}
	if count < 2*minGrid || len(leaps) < 2 || distance(leaps[0].pts, -leaps[1].pts) > lineRounding || leaps[1].number-leaps[0].number > maxStrays {
		return
	}
	for number := leaps[0].number; number < leaps[1].number; number++ {
		found.note(number)
	}
}
