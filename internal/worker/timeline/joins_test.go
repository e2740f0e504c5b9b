// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// twoClocks are eight segments; the fifth begins another clock.
func twoClocks(running bool) []Segment {
	segments := layout{running: running}.record(pictures(0, 16*second, pal, 50), tones(0, 16*second), each(0, 2*second, 8)...)
	return reset(segments, 4, 700*second, true)
}

// TestBuild_LineMissingAtAnotherClock: where counters begin again, only the numbers in the names tell.
func TestBuild_LineMissingAtAnotherClock(t *testing.T) {
	wantState(t, Build(Recording{Segments: twoClocks(false)}), Intact)
	for _, lost := range []int{3, 4} {
		segments := twoClocks(false)
		segments[5].Discontinuity = lost == 4
		wantState(t, Build(Recording{Segments: drop(segments, lost)}), Unknown, UnknownHole)
	}
}

// TestBuild_NamesJumpAtAnotherClock although nothing is lost: counters that run on go on there, dates leave no time for a segment, the
// numbers begin again, or are of other names.
func TestBuild_NamesJumpAtAnotherClock(t *testing.T) {
	jump := func(segments []Segment, names string, by int) []Segment {
		for i := 4; i < len(segments); i++ {
			segments[i].Name = fmt.Sprintf(names, i+by)
		}
		return segments
	}
	wantState(t, Build(Recording{Segments: jump(twoClocks(true), "seg%d.ts", 1)}), Intact)
	dated := jump(twoClocks(false), "seg%d.ts", 1)
	for i := range dated {
		dated[i].Began = time.Date(2026, 11, 28, 10, 0, 2*i, 0, time.UTC)
	}
	wantState(t, Build(Recording{Segments: slices.Clone(dated)}), Intact)
	for i := 4; i < len(dated); i++ {
		dated[i].Began = dated[i].Began.Add(2 * time.Second)
	}
	wantState(t, Build(Recording{Segments: dated}), Unknown, UnknownHole)
	wantState(t, Build(Recording{Segments: jump(twoClocks(false), "seg%d.ts", -4)}), Intact)
	wantState(t, Build(Recording{Segments: jump(twoClocks(false), "again%d.ts", 1)}), Intact)
}
