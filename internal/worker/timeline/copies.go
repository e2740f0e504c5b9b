// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"math"
	"slices"
)

// judgeCopies finds segments whose file is a copy of another one's. Equal bytes alone prove nothing, since a source may repeat
// itself. Of equal files, that one stays for which most says that it is where it belongs.
func (b *builder) judgeCopies() {
	if len(b.recording.Starts) > 0 {
		return // their places are known
	}
	for _, equal := range b.equalParts() {
		b.judgeEqual(equal)
	}
}

// equalParts lists parts that have the same bytes, each list in the order of the playlist.
func (b *builder) equalParts() (lists [][]int) {
	first := map[[32]byte]int{}
	b.same = make([]int, len(b.parts))
	found := map[int][]int{}
	for i, each := range b.parts {
		file := b.segments[each.Segment].File
		b.same[i] = i
		if !each.first || !each.last || file.SHA256 == [32]byte{} || isTimeless(file) {
			continue // a part of a file, or sound without a time
		}
		if known, ok := first[file.SHA256]; ok {
			b.same[i] = known
		} else {
			first[file.SHA256] = i
		}
		found[b.same[i]] = append(found[b.same[i]], i)
	}
	for i := range b.parts {
		if len(found[i]) > 1 {
			lists = append(lists, found[i])
		}
	}
	return lists
}

// judgeEqual judges parts that have the same bytes.
func (b *builder) judgeEqual(equal []int) {
	best, evidence := 0, make([]evidenceOfPlace, len(equal))
	for i, index := range equal {
		evidence[i] = b.placeOf(index)
		if evidence[i].compare(evidence[best], equal[best]+i-best == index) > 0 {
			best = i
		}
	}
	for i, index := range equal {
		beside := i > 0 && equal[i-1] == index-1
		repeats := i > 0 && b.repeats(equal[i-1], index) || i+1 < len(equal) && b.repeats(index, equal[i+1])
		if i != best && !repeats {
			b.judgeTwin(b.parts[index], b.parts[equal[best]], beside || evidence[i].isLess(evidence[best]))
		}
	}
}

// judgeTwin judges a part that has the bytes of another one, for whose place there is at least as much evidence.
func (b *builder) judgeTwin(each, twin *part, copied bool) {
	if !copied {
		each.twin = twin
		return
	}
	each.dropped = SegmentDuplicated
	b.later(each, SegmentDuplicated, 0, 0, "its file is a copy of segment %d, so what belongs here is lost or there is one file too many", twin.Segment)
}

// repeats says that parts beside two equal ones are equal, too, as far from each other: the source repeats itself. The next ones may
// be damaged, or lost.
func (b *builder) repeats(i, j int) bool {
	away := b.parts[j].Segment - b.parts[i].Segment
	if away < 2 {
		return false
	}
	for k := max(0, i-2); k < min(i+3, len(b.parts)); k++ {
		for l := max(0, j-2); l < min(j+3, len(b.parts)); l++ {
			if k != i && b.same[k] == b.same[l] && b.parts[l].Segment-b.parts[k].Segment == away {
				return true
			}
		}
	}
	return false
}

// evidenceOfPlace is what says that a part is where it belongs, and that it is not.
type evidenceOfPlace struct {
	// neighbors counts the parts beside it with which it makes one clock, and breaks those with which it does not.
	neighbors, breaks int
	// duration is 1 when the part is as long as the playlist says, and -1 when it is not.
	duration int
	// counters is how many continuity counters go on from and to its neighbors, less those that do not.
	counters int
	// begins says that it begins a clock.
	begins bool
}

// compare is greater than 0 when there is more evidence than for another place. Of two that lie beside each other, the second is
// the copy, unless the clocks say otherwise: the first may have been followed by a pause.
func (e evidenceOfPlace) compare(other evidenceOfPlace, beside bool) int {
	clocks, others := e.neighbors-e.breaks, other.neighbors-other.breaks
	if beside {
		return cmp.Compare(clocks, others)
	}
	return cmp.Or(cmp.Compare(clocks+e.duration, others+other.duration), cmp.Compare(e.neighbors, other.neighbors),
		cmp.Compare(e.counters, other.counters))
}

// isLess says that there is so much less evidence than for another place that the part is a copy. A source that repeats itself
// begins clocks with equal bytes, and nothing speaks against either.
func (e evidenceOfPlace) isLess(other evidenceOfPlace) bool {
	mayRepeat := e.begins && other.begins && e.breaks == 0 && e.duration >= 0 && e.counters >= 0
	return !mayRepeat && e.compare(other, false) < 0
}

// placeOf is the evidence for the place of a part. Its neighbors are those that have other bytes.
func (b *builder) placeOf(index int) (found evidenceOfPlace) {
	found.begins = index == 0 || b.isAnnounced(b.parts[index-1], b.parts[index])
	before, after := index-1, index+1
	for before >= 0 && b.same[before] == b.same[index] {
		before--
	}
	for after < len(b.parts) && b.same[after] == b.same[index] {
		after++
	}
	if before >= 0 {
		found.note(b, b.parts[before], b.parts[index])
	}
	if after < len(b.parts) {
		found.note(b, b.parts[index], b.parts[after])
	}
	each := b.parts[index]
	own := b.segments[each.Segment]
	tolerance := minHole + own.Precision
	switch miss := distance(own.Duration, each.late-each.opens()); {
	case b.outlastsDates(each):
		found.duration = -1
	case !own.isListed():
	case miss <= tolerance:
		found.duration = 1
	case miss > 2*tolerance:
		found.duration = -1
	}
	return found
}

// outlastsDates says that a part is longer than the time until its next segment was begun, as the recorded dates say. That a pause is
// part of that time makes it no shorter.
func (b *builder) outlastsDates(each *part) bool {
	if each.Segment+1 >= len(b.segments) {
		return false
	}
	now, then := b.segments[each.Segment].Began, b.segments[each.Segment+1].Began
	return !now.IsZero() && !then.IsZero() && each.late-each.opens()-Ticks(then.Sub(now)) > minShortWhole
}

// note takes a neighbor. Counters that begin again in each segment, or with each clock, say nothing.
func (e *evidenceOfPlace) note(b *builder, x, y *part) {
	if found := b.countersFrom(x, y); x.Segment+1 == y.Segment && !b.startsAgain(y, b.parts[0]) {
		e.counters += found.goOn - found.breaks
	}
	switch {
	case b.isAnnounced(x, y):
	case b.leadsTo(x, y):
		e.neighbors++
	default:
		e.breaks++
	}
}

// isAnnounced says that the playlist announces another clock between two parts.
func (b *builder) isAnnounced(x, y *part) bool {
	return slices.ContainsFunc(b.segments[x.Segment+1:y.Segment+1], func(s Segment) bool { return s.Discontinuity })
}

// leadsTo says that a part goes on with the clock of one before it: where its streams end and the time between has passed, or
// where the playlist says.
func (b *builder) leadsTo(x, y *part) bool {
	late, slow := b.lateBehind(x, y)
	if late < -minStep {
		return false
	}
	named, tolerance := int64(0), int64(minHole)
	for _, s := range b.segments[x.Segment:y.Segment] {
		named, tolerance = named+s.Duration, tolerance+s.Precision
	}
	between := named - b.segments[x.Segment].Duration
	return distance(late, between) <= minHole+slow || x.first && named > 0 && b.missesBegin(x, y, named) <= tolerance
}

// lateBehind is how late a part begins behind the streams of another one: the least of both kinds. slow is how long the last packet
// may last beyond what that counts.
func (b *builder) lateBehind(x, y *part) (late, slow int64) {
	late = int64(math.MaxInt64)
	for _, kind := range kinds {
		_, last, ends := x.ends(kind)
		if first, _, begins := y.ends(kind); ends && begins {
			late = min(late, b.clockDistance(last.due(), first.firstDTS, y))
			slow = max(slow, last.lastInterval-minStep)
		}
	}
	if late == math.MaxInt64 { // no kind is in both
		late = b.clockDistance(x.lastShown(), y.early, y)
	}
	return late, slow
}

// missesBegin is by how much a part misses the time at which the playlist says that it begins behind another one.
func (b *builder) missesBegin(x, y *part, named int64) int64 {
	return min(distance(b.clockDistance(x.opens(), y.opens(), y), named), distance(b.clockDistance(x.early, y.early, y), named))
}

// doubtTwins finds segments with the bytes of another one that both may be where they belong.
func (b *builder) doubtTwins() {
	for _, each := range b.parts {
		if each.twin != nil && each.dropped == "" && each.twin.dropped == "" {
			b.find(UnknownHole, each.Segment, each.early+each.base, 0,
				"its file is a copy of segment %d; whether one of them is another's cannot be decided", each.twin.Segment)
		}
	}
}
