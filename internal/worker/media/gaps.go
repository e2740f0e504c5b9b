/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package media

import (
	"cmp"
	"slices"
	"time"
)

// Gap is a stretch of a file's clock without packets, in microseconds.
type Gap struct {
	From, To int64
}

// Length of the gap.
func (g Gap) Length() time.Duration { return time.Duration(g.To-g.From) * time.Microsecond }

// Bounds of a gap. In a call, some frames are lost or late: half a second is not yet a gap. A picture that changes
// slowly (a shared screen) has long intervals, but five seconds are a gap at any rate.
const (
	smallestGap = 500 * time.Millisecond
	largestGap  = 5 * time.Second
	// gapIntervals is how many intervals between packets make a gap; it also covers B-frames, which reorder up to 4.
	gapIntervals = 5
)

// GapBound is the shortest silence that counts as a gap: five times the usual interval between packets, and between
// half a second and five seconds.
func GapBound(spans []Span) time.Duration {
	var intervals []int64
	for _, run := range clockRuns(spans) {
		for i := 1; i < len(run); i++ {
			if delta := run[i].Start - run[i-1].Start; delta > 0 {
				intervals = append(intervals, delta)
			}
		}
	}
	if len(intervals) == 0 {
		return smallestGap
	}
	slices.Sort(intervals)
	usual := time.Duration(intervals[len(intervals)/2]) * time.Microsecond
	return min(max(gapIntervals*usual, smallestGap), largestGap)
}

// Gaps are the stretches longer than bound in which no packet begins or lasts, in order. Where the clock was reset, a
// new run begins: a reset is no gap.
func Gaps(spans []Span, bound time.Duration) []Gap {
	var gaps []Gap
	for _, run := range clockRuns(spans) {
		end := max(run[0].Start, run[0].End)
		for _, span := range run[1:] {
			if gap := (Gap{From: end, To: span.Start}); gap.Length() > bound {
				gaps = append(gaps, gap)
			}
			end = max(end, span.Start, span.End)
		}
	}
	return gaps
}

// clockRuns splits one stream's packets, in the order of the file, where its clock was reset, and sorts each run by
// time.
func clockRuns(spans []Span) [][]Span {
	var runs [][]Span
	begin := 0
	for i, span := range spans {
		if span.Reset && i > begin {
			runs = append(runs, slices.Clone(spans[begin:i]))
			begin = i
		}
	}
	if begin < len(spans) {
		runs = append(runs, slices.Clone(spans[begin:]))
	}
	for _, run := range runs {
		slices.SortStableFunc(run, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	}
	return runs
}

// lasts is the time from the first packet's start to the last one's end, of all runs of the clock together.
func lasts(spans []Span) time.Duration {
	var total time.Duration
	for _, run := range clockRuns(spans) {
		end := run[0].Start
		for _, span := range run {
			end = max(end, span.Start, span.End)
		}
		total += time.Duration(end-run[0].Start) * time.Microsecond
	}
	return total
}

// NewGaps are the gaps of a result that its source does not have: each gap of the source explains one gap of the
// result that is at most slack longer. The clocks need not agree, so gaps are matched by their lengths.
func NewGaps(source, result []Gap, slack time.Duration) []Gap {
	left := slices.Clone(source)
	byLength := func(a, b Gap) int { return cmp.Compare(b.Length(), a.Length()) }
	slices.SortFunc(left, byLength)
	longestFirst := slices.SortedFunc(slices.Values(result), byLength)
	var unexplained []Gap
	for _, gap := range longestFirst {
		if len(left) > 0 && gap.Length() <= left[0].Length()+slack {
			left = left[1:]
			continue
		}
		unexplained = append(unexplained, gap)
	}
	slices.SortFunc(unexplained, func(a, b Gap) int { return cmp.Compare(a.From, b.From) })
	return unexplained
}

// SegmentsAt are the indices of the segments that lie within reach of a gap, which is given in microseconds since the
// playlist's beginning. One more segment on either side is taken, because clocks drift.
func (p Playlist) SegmentsAt(gap Gap) []int {
	var found []int
	var at float64
	for i, segment := range p.Segments {
		begin, end := at*1e6, (at+segment.Seconds)*1e6
		at += segment.Seconds
		if end >= float64(gap.From) && begin <= float64(gap.To) {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return nil
	}
	if first := found[0]; first > 0 {
		found = slices.Insert(found, 0, first-1)
	}
	if last := found[len(found)-1]; last+1 < len(p.Segments) {
		found = append(found, last+1)
	}
	return found
}
