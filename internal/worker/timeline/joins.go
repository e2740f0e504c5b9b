// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

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
	goOn, breaks := b.joinCounters()
	if goOn < minTogether || float64(goOn) < minRunning*float64(goOn+breaks) {
		return
	}
	for _, each := range b.joins {
		if each.breaks > 0 {
			b.find(PacketsLost, each.x.Segment, each.x.late+each.x.base, 0,
				"packets are lost at its end: the %s do not go on, as they do before other clocks", b.counted(each.y))
		}
	}
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

// join compares the counters of two pieces.
func (b *builder) join(x, y *part) join {
	if x.Run == y.Run || x.Segment+1 != y.Segment || !x.last || !y.first {
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
