// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sparkrtc.dev/recording-operator/internal/media"
)

// listEvidence turns what the readers saw in the bytes into findings: for each segment one of each type.
func (b *builder) listEvidence() {
	for _, each := range b.pieces {
		b.listOutliers(each)
		if each.first {
			b.listDamage(each)
		}
	}
	b.listIgnored()
}

// listIgnored says once what the readers left out, for example the other programs of a transport stream.
func (b *builder) listIgnored() {
	known := map[string]bool{}
	for _, each := range b.pieces {
		for _, what := range b.segments[each.Segment].File.Ignored {
			if !known[what] && len(known) < maxOdd {
				known[what] = true
				b.find(StreamIgnored, each.Segment, each.early+each.base, 0, "not in the result: %s", what)
			}
		}
	}
}

// listOutliers names packets whose time cannot be.
func (b *builder) listOutliers(each *part) {
	for _, kind := range kinds {
		for _, slice := range each.Slices(kind) {
			if count := len(slice.stats.outliers); count > 0 {
				b.find(TimestampOutlier, each.Segment, slice.stats.begin+each.base, 0,
					"%d %s packet(s) have a time far from that of their neighbors", count, kind)
			}
		}
	}
}

// evidence is the damage of one type in one segment.
type evidence struct {
	kind     Type
	from, to int64
	count    int
	what     string
}

// listDamage lists the damage of a piece's file, joined by type.
func (b *builder) listDamage(each *part) {
	var found []evidence
	file := b.segments[each.Segment].File
	times := b.damageTimes(each)
	for _, damage := range file.Damage {
		if damage.Stream >= 0 && file.Streams[damage.Stream].Kind == media.Data {
			continue
		}
		if damage.Kind == media.Padding && !b.segments[each.Segment].isListed() {
			continue // a recorder of segments writes none, so that only there something was in its place
		}
		kind, what := explain(damage, file)
		from, to := times.stretch(each, damage)
		i := slices.IndexFunc(found, func(e evidence) bool { return e.kind == kind })
		if i < 0 {
			found = append(found, evidence{kind: kind, from: from, to: to, count: damage.Count, what: what})
			continue
		}
		found[i].from, found[i].to, found[i].count = min(found[i].from, from), max(found[i].to, to), found[i].count+damage.Count
	}
	for _, e := range found {
		text := e.what
		if e.count > 1 {
			text = fmt.Sprintf("%s (%d places)", e.what, e.count)
		}
		b.find(e.kind, each.Segment, e.from+each.base, e.to-e.from, "%s", text)
	}
}

// meanings are what pieces of evidence mean; %s is the kind of the stream.
var meanings = map[media.DamageKind]struct {
	found Type
	text  string
}{
	media.CounterBreak:     {PacketsLost, "%s packets are lost: the continuity counter jumps"},
	media.SyncLost:         {Corrupt, "there are bytes that are no transport packets"},
	media.PacketCut:        {SegmentTruncated, "its end is lost: it ends within a transport packet"},
	media.TablesMissing:    {Corrupt, "tables of the transport stream are missing or damaged"},
	media.TransportError:   {Corrupt, "the recorder marked transport packets as damaged"},
	media.PacketUnfinished: {PacketsLost, "a %s packet is shorter than it says"},
	media.FrameLost:        {PacketsLost, "%s frames are no frames, or do not follow one another"},
	media.FragmentMissing:  {PacketsLost, "%s packets are lost: the numbers of the movie fragments jump"},
	media.Padding:          {Corrupt, "it begins with zeros"},
	media.NALInvalid:       {Corrupt, "a picture's bytes are not valid"},
	media.SliceMissing:     {Corrupt, "the first slice of a picture is missing"},
	media.PictureMissing:   {PacketsLost, "a reference picture is lost: frame_num jumps"},
	media.BoxTruncated:     {SegmentTruncated, "the file is shorter than its structure says"},
	media.SampleMissing:    {SegmentTruncated, "%s packets lie beyond the end of the file"},
	media.SecondMovie:      {Corrupt, "a second movie header says something else than the first, and what it describes is not in the result"},
	media.FragmentUnfound:  {UnknownTail, "the index of its segments (sidx) refers to more bytes than the file has; whether something is lost cannot be decided"},
	media.MediaUnnamed:     {UnknownTail, "its tables end before its media does; whether something is lost cannot be decided"},
}

// explain says what a piece of evidence means.
func explain(damage media.Damage, file *media.File) (Type, string) {
	stream := "media"
	if damage.Stream >= 0 {
		stream = file.Streams[damage.Stream].Kind.String()
	}
	meaning, ok := meanings[damage.Kind]
	if !ok {
		return Corrupt, string(damage.Kind)
	}
	return meaning.found, strings.ReplaceAll(meaning.text, "%s", stream)
}

// packetTimes are the times of some packets of each stream, in the clock of the run.
type packetTimes struct {
	of map[int]map[int]int64
	// firstEnd is where the stream ends that ends first, and lastEnd where the one does that ends last.
	firstEnd, lastEnd int64
}

// damageTimes finds the times of the packets that the evidence names: one pass over each stream.
func (b *builder) damageTimes(each *part) packetTimes {
	ends := b.endsOf(each)
	sorted := slices.Sorted(maps.Values(ends)) // a piece has a stream at least
	times := packetTimes{of: map[int]map[int]int64{}, firstEnd: sorted[0], lastEnd: sorted[len(sorted)-1]}
	file := b.segments[each.Segment].File
	for _, damage := range file.Damage {
		if damage.Stream < 0 {
			continue
		}
		if times.of[damage.Stream] == nil {
			times.of[damage.Stream] = map[int]int64{}
		}
		end, known := ends[damage.Stream]
		if !known {
			end = each.late
		}
		// Packets that are not there belong behind it.
		times.of[damage.Stream][damage.Packet], times.of[damage.Stream][damage.Packet+damage.Count-1] = end, max(end, each.late)
	}
	for stream, wanted := range times.of {
		moved := each.Offset - each.base + shiftOf(file.Streams[stream].Edits)
		number := 0
		for packet := range file.Streams[stream].Packets.All() {
			if _, ok := wanted[number]; ok {
				wanted[number] = max(each.early, packet.PTS+moved)
			}
			number++
		}
	}
	return times
}

// endsOf are where the streams of a part end, as the file shows them.
func (b *builder) endsOf(each *part) map[int]int64 {
	ends := map[int]int64{}
	for _, kind := range kinds {
		for _, slice := range each.Slices(kind) {
			stream := &b.segments[each.Segment].File.Streams[slice.Stream]
			ends[slice.Stream] = slice.stats.end + shiftOf(stream.Edits) - b.shift(stream) // an edit list that is kept moves it
		}
	}
	return ends
}

// stretch gives that of a piece of evidence. What concerns the file as a whole begins where the piece does.
func (t packetTimes) stretch(each *part, damage media.Damage) (from, to int64) {
	switch {
	case damage.Stream < 0 && (damage.Kind == media.BoxTruncated || damage.Kind == media.PacketCut):
		return t.firstEnd, t.lastEnd // what can be read of each stream ends between
	case damage.Stream < 0 && (damage.Kind == media.SecondMovie || damage.Kind == media.MediaUnnamed || damage.Kind == media.FragmentUnfound):
		return t.lastEnd, t.lastEnd // it lies behind what is read
	case damage.Stream < 0:
		return each.early, each.early
	}
	from, to = t.of[damage.Stream][damage.Packet], t.of[damage.Stream][damage.Packet+damage.Count-1]
	return from, max(from, to)
}

// compareHeader compares the length of a fragmented file that is the whole recording with what its header says. Some tools copy the
// header of a longer file.
func (b *builder) compareHeader() {
	const slack, part = media.Clock / 2, 100
	if len(b.segments) != 1 || b.segments[0].isListed() || b.segments[0].File == nil || b.segments[0].File.Container != media.FragmentMP4 {
		return
	}
	if claimed := b.segments[0].File.Duration; b.length > 0 && claimed-b.length > max(slack, claimed/part) {
		b.find(UnknownTail, 0, b.length, claimed-b.length, "it holds %s, its header says %s; whether something is lost cannot be decided",
			position(b.length), position(claimed))
	}
}

// compareReport compares the length with what the callback reported.
func (b *builder) compareReport() {
	reported := b.recording.Reported
	if reported == 0 || distance(reported, b.length) <= ReportSlack(reported) {
		return
	}
	if reported < b.length {
		return // The callback may not count pauses; nothing is lost that it knows of.
	}
	b.find(DurationMismatch, -1, b.length, reported-b.length, "the callback reports %s, the recording holds %s",
		position(reported), position(b.length))
}

// ReportSlack is by how much a recording may differ from the duration that a callback reports, both in ticks: it counts whole seconds, and
// not from the first to the last packet.
func ReportSlack(reported int64) int64 {
	const slack, part = 3 * media.Clock, 100
	return max(slack, reported/part)
}
