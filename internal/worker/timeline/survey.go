// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// part is a piece while it is being judged.
type part struct {
	Piece
	// first says that the part begins its segment, and last that it ends it: most segments are one part.
	first, last bool
	// early is the least time of the part, and late its end, in the clock of its file, wraps resolved.
	early, late int64
	// begins is where the part goes on behind the one before: early, unless pictures in it are shown before the end of that
	// one. start is where it begins by the playlist: begins, unless its beginning is lost.
	begins, start int64
	// lost is how much of its beginning is lost where a clock begins.
	lost int64
	// order is where the part stands in its run.
	order int64
	// number of the part in builder.pieces.
	number int
	// fresh says that the part begins a run.
	fresh bool
	// dropped says why the part is not in the result; empty: it is.
	dropped Type
	// twin has the same bytes, and both may be where they belong; nil: there is none.
	twin *part
	// misplaced says that the part lies before parts that the playlist names first.
	misplaced bool
}

// survey looks at each segment alone: which streams belong to the result, and where their clocks go back.
func (b *builder) survey() {
	b.partsOf = make([][]*part, len(b.segments))
	for i, segment := range b.segments {
		if segment.File == nil {
			continue
		}
		var found [len(kinds)][]Slice
		for k, kind := range kinds {
			found[k] = b.choose(i, kind)
		}
		b.leaveOutLeaps(i, found[0], found[1])
		b.leaveOutLeaps(i, found[1], found[0])
		b.partsOf[i] = b.leaveOutRepeats(b.divide(i, found[0], found[1]))
		b.parts = append(b.parts, b.partsOf[i]...)
		b.forgetEdges(i)
	}
	b.showFirstPictures()
	b.settleIntervals()
}

// settleIntervals gives parts with few pictures the interval of those before: their own may be a pause, and a single picture
// has none. Other containers say how long the last one is shown.
func (b *builder) settleIntervals() {
	var rate rate
	for _, each := range b.parts {
		first, last, ok := each.ends(media.Video)
		if b.segments[each.Segment].Discontinuity && each.first {
			rate.forgetUnless(ok, first)
		}
		if !ok || b.segments[each.Segment].File.Container != media.MPEGTS {
			continue
		}
		usual := rate.next(first, last)
		if usual == 0 && last.intervals == 1 && last.lastInterval > minFreeze { // its own interval is a still
			if end, known := b.namedEnd(each); known && end > last.greatest {
				usual = end - last.greatest
			}
		}
		if last.intervals < fewIntervals && usual > 0 && (last.lastInterval == 0 || last.lastInterval > 2*usual) {
			last.end += usual - last.lastInterval
			last.interval, last.lastInterval = usual, usual
			each.measure()
		}
	}
}

// namedEnd is where a segment ends by an exact playlist.
func (b *builder) namedEnd(each *part) (at int64, known bool) {
	own := b.segments[each.Segment]
	if !each.first || !each.last || !own.isListed() || own.Precision > exactly {
		return 0, false
	}
	return each.early + own.Duration, true
}

// rate is what is known of how fast pictures follow one another.
type rate struct {
	// known is the interval of the last part with some. guess is that of the last part with any, or else what lay between the last
	// two parts; 0: not known.
	known, guess int64
	before       *stats
	// reordered says that the clock began with a picture that is shown after others, and pictures counts those since.
	reordered bool
	pictures  int
}

// forgetUnless forgets the rate where the playlist announces another clock, unless there is a picture, and it is where it was expected:
// the other clock does not come.
func (r *rate) forgetUnless(known bool, first *stats) {
	if !known || r.before == nil || distance(first.firstDTS, r.before.next()) > minStep {
		*r = rate{}
	}
}

// next takes the pictures of a part, and gives the usual interval before them; 0: it is not known. Where segments have few
// pictures, what lies within and between them tells it: of two intervals, the one that is no pause. The first pictures of a clock
// may be decoded in haste, before those that are shown first.
func (r *rate) next(first, last *stats) int64 {
	usual, gap := r.known, int64(0)
	if r.before != nil {
		gap = first.firstDTS - r.before.lastDTS
	} else {
		r.reordered = first.firstPTS > first.firstDTS
	}
	r.pictures += last.intervals + 1
	hasty := r.reordered && r.pictures <= 3*fewIntervals
	if usual == 0 && r.guess > 0 && gap > 0 {
		usual = min(r.guess, gap)
	}
	r.guess = gap
	switch {
	case hasty:
		r.guess = 0
	case last.intervals >= fewIntervals:
		r.known, r.guess = last.interval, last.interval
	case last.intervals > 0:
		r.guess = last.interval
	}
	r.before = last
	return usual
}

// choose finds the slices of a kind in a segment. Streams of one kind that follow one another, as after a change of
// PIDs, are slices of one track; of those that run side by side, the one that was chosen before goes on.
func (b *builder) choose(segment int, kind media.Kind) []Slice {
	streams := b.segments[segment].File.Streams
	var candidates []int
	for i, stream := range streams {
		if stream.Kind == kind && stream.Packets.Count > 0 && stream.Default {
			candidates = append(candidates, i)
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	main := candidates[0]
	for _, candidate := range candidates {
		if id, chosen := b.chosen[kind]; chosen && streams[candidate].ID == id {
			main = candidate
		}
	}
	found := []Slice{b.slice(segment, main)}
	for _, candidate := range candidates {
		if candidate == main {
			continue
		}
		if other := b.slice(segment, candidate); apart(found, other) {
			found = append(found, other)
		} else {
			b.ignore(segment, candidate)
		}
	}
	slices.SortStableFunc(found, func(a, b Slice) int { return cmp.Compare(a.stats.firstDTS, b.stats.firstDTS) })
	b.chosen[kind] = streams[found[len(found)-1].Stream].ID
	return found
}

// maxOverlap is how far streams may overlap that follow one another: the new one may begin before the old one ends.
const maxOverlap = media.Clock / 2

// apart says that a slice follows or precedes all others.
func apart(others []Slice, slice Slice) bool {
	return !slices.ContainsFunc(others, func(other Slice) bool {
		x, y := slice.stats, other.stats
		overlap := min(x.lastDTS, y.lastDTS) - max(x.firstDTS, y.firstDTS)
		shorter := min(x.lastDTS-x.firstDTS, y.lastDTS-y.firstDTS)
		return overlap >= 0 && overlap >= min(maxOverlap, shorter/2)
	})
}

// ignore says once for each stream that it is not in the result.
func (b *builder) ignore(segment, stream int) {
	ignored := &b.segments[segment].File.Streams[stream]
	if b.ignored[ignored.ID] {
		return
	}
	b.ignored[ignored.ID] = true
	b.find(StreamIgnored, segment, 0, 0, "another %s stream (%s, ID %d) runs beside the first one and is not in the result",
		ignored.Kind, ignored.Codec, ignored.ID)
}

// slice is the whole stream with what is to be known of its times.
func (b *builder) slice(segment, stream int) Slice {
	from := &b.segments[segment].File.Streams[stream]
	slice := Slice{Stream: stream, To: from.Packets.Count, Shift: b.shift(from)}
	slice.stats = b.measure(segment, &slice)
	return slice
}

// measure reads the packets of a slice.
func (b *builder) measure(segment int, slice *Slice, wrong ...int) stats {
	v := b.view(segment, slice.Stream, slice.From, slice.To, slice.Shift)
	v.moved = slice.moved
	return measure(v, b.short(segment), wrong...)
}

// leaveOutLeaps finds packets of one kind, at the beginning or end of a segment, that are further from the others than any
// pause within it, while the other kind goes on: their times are wrong.
func (b *builder) leaveOutLeaps(segment int, kind, other []Slice) {
	if !b.short(segment) || len(kind) != 1 || len(other) != 1 || kind[0].stats.leapt != 1 || other[0].stats.leapt > 0 {
		return
	}
	slice := &kind[0]
	from, to := slice.From, slice.stats.leap
	if slice.To-to < to-from {
		from, to = to, slice.To
	}
	if to-from > maxStrays || (to-from)*2 > slice.To-slice.From {
		return
	}
	wrong := slices.Clone(slice.stats.outliers)
	for number := from; number < to; number++ {
		wrong = append(wrong, number)
	}
	slice.stats = b.measure(segment, slice, wrong...)
}

// short says that no pause within the segment can be as long as maxLeap.
func (b *builder) short(segment int) bool {
	duration := b.segments[segment].Duration
	return duration > 0 && duration < maxLeap/2
}

// shift is what a simple edit list adds to a stream's times: the pause before it, less what is skipped of it. The edit
// list of an only MP4 is kept instead.
func (b *builder) shift(stream *media.Stream) int64 {
	if b.keepsEdits() {
		return 0
	}
	return shiftOf(stream.Edits)
}

// shiftOf is what edits add to the times of what they show first.
func shiftOf(edits []media.Edit) int64 {
	var shift int64
	for _, edit := range edits {
		if edit.Start >= 0 {
			return shift - edit.Start
		}
		shift += edit.Duration
	}
	return shift
}

// keepsEdits says that the recording is one MP4 without a known place, whose edit lists are kept as they are.
func (b *builder) keepsEdits() bool {
	return len(b.recording.Starts) == 0 && len(b.segments) == 1 && b.segments[0].File != nil && b.segments[0].File.Container == media.MP4
}

// divide makes parts of a segment: one, unless its clock goes back within it.
func (b *builder) divide(segment int, video, audio []Slice) []*part {
	if len(video)+len(audio) == 0 {
		return nil
	}
	back := max(b.goesBackAlone(video, audio), b.goesBackAlone(audio, video))
	var parts []*part
	cuts := max(len(cutsOf(video)), len(cutsOf(audio)))
	for i := range cuts + 1 {
		each := &part{Piece: Piece{Segment: segment}, first: i == 0, last: i == cuts}
		each.Video, each.Audio = b.cut(segment, video, i), b.cut(segment, audio, i)
		if each.measure() {
			parts = append(parts, each)
		}
	}
	if back > maxOverlap {
		b.later(parts[0], TimestampOutlier, parts[0].early, back, "one stream goes back by %s while the other goes on", position(back))
	}
	if cuts >= maxOdd {
		b.later(parts[0], Corrupt, parts[0].early, 0, "the clock goes back %d times or more within the segment", cuts)
	}
	return parts
}

// cutsOf are the cuts of a kind; a kind whose streams follow one another has none.
func cutsOf(slices []Slice) []cut {
	if len(slices) != 1 {
		return nil
	}
	return slices[0].stats.cuts
}

// goesBackAlone gives by how much a kind goes back whose clock is not the segment's, since the other kind goes on; then
// it is not cut. 0: it does not.
func (b *builder) goesBackAlone(kind, other []Slice) int64 {
	cuts := cutsOf(kind)
	if len(cuts) == 0 || len(other) != 1 || len(cutsOf(other)) > 0 || other[0].stats.lastDTS <= cuts[0].from+together {
		return 0
	}
	back := int64(0)
	for _, cut := range cuts {
		back = max(back, distance(cut.from, cut.to))
	}
	kind[0].stats.cuts = nil
	return back
}

// cut gives the i-th part of slices. A kind whose clock does not go back belongs to the first part.
func (b *builder) cut(segment int, slices []Slice, i int) []Slice {
	cuts := cutsOf(slices)
	switch {
	case len(cuts) == 0 && i == 0:
		return slices
	case len(cuts) == 0 || i > len(cuts):
		return nil
	}
	part := slices[0]
	if i > 0 {
		part.From = cuts[i-1].number
	}
	if i < len(cuts) {
		part.To = cuts[i].number
	}
	part.stats = b.measure(segment, &part)
	return []Slice{part}
}

// fewIntervals is how many intervals a part has at least that tell how fast its pictures follow one another.
const fewIntervals = 3

// measure sets the part's times; false: it has no packets.
func (p *part) measure() bool {
	found := false
	for _, kind := range kinds {
		for _, slice := range p.Slices(kind) {
			if !found {
				p.early, p.late = slice.stats.begin, slice.stats.end
			}
			p.early, p.late = min(p.early, slice.stats.begin), max(p.late, slice.stats.end)
			found = true
		}
	}
	return found
}

// ends are the first and last slice of a kind; false: the part has none.
func (p *part) ends(kind media.Kind) (first, last *stats, ok bool) {
	all := p.Slices(kind)
	if len(all) == 0 {
		return nil, nil, false
	}
	return &all[0].stats, &all[len(all)-1].stats, true
}

// lastShown is the greatest time of the part's packets.
func (p *part) lastShown() int64 {
	greatest := p.early
	for _, kind := range kinds {
		for _, slice := range p.Slices(kind) {
			greatest = max(greatest, slice.stats.greatest)
		}
	}
	return greatest
}
