// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"math"
	"slices"
	"strings"
)

// mp4Style says how an MP4 is written.
type mp4Style struct {
	// fragments of so many seconds; 0: one table of all samples.
	fragments float64
	// clockless: only the first of them says when it is decoded.
	clockless bool
	// behind: the tables come after the media.
	behind bool
	// longer is added to the durations that the headers claim, in seconds.
	longer float64
	// rotation in degrees, clockwise.
	rotation int
	// skip hides so many seconds at the beginning by an edit list.
	skip float64
	// untimed: the edit lists end where the last packets begin.
	untimed bool
	// noEdits: what begins late or early is not said by edit lists; every stream begins at 0.
	noEdits bool
	// wide: 64-bit chunk offsets and a large box of media.
	wide bool
	// brand of the file; "": isom.
	brand string
	// toEnd: the box of media has no size and goes on to the end of the file.
	toEnd bool
	// boxes that nobody needs lie between.
	boxes bool
	// negative: composition offsets may be negative, so that no edit list is needed for B-frames.
	negative bool
	// joined: pictures of all sources are in one track, with a sample entry for each source.
	joined bool
	// hole is a stretch that edit lists leave out, from and to in seconds.
	hole [2]float64
	// cover adds a track with one picture, of the source of this name.
	cover string
	// scale is how many units of time a second has for pictures; 0: 90,000. version 1: times have 64 bits.
	scale   int64
	version byte
	// compact: sizes have 16 bits. chunk: so many samples lie in a chunk; 0: 1.
	compact bool
	chunk   int
}

const movieScale = 1000

// track is what an MP4's tables say about one slot.
type track struct {
	id      int
	source  *source
	scale   int64
	units   []*unit
	dts     []int64
	offsets []int64
	lengths []int64
	start   float64 // display time of the first unit, seconds
	early   int64   // media time that is displayed first
	places  []int64
	cover   bool
	version byte    // of the table of composition offsets
	alone   float64 // how long a picture lasts that is the only one of a segment, seconds
	next    *unit   // that follows the last one in another segment
}

// tracks of a take's units in decoding order.
func tracks(t *take, units []*unit) []*track {
	var out []*track
	for i, s := range t.slots {
		tr := &track{id: i + 1, source: s.source, scale: clock, alone: t.lastInterval(i)}
		if !s.source.video {
			tr.scale = int64(s.source.rate)
		}
		for _, u := range units {
			if u.slot == i {
				tr.units = append(tr.units, u)
			}
		}
		tr.next = t.after(tr.units)
		tr.time()
		out = append(out, tr)
	}
	return out
}

// after is the unit of a slot that follows the last of some; nil: none does.
func (t *take) after(units []*unit) *unit {
	if len(units) == 0 {
		return nil
	}
	found := false
	for _, u := range t.units {
		if found && u.slot == units[0].slot {
			return u
		}
		found = found || u == units[len(units)-1]
	}
	return nil
}

func (tr *track) ticks(seconds float64) int64 { return int64(math.Round(seconds * float64(tr.scale))) }

// time fills dts, offsets and lengths.
func (tr *track) time() {
	if len(tr.units) == 0 {
		return
	}
	first := tr.ticks(tr.units[0].decode)
	display := int64(math.MaxInt64)
	for i, u := range tr.units {
		tr.dts = append(tr.dts, tr.ticks(u.decode)-first)
		tr.offsets = append(tr.offsets, tr.ticks(u.time)-tr.ticks(u.decode))
		display = min(display, tr.dts[i]+tr.offsets[i])
	}
	for i := range tr.units {
		length := tr.ticks(firstOf(tr.alone, 1.0/30))
		switch {
		case i+1 < len(tr.units):
			length = tr.dts[i+1] - tr.dts[i]
		case !tr.source.video:
			length = int64(tr.source.frame)
		case tr.next != nil:
			length = tr.ticks(tr.next.decode) - first - tr.dts[i]
		case i > 0:
			length = tr.lengths[i-1]
			switch {
			case i > 1 && length > 2*tr.lengths[i-2]:
				length = tr.lengths[i-2] // the picture before the last one stood still
			case i == 1:
				length = min(length, tr.ticks(tr.alone)) // a segment of two pictures does not show it
			}
			length = min(length, tr.scale)
		}
		tr.lengths = append(tr.lengths, length)
	}
	tr.early, tr.start = display, float64(display+first)/float64(tr.scale)
}

// shiftOffsets makes the first unit's display time its decoding time.
func (tr *track) shiftOffsets() {
	for i := range tr.offsets {
		tr.offsets[i] -= tr.early
	}
	tr.early, tr.version = 0, 1
}

func (tr *track) duration() int64 {
	var sum int64
	for _, l := range tr.lengths {
		sum += l
	}
	return sum
}

// mp4File makes a recording that is one MP4 of a take.
func mp4File(t *take, style mp4Style) *recording {
	r := &recording{format: "MP4", object: "call/call.mp4", files: map[string][]byte{}}
	r.place(t, joint{})
	data, places := writeMP4(t, style)
	r.segments = []*segment{{name: "call.mp4", data: data, places: places, units: t.units, to: r.end}}
	return r
}

func writeMP4(t *take, style mp4Style) ([]byte, []place) {
	begin, _ := t.extent()
	all := tracks(t, t.units)
	if style.joined {
		all = joinTracks(all)
	}
	if style.cover != "" {
		s := getSource(style.cover)
		tr := &track{id: len(all) + 1, source: s, scale: clock, units: []*unit{{source: s}}, cover: true}
		tr.time()
		all = append(all, tr)
	}
	if style.scale > 0 {
		withClock(all, style.scale)
	}
	brand := style.brand
	if brand == "" {
		brand = "isom"
	}
	ftyp := box("ftyp", []byte(brand), u32(512), []byte("isomiso2mp41"))
	if style.boxes {
		ftyp = slices.Concat(ftyp, box("free", make([]byte, 100)), box("uuid", []byte("0123456789abcdef"), []byte("anything")), box("wide"))
	}
	if style.negative {
		for _, tr := range all {
			tr.shiftOffsets()
		}
	}
	if style.fragments > 0 {
		return fragmented(ftyp, all, t, style, begin)
	}
	var media []byte
	var places []place
	for _, tr := range all {
		tr.places = make([]int64, len(tr.units))
	}
	for _, u := range interleave(all, max(style.chunk, 1)) {
		u.track.places[u.index] = int64(len(media))
		media = append(media, u.unit.sample().data...)
		places = append(places, place{unit: u.unit, from: int(u.track.places[u.index]), to: len(media)})
	}
	head := len(ftyp)
	moov := movie(all, style, begin, 0)
	if !style.behind {
		head += len(moov)
	}
	mdat := box("mdat", media)
	head += 8
	if style.wide {
		mdat = append(append(u32(1), "mdat"...), append(u64(uint64(len(media)+16)), media...)...)
		head += 8
	}
	moov = movie(all, style, begin, int64(head))
	for i := range places {
		places[i].from += head
		places[i].to += head
	}
	if style.toEnd {
		clear(mdat[:4])
	}
	if style.behind {
		return slices.Concat(ftyp, mdat, moov), places
	}
	return slices.Concat(ftyp, moov, mdat), places
}

// joinTracks makes one track of the first two, whose pictures follow one another.
func joinTracks(all []*track) []*track {
	first, second := all[0], all[1]
	joined := &track{id: first.id, source: first.source, scale: first.scale, units: slices.Concat(first.units, second.units)}
	joined.time()
	return append([]*track{joined}, all[2:]...)
}

// entries are the sample entries, one for each source, and runs of chunks with one entry: the number of the first chunk
// from 1, and the entry from 1.
func (tr *track) entries() (entries []byte, count uint32, chunks [][2]uint32) {
	known := map[*source]uint32{}
	for i, u := range tr.units {
		if known[u.source] == 0 {
			count++
			known[u.source] = count
			entries = append(entries, u.source.entry...)
		}
		if n := len(chunks); n == 0 || chunks[n-1][1] != known[u.source] {
			chunks = append(chunks, [2]uint32{uint32(i + 1), known[u.source]})
		}
	}
	if count == 0 {
		return tr.source.entry, 1, nil
	}
	return entries, count, chunks
}

type interleaved struct {
	track *track
	index int
	unit  *unit
}

// interleave puts chunks of so many samples in order.
func interleave(all []*track, chunk int) []interleaved {
	var out []interleaved
	for _, tr := range all {
		for i, u := range tr.units {
			out = append(out, interleaved{tr, i, u})
		}
	}
	begin := func(i interleaved) float64 { return i.track.units[i.index-i.index%chunk].decode }
	slices.SortStableFunc(out, func(a, b interleaved) int { return compare(begin(a), begin(b)) })
	return out
}

// movie is the moov box; base is where the media begins in the file.
func movie(all []*track, style mp4Style, begin float64, base int64) []byte {
	longest := 0.0
	for _, tr := range all {
		if len(tr.units) > 0 {
			longest = max(longest, tr.start-begin+float64(tr.duration())/float64(tr.scale))
		}
	}
	claimed := uint32((longest + style.longer) * movieScale)
	mvhd := timedBox("mvhd", style.version, 0, u32(movieScale), uint64(claimed), u32(0x10000), u16(0x100, 0), u32(0, 0), matrix(0), make([]byte, 24), u32(uint32(len(all)+1)))
	parts := [][]byte{mvhd}
	for _, tr := range all {
		parts = append(parts, tr.box(style, begin, base))
	}
	if style.fragments > 0 {
		var mvex []byte
		for _, tr := range all {
			mvex = append(mvex, fullBox("trex", 0, 0, u32(uint32(tr.id), 1, 0, 0, 0))...)
		}
		parts = append(parts, box("mvex", mvex))
	}
	return box("moov", parts...)
}

func matrix(rotation int) []byte {
	const one = 0x10000
	minus := uint32(0xffff0000)
	switch rotation {
	case 90:
		return u32(0, one, 0, minus, 0, 0, 0, 0, 0x40000000)
	case 180:
		return u32(minus, 0, 0, 0, minus, 0, 0, 0, 0x40000000)
	case 270:
		return u32(0, minus, 0, one, 0, 0, 0, 0, 0x40000000)
	}
	return u32(one, 0, 0, 0, one, 0, 0, 0, 0x40000000)
}

func (tr *track) box(style mp4Style, begin float64, base int64) []byte {
	rotation, volume, handler := 0, uint16(0x100), "soun"
	head := fullBox("smhd", 0, 0, u32(0))
	flags := uint32(3)
	if tr.source.video {
		rotation, volume, handler = style.rotation, 0, "vide"
		head = fullBox("vmhd", 0, 1, make([]byte, 8))
	}
	if tr.cover {
		flags = 0
	}
	length := uint32(float64(tr.duration())/float64(tr.scale)*movieScale + style.longer*movieScale)
	tkhd := timedBox("tkhd", style.version, flags, u32(uint32(tr.id), 0), uint64(length), u32(0, 0), u16(0, 0, volume, 0), matrix(rotation),
		u32(uint32(tr.source.width)<<16, uint32(tr.source.height)<<16))
	version := style.version
	if tr.duration() > math.MaxUint32 {
		version = 1
	}
	mdhd := timedBox("mdhd", version, 0, u32(uint32(tr.scale)), uint64(float64(tr.duration())+style.longer*float64(tr.scale)), u16(0x55c4, 0))
	hdlr := fullBox("hdlr", 0, 0, u32(0), []byte(handler), make([]byte, 12), []byte("h\x00"))
	dinf := box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1)))
	minf := box("minf", head, dinf, tr.stbl(style, base))
	parts := [][]byte{tkhd}
	if edts := tr.edits(style, begin); edts != nil {
		parts = append(parts, edts)
	}
	return box("trak", append(parts, box("mdia", mdhd, hdlr, minf))...)
}

func (tr *track) edits(style mp4Style, begin float64) []byte {
	if style.noEdits || len(tr.units) == 0 || tr.cover {
		return nil
	}
	var entries []byte
	count := uint32(0)
	start := tr.early
	if late := tr.start - begin - style.skip; late > 0.0005 {
		entries, count = append(entries, u32(uint32(math.Round(late*movieScale)), 0xffffffff, 0x10000)...), 1
	} else if late < 0 {
		start += tr.ticks(-late)
	}
	if from, to := style.hole[0], style.hole[1]; to > 0 {
		entries = append(entries, u32(uint32(math.Round(from*movieScale)), uint32(start), 0x10000)...)
		count++
		start += tr.ticks(to)
	}
	if count == 0 && start == 0 && !style.untimed {
		return nil
	}
	end := int64(0)
	for i := range tr.units {
		end = max(end, tr.dts[i]+tr.offsets[i])
	}
	if !style.untimed {
		end += tr.lengths[len(tr.lengths)-1]
	}
	length := float64(end-start) / float64(tr.scale) * movieScale
	if style.fragments > 0 {
		length = 0
	}
	entries = append(entries, u32(uint32(math.Round(length)), uint32(start), 0x10000)...)
	return box("edts", fullBox("elst", 0, 0, u32(count+1), entries))
}

func runs(values []int64) (uint32, []byte) {
	var out []byte
	count := uint32(0)
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && values[j] == values[i] {
			j++
		}
		out = append(out, u32(uint32(j-i), uint32(values[i]))...)
		count++
		i = j
	}
	return count, out
}

func (tr *track) stbl(style mp4Style, base int64) []byte {
	entries, entryCount, chunks := tr.entries()
	stsd := fullBox("stsd", 0, 0, u32(entryCount), entries)
	if style.fragments > 0 {
		return box("stbl", stsd, fullBox("stts", 0, 0, u32(0)), fullBox("stsc", 0, 0, u32(0)), fullBox("stsz", 0, 0, u32(0, 0)), fullBox("stco", 0, 0, u32(0)))
	}
	var sizes, places, keys []byte
	n, all := uint32(len(tr.units)), true
	for i, u := range tr.units {
		sizes = append(sizes, u32(uint32(len(u.sample().data)))...)
		if style.wide {
			places = append(places, u64(uint64(tr.places[i]+base))...)
		} else {
			places = append(places, u32(uint32(tr.places[i]+base))...)
		}
		if u.sample().key {
			keys = append(keys, u32(uint32(i+1))...)
		} else {
			all = false
		}
	}
	lengths, stts := runs(tr.lengths)
	parts := [][]byte{stsd, fullBox("stts", 0, 0, u32(lengths), stts)}
	if slices.ContainsFunc(tr.offsets, func(o int64) bool { return o != 0 }) {
		count, ctts := runs(tr.offsets)
		parts = append(parts, fullBox("ctts", tr.version, 0, u32(count), ctts))
	}
	if !all {
		parts = append(parts, fullBox("stss", 0, 0, u32(uint32(len(keys)/4)), keys))
	}
	offsets := "stco"
	if style.wide {
		offsets = "co64"
	}
	if strings.HasPrefix(tr.source.codec, "pcm") {
		// Each sample of sound is one of the table; a unit is a chunk of them.
		size := uint32(len(tr.source.samples[0].data) / pcmFrame)
		return box("stbl", stsd, fullBox("stts", 0, 0, u32(1, n*pcmFrame, 1)), fullBox("stsc", 0, 0, u32(1, 1, pcmFrame, 1)),
			fullBox("stsz", 0, 0, u32(size, n*pcmFrame)), fullBox(offsets, 0, 0, u32(n), places))
	}
	var stsc []byte
	for _, chunk := range chunks {
		stsc = append(stsc, u32(chunk[0], 1, chunk[1])...)
	}
	count := n
	if style.chunk > 0 {
		stsc, places, count = tr.chunkTables(style.chunk, base)
	}
	table := fullBox("stsz", 0, 0, u32(0, n), sizes)
	if style.compact {
		table = tr.sizes16()
	}
	parts = append(parts, fullBox("stsc", 0, 0, u32(uint32(len(stsc)/12)), stsc), table, fullBox(offsets, 0, 0, u32(count), places))
	return box("stbl", parts...)
}
