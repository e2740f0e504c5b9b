// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Bounds for judging continuity counters.
const (
	// minBorders and minRunning say when the counters of a recording are taken to run on from segment to segment.
	minBorders = 3
	minRunning = 0.6
	// minTogether is how many counters go on at least that say so for both kinds, those of the tables among them.
	minTogether = 2
)

// counters is what the continuity counters of a stream show at a border.
type counters int

const (
	countersUnknown counters = iota
	countersGoOn
	countersBreak
)

// runningCounters says for each kind whether its counters run on across segments in this recording. In a short recording
// both kinds together say it, with those of the tables, those before other clocks, and those over segments without the kind.
// Counters that begin with the same number in each segment do not run on, or by a multiple of sixteen packets, and tell nothing.
func (b *builder) runningCounters(borders []border) map[media.Kind]bool {
	known, goOn, moves, worst := countStops(borders)
	for k, kind := range kinds {
		over := b.goOnOver(kind)
		goOn[k], known[k], moves[k] = goOn[k]+over, known[k]+over, moves[k]+over
	}
	before, after := b.joinCounters()
	goOn[0], known[0], moves[0] = goOn[0]+before, known[0]+before+after, moves[0]+b.movedCounters()
	most := func(goOn, known int) bool { return float64(goOn) >= minRunning*float64(known) }
	streams := goOn[0] + goOn[1]
	tables, _ := b.tablesGoOn(borders)
	together := moves[0]+moves[1] > 0 && streams > 0 && streams+tables >= minTogether && most(streams, known[0]+known[1]-worst)
	running := map[media.Kind]bool{}
	for k, kind := range kinds {
		few := known[k] < minBorders
		running[kind] = together && (moves[k] > 0 || few) || moves[k] > 0 && !few && most(goOn[k], known[k])
	}
	return running
}

// countStops counts for each kind the borders at which its counters are known, go on, and begin with another number than before; and
// how many counters break at the border that may be the damaged one.
func countStops(borders []border) (known, goOn, moves [len(kinds)]int, worst int) {
	for _, each := range borders {
		breaks := 0
		for _, stop := range each.stops {
			if stop.counters == countersUnknown {
				continue
			}
			k := slices.Index(kinds[:], stop.kind)
			known[k]++
			if stop.counters == countersGoOn {
				goOn[k]++
			} else {
				breaks++
			}
			if stop.moves {
				moves[k]++
			}
		}
		worst = max(worst, breaks)
	}
	return known, goOn, moves, worst
}

// compareBorder compares what two segments count through: the continuity counters of a stream, or the numbers of movie fragments.
// These jump by as many fragments as are lost, and leave a hole.
func (b *builder) compareBorder(found *stop, from, to *media.Stream, x, y *media.File) {
	if x.Container != media.FragmentMP4 || y.Container != media.FragmentMP4 {
		found.counters = compareCounters(from, to)
		found.moves = from.Counters.First != to.Counters.First
		return
	}
	found.moves = x.Fragments.First != y.Fragments.First
	if found.counters = compareFragments(x.Fragments, y.Fragments); found.counters == countersBreak && found.gap <= minHole {
		found.counters = countersUnknown
	}
}

// compareFragments compares the numbers at the end of a file with those at the beginning of another one. A recorder that begins again
// begins with a lower one.
func compareFragments(from, to media.FragmentNumbers) counters {
	switch {
	case !from.Known, !to.Known, to.First <= from.Last:
		return countersUnknown
	case to.First == from.Last+1:
		return countersGoOn
	}
	return countersBreak
}

// counted names what the segment of a part counts through.
func (b *builder) counted(each *part) string {
	if b.segments[each.Segment].File.Container == media.FragmentMP4 {
		return "numbers of the movie fragments"
	}
	return "continuity counters"
}

// goOnOver counts where the counters of a kind go on over segments that lack it, and not just because those of each segment begin
// with the same number. Those that break there say nothing: a segment between them may have lost them.
func (b *builder) goOnOver(kind media.Kind) (count int) {
	var last *part
	for _, each := range b.pieces {
		if len(each.Slices(kind)) == 0 {
			continue
		}
		if last != nil && last.Run == each.Run && last.Segment+1 < each.Segment && last.last && each.first {
			back := b.streamAt(each, kind, false)
			if compareCounters(b.streamAt(last, kind, true), back) == countersGoOn && b.streamAt(last, kind, false).Counters.First != back.Counters.First {
				count++
			}
		}
		last = each
	}
	return count
}

// tablesGoOn counts the borders at which the counters of the tables go on, and not just because those of each segment begin with the
// same number, and those at which they do not.
func (b *builder) tablesGoOn(borders []border) (goOn, breaks int) {
	for i := range borders {
		switch found, moves := b.compareTables(&borders[i]); {
		case found == countersBreak:
			breaks++
		case found == countersGoOn && moves:
			goOn++
		}
	}
	return goOn, breaks
}

// compareTables compares the counters of the tables at a border; moves: they do not begin with the same number in both segments.
func (b *builder) compareTables(each *border) (found counters, moves bool) {
	if each.x.Segment+1 != each.y.Segment {
		return countersUnknown, false
	}
	from, to := b.segments[each.x.Segment].File.TableCounters, b.segments[each.y.Segment].File.TableCounters
	return compare(from, to), from.First != to.First
}

// doubtByTables takes counters that go on over a hole for broken ones where those of the tables break, which run on elsewhere: of
// sixteen losses, one is of a multiple of sixteen packets.
func (b *builder) doubtByTables(borders []border) {
	if goOn, breaks := b.tablesGoOn(borders); goOn < minTogether || goOn < 2*breaks {
		return
	}
	for i := range borders {
		each := &borders[i]
		if found, _ := b.compareTables(each); found != countersBreak {
			continue
		}
		for k := range each.stops {
			if stop := &each.stops[k]; stop.open() && stop.counters == countersGoOn {
				stop.counters = countersBreak
			}
		}
	}
}

// compareCounters compares the counters at the end of a stream with those at the beginning of another one.
func compareCounters(from, to *media.Stream) counters {
	if from.ID != to.ID {
		return countersUnknown
	}
	return compare(from.Counters, to.Counters)
}

func compare(from, to media.Counters) counters {
	switch {
	case !from.Known, !to.Known:
		return countersUnknown
	case to.First == (from.Last+1)&15:
		return countersGoOn
	}
	return countersBreak
}

// countersOver compares the counters of a kind before and after the pieces that lack it, if its counters run on there. Over another clock,
// those that go on say so themselves, too.
func (b *builder) countersOver(before, after *part, kind media.Kind) counters {
	if before == nil || after == nil || len(before.Slices(kind)) == 0 || len(after.Slices(kind)) == 0 || !b.running[kind] || b.restartsIn(before, kind) {
		return countersUnknown
	}
	found, own := compareCounters(b.streamAt(before, kind, true), b.streamAt(after, kind, false)), 0
	if found == countersGoOn {
		own = 1
	}
	if before.Run != after.Run && !b.runOnOverClocks(own) {
		return countersUnknown
	}
	return found
}
