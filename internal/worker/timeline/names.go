// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"strconv"
	"strings"

	"sparkrtc.dev/recording-operator/internal/media"
)

// namesJump says that the numbers in the segments' names go on by more from one part to another than they do elsewhere in the recording.
func (b *builder) namesJump(x, y *part) bool {
	step, known := nameStep(b.segments[x.Segment].Name, b.segments[y.Segment].Name)
	return known && b.usualStep() > 0 && step > b.usualStep()
}

// namesFollow says that the numbers in the segments' names go on as elsewhere. Of two segments nobody knows by how much
// the numbers grow.
func (b *builder) namesFollow(each *border) bool {
	step, known := nameStep(b.segments[each.x.Segment].Name, b.segments[each.y.Segment].Name)
	return known && step == b.usualStep() && len(b.segments) > 2
}

// namesMayJump says that the numbers in the names of the only two segments do not follow one another. Some recorders count so.
func (b *builder) namesMayJump(each *border) bool {
	step, known := nameStep(b.segments[each.x.Segment].Name, b.segments[each.y.Segment].Name)
	return known && step > 1 && len(b.segments) == 2 && !b.isTime(step)
}

// usualStep is the least step that at least half of the names take; 0: there is none, or the numbers are times, which
// jump in every pause.
func (b *builder) usualStep() int64 {
	if b.step != nil {
		return *b.step
	}
	count, known := map[int64]int{}, 0
	for i := 1; i < len(b.segments); i++ {
		if step, ok := nameStep(b.segments[i-1].Name, b.segments[i].Name); ok && step > 0 {
			count[step]++
			known++
		}
	}
	b.step = new(int64)
	for step, found := range count {
		if found*2 >= known && (*b.step == 0 || step < *b.step) {
			*b.step = step
		}
	}
	if b.isTime(*b.step) {
		*b.step = 0
	}
	return *b.step
}

// isTime says that a step is as long as a segment, in seconds or a usual part of them. A step of one is that of a number
// that counts, unless the number is as great as a time.
func (b *builder) isTime(step int64) bool {
	const today = 1_000_000_000 // seconds since 1970 are greater
	if _, number, _ := lastNumber(b.segments[0].Name); step == 1 {
		value, err := strconv.ParseInt(number, 10, 64)
		if err == nil && value < today {
			return false
		}
	}
	duration := b.segments[0].Duration
	for _, unit := range []int64{1, 1000, 1_000_000, media.Clock} {
		if distance(step*media.Clock/unit, duration)*10 <= duration {
			return true
		}
	}
	return false
}

// nameStep is the difference between the last numbers in two names that are alike but for them.
func nameStep(a, b string) (step int64, known bool) {
	beforeA, numberA, afterA := lastNumber(a)
	beforeB, numberB, afterB := lastNumber(b)
	if numberA == "" || numberB == "" || beforeA != beforeB || afterA != afterB {
		return 0, false
	}
	x, errX := strconv.ParseInt(numberA, 10, 64)
	y, errY := strconv.ParseInt(numberB, 10, 64)
	return y - x, errX == nil && errY == nil
}

// lastNumber splits a name at its last run of digits before the extension.
func lastNumber(name string) (before, number, after string) {
	name, query, _ := strings.Cut(name, "?")
	_ = query // a signature, or anything else that differs in each
	stem, extension := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > strings.LastIndexByte(name, '/') {
		stem, extension = name[:dot], name[dot:]
	}
	end := strings.LastIndexAny(stem, "0123456789") + 1
	begin := end
	for begin > 0 && stem[begin-1] >= '0' && stem[begin-1] <= '9' {
		begin--
	}
	return stem[:begin], stem[begin:end], stem[end:] + extension
}
