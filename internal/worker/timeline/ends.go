// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Bounds for judging the ends of runs.
const (
	// minShort is by how much a segment must be shorter than the playlist says before it is judged, and minShortWhole
	// the same where the playlist says whole seconds: some recorders round them up.
	minShort      = media.Clock * 3 / 10
	minShortWhole = media.Clock
	// minNearest is how many durations that are too short show that whole seconds are not rounded up.
	minNearest = 2
	// minHabit is how many segments that end short show that pictures may stand still at the end of one.
	minHabit = 3
)

// judgeEnds looks at the last segment of each run, which nothing follows with the same clock, and at streams that have no
// more than the beginning of a packet in any segment.
func (b *builder) judgeEnds() {
	for _, each := range b.pieces {
		b.judgeBegun(each)
		if each.last && b.after(each) == nil && b.segments[each.Segment].File.Container != media.MP4 {
			b.judgeEnd(each)
		}
	}
}

func (b *builder) judgeEnd(each *part) {
	segment := b.segments[each.Segment]
	cut, kind := b.endsCut(each)
	if cut == media.TailUnfinished {
		b.find(SegmentTruncated, each.Segment, each.late+each.base, 0, "its end is lost: the last %s packet is not whole", kind)
		return
	}
	short := b.missing(each)
	tolerance := b.shortTolerance(each, b.leastShort(each.Segment), 4)
	if cut == media.TailUnstuffed && segment.Precision <= exactly {
		tolerance = b.shortTolerance(each, minHole, 3) // that it is short is not the only evidence
	}
	compares := segment.isListed() && !b.mixed[each.Run] && !b.holdOneFragment()
	if !compares || short <= tolerance {
		b.doubtLast(each, cut, kind, short, compares)
		return
	}
	at := each.late + each.base
	switch {
	case cut == media.TailUnstuffed, b.soundEndsToo(each) && !b.isNominal(each):
		b.find(SegmentTruncated, each.Segment, at, short, "its end is lost: it holds %s, the playlist says %s",
			position(each.late-each.early), position(segment.Duration))
	case b.othersEndShort(each):
		b.find(Freeze, each.Segment, at, short, "no picture for the last %s", position(short))
	default:
		b.doubtShort(each, short)
	}
}

// holdOneFragment says that every segment is one movie fragment, which is there as a whole or not at all.
func (b *builder) holdOneFragment() bool {
	if b.oneFragment == nil {
		count := 0
		for i := range b.segments {
			if file := b.segments[i].File; file != nil && file.Container == media.FragmentMP4 && file.Fragments.Known && file.Fragments.First == file.Fragments.Last {
				count++
			}
		}
		b.oneFragment = new(count >= minBorders && count == len(b.segments))
	}
	return *b.oneFragment
}

// doubtLast finds an end that may have gone on, where nothing shows a loss: a last picture that may not be whole, since one whole packet
// in 184 ends as it does, or pictures that are missing to what is usual in the recording. Frames of sound say how long they are. The piece is
// short by so much, if it can be compared with the playlist.
func (b *builder) doubtLast(each *part, cut media.Tail, kind media.Kind, short int64, compares bool) {
	end := each.late + each.base
	if cut == media.TailUnstuffed && kind == media.Video {
		found := b.find(UnknownTail, each.Segment, end, 0,
			"the last picture may not be whole: its packet does not say how long it is, and nothing is behind it; whether something is lost cannot be decided")
		if found != nil {
			found.Decoding = b.streamAt(each, kind, true).Codec
		}
		return
	}
	if b.countersGoOnBehind(each) {
		return
	}
	if at, length := b.lacksReordered(each); length > 0 {
		b.find(UnknownTail, each.Segment, at+each.base, length,
			"no picture is shown for %s shortly before the last one, where those are shown that are decoded last; whether something is lost cannot be decided", position(length))
		return
	}
	// Some recorders begin a segment with sound of the one before, and count it.
	short -= max(0, each.start-each.early)
	if compares && b.isLessThanUsual(each, short) {
		b.doubtShort(each, short)
	}
}

// doubtShort finds an end that comes before the one in the playlist.
func (b *builder) doubtShort(each *part, short int64) {
	b.find(UnknownTail, each.Segment, each.late+each.base, short,
		"it holds %s, the playlist says %s; it ends cleanly, so whether something is lost cannot be decided",
		position(each.late-each.early), position(b.segments[each.Segment].Duration))
}

// isLessThanUsual says that a segment holds a picture or a frame of sound less than the playlist says, which is exact elsewhere. Pictures
// that do not follow one another at one rate tell nothing: the last one may be shown for longer than others.
func (b *builder) isLessThanUsual(each *part, short int64) bool {
	if b.segments[each.Segment].Precision > exactly || short <= b.shortTolerance(each, exactly, 3) || !b.durationsAreExact() {
		return false
	}
	_, last, ok := each.ends(media.Video)
	return !ok || last.intervals >= fewIntervals && isSteady(last.longest, last.interval) && short*4 > last.interval*3
}

// isSteady says that an interval is the usual one, but for rounding.
func isSteady(interval, usual int64) bool { return distance(interval, usual)*4 <= usual }

// judgeBegun finds a stream whose only packet is not whole in a segment, and does not go on in the next one.
func (b *builder) judgeBegun(each *part) {
	for _, stream := range b.segments[each.Segment].File.Streams {
		if !each.last || stream.Kind == media.Data || stream.Packets.Count > 0 || stream.Tail != media.TailUnfinished {
			continue
		}
		if next := each.Segment + 1; next < len(b.segments) && b.segments[next].File != nil &&
			slices.ContainsFunc(b.segments[next].File.Streams, func(s media.Stream) bool { return s.ID == stream.ID && s.HeadBytes > 0 }) {
			continue
		}
		b.find(SegmentTruncated, each.Segment, each.late+each.base, 0, "its end is lost: its only %s packet is not whole", stream.Kind)
	}
}

// missing is by how much a piece holds less than the playlist says, without what is lost of its beginning.
func (b *builder) missing(each *part) int64 {
	return b.segments[each.Segment].Duration - each.lost - (each.late - each.start)
}

// endsCut says how the streams of a piece end: the worst of them. Where the counters go on behind it, nothing is missing behind
// a full packet.
func (b *builder) endsCut(each *part) (worst media.Tail, of media.Kind) {
	for _, kind := range kinds {
		if len(each.Slices(kind)) == 0 {
			continue
		}
		if tail := b.streamAt(each, kind, true).Tail; tail > worst {
			worst, of = tail, kind
		}
	}
	if worst == media.TailUnstuffed && b.countersGoOnBehind(each) {
		return media.TailWhole, of
	}
	return worst, of
}

// countersGoOnBehind says that the counters of all streams go on in the next segment, whatever its clock, and not just because those
// of each segment begin with the same number.
func (b *builder) countersGoOnBehind(each *part) bool {
	next := each.Segment + 1
	if !each.last || next >= len(b.partsOf) || len(b.partsOf[next]) == 0 || b.startsAgain(b.partsOf[next][0], b.parts[0]) {
		return false
	}
	found := b.countersFrom(each, b.partsOf[next][0])
	return found.goOn > 0 && found.breaks == 0
}

// leastShort is by how much a segment is at least shorter than the playlist says when that is no rounding.
func (b *builder) leastShort(segment int) int64 {
	switch {
	case b.segments[segment].Precision < media.Clock:
		return minShort
	case b.roundsToNearest():
		return minShort + media.Clock/2
	}
	return minShortWhole
}

// roundsToNearest says that the playlist gives segments durations in whole seconds that are up to half a second too short, and
// more often so than it gives longer ones than half a second explains.
func (b *builder) roundsToNearest() bool {
	if b.nearest == nil {
		short, long := 0, 0
		for i, each := range b.parts[:max(0, len(b.parts)-1)] {
			after := b.parts[i+1]
			if !each.first || !after.first || after.Segment != each.Segment+1 || b.segments[after.Segment].Discontinuity {
				continue
			}
			switch beyond := b.clockDistance(each.early, after.early, each) - b.segments[each.Segment].Duration; {
			case beyond > exactly && beyond <= media.Clock/2+exactly:
				short++
			case beyond < -media.Clock/2-exactly:
				long++
			}
		}
		b.nearest = new(short >= minNearest && short > long)
	}
	return *b.nearest
}

// shortTolerance is by how much a segment may be shorter than the playlist says: so much at least, and so many halves of
// an interval between packets.
func (b *builder) shortTolerance(each *part, tolerance, halves int64) int64 {
	for _, piece := range []*part{each, b.pieceBefore(each)} {
		if piece == nil || piece != each && each.hasRate() {
			continue
		}
		// The kind with the shorter intervals says how exactly the end is known.
		least := int64(0)
		for _, kind := range kinds {
			if _, last, ok := piece.ends(kind); ok && (least == 0 || last.interval < least) {
				least = last.interval
			}
		}
		tolerance = max(tolerance, halves*least/2)
	}
	return tolerance
}

// hasRate says that the part has enough packets of each kind to tell how fast they follow one another.
func (p *part) hasRate() bool {
	for _, kind := range kinds {
		if _, last, ok := p.ends(kind); ok && last.intervals < fewIntervals {
			return false
		}
	}
	return true
}

func (b *builder) pieceBefore(each *part) *part {
	if each.number > 0 {
		return b.pieces[each.number-1]
	}
	return nil
}

func (b *builder) pieceAfter(each *part) *part {
	if next := each.number + 1; next < len(b.pieces) {
		return b.pieces[next]
	}
	return nil
}

// soundEndsToo says that the piece has sound that goes on without a hole and ends where the piece ends: nobody was
// silent, so the recording was cut.
func (b *builder) soundEndsToo(each *part) bool {
	first, last, ok := each.ends(media.Audio)
	if !ok || b.slowPictureLasts(each) || each.late-last.end > minShort || (each.late-each.early)*10 < b.segments[each.Segment].Duration {
		return false // what is left is too short to say that nobody was silent
	}
	return max(first.longest, last.longest) <= max(minHole, 2*last.interval)
}

// slowPictureLasts says that a piece has no picture, and that the last one before it may be shown up to where the playlist says
// that the piece ends: pictures that follow one another slowly do so unevenly.
func (b *builder) slowPictureLasts(each *part) bool {
	before := b.pieceBefore(each)
	if len(each.Video) > 0 || before == nil || before.Run != each.Run {
		return false
	}
	_, last, ok := before.ends(media.Video)
	return ok && each.start+b.segments[each.Segment].Duration-last.greatest <= 3*last.interval
}

// isNominal says that the playlist gives the last segment the same duration as every other one: a recorder that writes
// the duration that it aims at does so for the last segment, too, which holds less.
func (b *builder) isNominal(each *part) bool {
	if each.Segment != len(b.segments)-1 || len(b.segments) < minBorders {
		return false
	}
	return !slices.ContainsFunc(b.segments, func(s Segment) bool { return s.Duration != b.segments[0].Duration })
}

// othersEndShort says that most other segments, and several of them, hold less than the playlist says as well, as those of a
// screen do that does not change.
func (b *builder) othersEndShort(each *part) bool {
	if b.whole == 0 {
		for _, piece := range b.pieces {
			if piece.first && piece.last {
				b.whole++
				b.endShort += b.endsShort(piece)
			}
		}
	}
	short, others := b.endShort, b.whole
	if each.first && each.last {
		short, others = short-b.endsShort(each), others-1
	}
	return short >= minHabit && short*2 > others
}

// endsShort is 1 for a piece that holds less than the playlist says, and 0 for others.
func (b *builder) endsShort(each *part) int {
	if b.missing(each) > b.leastShort(each.Segment) {
		return 1
	}
	return 0
}
