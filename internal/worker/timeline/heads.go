// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import "sparkrtc.dev/recording-operator/internal/media"

// judgeHeads finds segments whose beginning is lost: they begin within a packet whose start is nowhere, or with a
// picture that is no key frame although the other segments begin with one, and packets are missing there.
func (b *builder) judgeHeads() {
	heads := b.countHeads(b.pieces)
	for _, each := range b.pieces {
		if each.first && b.segments[each.Segment].isListed() {
			b.judgeHead(each, heads)
		}
	}
}

// judgeHead judges the beginning of one segment.
func (b *builder) judgeHead(each *part, heads heads) {
	switch {
	case b.beginsWithin(each) && (!each.fresh || b.lacksBegin(each)):
		b.find(SegmentTruncated, each.Segment, each.early+each.base, 0,
			"its beginning is lost: it begins within a packet whose start is not there")
	case each.fresh && b.lacksTables(each) && (each.lost > 0 || b.lacksBegin(each)):
		b.find(SegmentTruncated, each.Segment, each.early+each.base, 0,
			"its beginning is lost: it does not begin with the tables of the transport stream, as the other segments do")
	case b.beginningOf(each) == beginningLost:
		b.find(SegmentTruncated, each.Segment, each.early+each.base, 0,
			"its beginning is lost: its continuity counters begin with another number than those of the other segments")
	case heads.oddly(each) && b.lacksPictures(each) && b.beginningOf(each) != beginningWhole:
		b.judgeOddHead(each, heads)
	case each.fresh:
		b.judgeFreshHead(each, heads)
	}
}

// judgeOddHead judges a segment that does not begin with a key frame, as others do, and lacks pictures.
func (b *builder) judgeOddHead(each *part, heads heads) {
	if b.isInRounding(each) {
		b.find(UnknownHole, each.Segment, each.early+each.base, 0,
			"it does not begin with a key frame, as the other segments do; the playlist's durations are too coarse to say whether its beginning is lost")
		return
	}
	b.find(SegmentTruncated, each.Segment, each.early+each.base, 0,
		"its beginning is lost: it does not begin with a key frame%s", heads.others())
}

// judgeFreshHead judges the beginning of a segment with which a clock begins.
func (b *builder) judgeFreshHead(each *part, heads heads) {
	switch {
	case heads.alone(each):
		b.find(UnknownHole, each.Segment, each.early+each.base, 0,
			"it does not begin with a key frame, as all other segments do; whether its beginning is lost cannot be decided")
	case b.lacksTables(each):
		b.find(UnknownHole, each.Segment, each.early+each.base, 0,
			"it does not begin with the tables of the transport stream, as all other segments do; whether its beginning is lost cannot be decided")
	case each.lost > 0 && !b.showsLoss(each):
		b.find(UnknownHole, each.Segment, each.early+each.base, 0,
			"it holds less than the playlist says, and what follows is in time; whether its beginning is lost cannot be decided")
	}
}

// lacksTables says that a segment does not begin with the tables of the transport stream, although all others do.
func (b *builder) lacksTables(each *part) bool {
	if file := b.segments[each.Segment].File; file.Container != media.MPEGTS || file.TablesFirst || !each.first {
		return false
	}
	if b.tablesFirst == nil {
		b.tablesFirst = new(int)
		for _, segment := range b.segments {
			if segment.File != nil && len(segment.File.Streams) > 0 && (segment.File.TablesFirst || segment.File.Container != media.MPEGTS) {
				*b.tablesFirst++
			}
		}
	}
	return *b.tablesFirst >= minOthers && *b.tablesFirst == len(b.segments)-1
}

// heads counts what segments with pictures begin with.
type heads struct {
	keys, all int
}

// countHeads counts those of the pieces, or of all parts while these have no places.
func (b *builder) countHeads(parts []*part) (found heads) {
	for _, each := range parts {
		if first, _, ok := each.ends(media.Video); ok && each.first && b.segments[each.Segment].isListed() {
			found.all++
			if first.key {
				found.keys++
			}
		}
	}
	return found
}

// oddly says that a segment does not begin with a key frame although most others do. Where a clock begins, there must
// be one.
func (h heads) oddly(each *part) bool {
	first, _, ok := each.ends(media.Video)
	if !ok || first.key {
		return false
	}
	others := h.all - 1
	return each.fresh || others >= minOthers && h.keys*4 >= others*3
}

// others says, behind what a segment lacks, that others have it.
func (h heads) others() string {
	if h.keys == 0 {
		return ""
	}
	return ", as the other segments do"
}

// alone says that all other segments, and not this one, begin with a key frame.
func (h heads) alone(each *part) bool {
	return h.keys >= minOthers && h.keys == h.all-1 && h.oddly(each)
}

// minOthers is how many other segments show a habit of the recorder.
const minOthers = 2

// beginsWithin says that a segment begins with the rest of a packet that did not begin in the segment before.
func (b *builder) beginsWithin(each *part) bool {
	if b.segments[each.Segment].File.Container != media.MPEGTS {
		return false
	}
	before := b.pieceBefore(each)
	for _, kind := range kinds {
		if len(each.Slices(kind)) == 0 {
			continue
		}
		rest := b.streamAt(each, kind, false)
		if rest.HeadBytes == 0 {
			continue
		}
		if each.fresh || before == nil {
			return true
		}
		if before.Segment+1 != each.Segment || !before.last {
			continue // it may have begun in a segment that is not there
		}
		if from := b.lastBefore(each, kind); from == nil || from.ID == rest.ID && from.Tail == media.TailWhole {
			return true
		}
	}
	return false
}

// lastBefore is the last stream of a kind before a piece in its run; nil: there is none.
func (b *builder) lastBefore(each *part, kind media.Kind) *media.Stream {
	for before := b.pieceBefore(each); before != nil && before.Run == each.Run; before = b.pieceBefore(before) {
		if len(before.Slices(kind)) > 0 {
			return b.streamAt(before, kind, true)
		}
	}
	return nil
}

// lacksBegin says that a piece with which a clock begins holds less than the playlist says.
func (b *builder) lacksBegin(each *part) bool {
	end := each.late
	if after := b.after(each); after != nil {
		end = after.early
	}
	least := int64(0)
	for _, kind := range kinds {
		if first, _, ok := each.ends(kind); ok && (least == 0 || first.interval < least) {
			least = first.interval
		}
	}
	return b.segments[each.Segment].Duration-(end-each.early) > max(2*least, minHole)
}

// lacksPictures says that pictures are missing before a piece: after the piece before, or, where a clock begins, by the
// playlist.
func (b *builder) lacksPictures(each *part) bool {
	first, _, _ := each.ends(media.Video)
	before := b.pieceBefore(each)
	if each.fresh || before == nil { // one that belongs before all others, though the playlist names it later, is not fresh
		return b.lacksBegin(each)
	}
	_, last, ok := before.ends(media.Video)
	if !ok || b.segments[each.Segment].File.Container != media.MPEGTS || b.isInTime(each, first.begin, first.firstDTS-last.lastDTS) || b.beginsWithSound(before, each) {
		return false // a segment of another container without its beginning cannot be read
	}
	return first.firstDTS-last.lastDTS > last.interval*3/2 && !b.stoodStill(before, each) && b.lostMore(before, each)
}

// isInTime says that the pictures of a segment begin just where the playlist says that it begins, counted from one of the
// segments before it: a recorder may cut between two packets, so that a segment begins a little before its first one. That
// tells a pause from a loss, but not single pictures, so that behind a shorter gap the last segment alone counts.
func (b *builder) isInTime(each *part, begin, gap int64) bool {
	counted := 4
	if gap < maxOverlap {
		counted = 1
	}
	named := int64(0)
	for range counted {
		before := b.pieceBefore(each)
		if before == nil || before.Run != each.Run || before.Segment+1 != each.Segment || !before.first || b.segments[before.Segment].Precision > exactly {
			return false
		}
		named += b.segments[before.Segment].Duration
		if distance(begin, before.start+named) <= exactly {
			return true
		}
		each = before
	}
	return false
}

// beginsWithSound says that a segment begins just where the playlist says, with sound that the one before it lacks, or that
// has ended there long before: the recorder began it for that.
func (b *builder) beginsWithSound(before, each *part) bool {
	sound, _, ok := each.ends(media.Audio)
	opens := each.opens()
	if !ok || sound.begin != opens || before.Segment+1 != each.Segment || !before.first {
		return false
	}
	own := b.segments[before.Segment]
	if _, last, sounds := before.ends(media.Audio); sounds && (own.Precision > exactly || sound.begin-last.end < maxOverlap) {
		return false
	}
	return distance(opens, before.start+own.Duration) <= max(exactly, own.Precision)
}

// isInRounding says that a segment begins where the playlist says, whose durations are whole seconds. One with sound must do so behind
// a pause that is longer than what rounding hides.
func (b *builder) isInRounding(each *part) bool {
	before := b.pieceBefore(each)
	if each.fresh || before == nil || before.Segment+1 != each.Segment || !before.first {
		return false
	}
	own := b.segments[before.Segment]
	if len(each.Audio) > 0 && each.early-before.late < 2*own.Precision {
		return false
	}
	return own.Precision > exactly && distance(each.early, before.start+own.Duration) <= own.Precision
}

// lostMore says that a gap between the pictures of two pieces is more than their rate explains: the sound has a hole
// too, or no other interval in them is as long; and no counters go on across it.
func (b *builder) lostMore(x, y *part) bool {
	video, _ := b.stop(x, y, media.Video)
	audio, ok := b.stop(x, y, media.Audio)
	if b.running[media.Video] && video.counters == countersGoOn {
		return false
	}
	first, _, _ := y.ends(media.Video)
	_, last, _ := x.ends(media.Video)
	gap := first.firstDTS - last.lastDTS
	if ok && audio.open() {
		return gap*5 > max(first.interval, last.lastInterval)*6
	}
	return gap*5 > b.longestAround(x, y, first, last)*6 && gap*10 > max(first.interval, last.interval)*18 && !isOffBeat(gap, first, last)
}

// longestAround is the longest interval between pictures in two pieces, or, where these have few pictures, one that may be among
// those around them: pictures that come unevenly differ by more than few of them show.
func (b *builder) longestAround(x, y *part, first, last *stats) int64 {
	const few = 6
	longest := max(first.longest, last.longest)
	if first.intervals+last.intervals >= few {
		return longest
	}
	if before := b.pieceBefore(x); before != nil && before.Run == x.Run {
		if _, other, ok := before.ends(media.Video); ok {
			longest = max(longest, other.longest)
		}
	}
	if after := b.after(y); after != nil {
		if other, _, ok := after.ends(media.Video); ok {
			longest = max(longest, other.longest)
		}
	}
	return longest * 5 / 4
}

// isOffBeat says that a gap between pictures that come at one even rate is none of whole intervals, as lost ones would leave.
func isOffBeat(gap int64, first, last *stats) bool {
	const even = 8 // an interval is like another if they differ by less than this part of it
	interval := last.interval
	for _, other := range []int64{last.longest, first.interval, first.longest} {
		if distance(other, interval)*even >= interval {
			return false
		}
	}
	beyond := gap % interval
	return min(beyond, interval-beyond)*4 > interval
}

// stoodStill says that the second of two pieces begins with sound alone, or that the sound goes on between them while there
// is no picture, for longer than what lies between picture and sound in a file: a loss would have taken both.
func (b *builder) stoodStill(x, y *part) bool {
	picture, _, _ := y.ends(media.Video)
	sound, _, ok := y.ends(media.Audio)
	if ok && picture.firstDTS-sound.firstDTS > maxOverlap {
		return true
	}
	video, _ := b.stop(x, y, media.Video)
	audio, ok := b.stop(x, y, media.Audio)
	return ok && !audio.open() && video.gap > maxOverlap
}
