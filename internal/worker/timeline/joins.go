// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import "sparkrtc.dev/recording-operator/internal/media"

// join is where one run follows another without a segment between them.
type join struct {
	x, y *part
	// goOn and breaks count the streams whose continuity counters go on, and those whose do not; of movie fragments, the files.
	goOn, breaks int
}

// judgeJoins finds transport packets that are lost where a clock ends. A recorder that begins a new clock often begins its
// counters again; where it does not elsewhere, a break is a loss, unless the counters begin with what the recording began
// with.
func (b *builder) judgeJoins() {
	if !b.runOnOverClocks(0) {
		return
	}
	for _, each := range b.joins {
		if each.breaks > 0 {
			b.find(PacketsLost, each.x.Segment, each.x.late+each.x.base, 0,
				"packets are lost at its end: the %s do not go on, as they do before other clocks", b.counted(each.y))
		}
	}
}

// runOnOverClocks says that counters run on where another clock begins; more is how many go on besides those of the joins.
func (b *builder) runOnOverClocks(more int) bool {
	goOn, breaks := b.joinCounters()
	goOn += more
	return goOn >= minTogether && float64(goOn) >= minRunning*float64(goOn+breaks)
}

// doubtJoins doubts that all segments are there where another clock begins and the numbers in the names jump, unless counters that run on
// go on there, or recorded dates leave no time for one.
func (b *builder) doubtJoins() {
	for i := 1; i < len(b.pieces); i++ {
		x, y := b.pieces[i-1], b.pieces[i]
		if !meet(x, y) || !b.namesJump(x, y) || b.countersJoin(x, y) || b.datesJoin(x, y) {
			continue
		}
		b.find(UnknownHole, y.Segment, y.early+y.base, 0,
			"another clock begins, and the numbers in the segments' names jump; whether a segment before it is lost cannot be decided")
	}
}

// countersJoin says that counters that run on within clocks go on from one to the next.
func (b *builder) countersJoin(x, y *part) bool {
	found := b.countersFrom(x, y)
	return (b.running[media.Video] || b.running[media.Audio]) && found.goOn > 0 && found.breaks == 0
}

// datesJoin says that a part was recorded as soon as the one before it had ended.
func (b *builder) datesJoin(x, y *part) bool {
	before, behind := b.segments[x.Segment], b.segments[y.Segment]
	return !before.Began.IsZero() && !behind.Began.IsZero() && Ticks(behind.Began.Sub(before.Began))-before.Duration < minDatePause
}

// joinCounters counts the streams whose counters go on across another clock, and those whose do not.
func (b *builder) joinCounters() (goOn, breaks int) {
	if b.joins == nil {
		for i := 1; i < len(b.pieces); i++ {
			found := b.join(b.pieces[i-1], b.pieces[i])
			if found.goOn+found.breaks > 0 && (found.breaks == 0 || !b.startsAgain(found.y, b.pieces[0])) {
				b.joins = append(b.joins, found)
			}
		}
	}
	for _, each := range b.joins {
		goOn, breaks = goOn+each.goOn, breaks+each.breaks
	}
	return goOn, breaks
}

// movedCounters counts the streams whose counters go on across another clock, and not just because those of each segment
// begin with the same number.
func (b *builder) movedCounters() (moved int) {
	for _, each := range b.joins {
		if !b.startsAgain(each.y, b.pieces[0]) {
			moved += each.goOn
		}
	}
	return moved
}

// meet says that one clock ends with a part, and another one begins with the next.
func meet(x, y *part) bool {
	return x.Run != y.Run && x.Segment+1 == y.Segment && x.last && y.first
}

// join compares the counters of two pieces.
func (b *builder) join(x, y *part) join {
	if !meet(x, y) {
		return join{x: x, y: y}
	}
	return b.countersFrom(x, y)
}

// countersFrom compares the counters at the end of one part with those at the beginning of another.
func (b *builder) countersFrom(x, y *part) join {
	found := join{x: x, y: y}
	for _, kind := range kinds {
		if len(x.Slices(kind)) == 0 || len(y.Slices(kind)) == 0 {
			continue
		}
		found.count(compareCounters(b.streamAt(x, kind, true), b.streamAt(y, kind, false)))
	}
	found.count(compareFragments(b.segments[x.Segment].File.Fragments, b.segments[y.Segment].File.Fragments))
	return found
}

func (j *join) count(found counters) {
	switch found {
	case countersGoOn:
		j.goOn++
	case countersBreak:
		j.breaks++
	case countersUnknown:
	}
}

// startsAgain says that a part's counters begin as those of the recording's first part do.
func (b *builder) startsAgain(each, first *part) bool {
	if b.segments[each.Segment].File.Fragments.First != b.segments[first.Segment].File.Fragments.First {
		return false
	}
	for _, kind := range kinds {
		if len(each.Slices(kind)) == 0 || len(first.Slices(kind)) == 0 {
			continue
		}
		if b.streamAt(each, kind, false).Counters.First != b.streamAt(first, kind, false).Counters.First {
			return false
		}
	}
	return true
}
