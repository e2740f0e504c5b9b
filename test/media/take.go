// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"math"
	"slices"
)

// unit is one coded picture, or one packet of sound, of a take.
type unit struct {
	source *source
	index  int // of the sample in the source
	slot   int // of the stream in the take
	// time and decode are in seconds from the take's beginning: when the unit is displayed and decoded.
	time, decode float64
	length       float64
	// at is the true time in the recording, in seconds from its beginning.
	at float64
	// lost: its bytes are not in the recording, or not whole. tainted: it depends on one that is lost.
	lost, tainted bool
	// altered are its bytes where they are not those of the source.
	altered []byte
	// behind: it lies so many seconds later in the file than its time says. stampOff is added to the time that is stamped.
	behind, stampOff float64
	// hidden: the time that is stamped is not the true one, so nothing is expected of it.
	hidden bool
}

// number that the picture shows.
func (u *unit) number() int { return u.source.number + u.source.display[u.index] }

// position of the sound at the packet's beginning.
func (u *unit) position() float64 {
	return u.source.position + float64(u.index)*u.source.packetSeconds()
}

func (u *unit) sample() sourceSample {
	sample := u.source.samples[u.index]
	if u.altered != nil {
		sample.data = u.altered
	}
	return sample
}

// slot is a stream of a take. A slot without units is named and never comes.
type slot struct {
	source *source
	pid    uint16
}

// take is a stretch of a recording with one clock and one set of streams.
type take struct {
	slots []slot
	units []*unit
	// stamp is what the recording's clock shows at the take's beginning, in seconds.
	stamp float64
	// style of its transport stream.
	style tsStyle
	// changing: each segment's PMT names only the streams that come in it.
	changing bool
	// extra writes more transport packets at the beginning of each segment: a stream of data.
	extra func(m *tsMux, tracks []tsTrack, at float64)
}

// every gives evenly spaced times, the first at start.
func every(start, fps float64) func(int) float64 {
	return func(i int) float64 { return start + float64(i)/fps }
}

// newTake is a take whose clock begins as ffmpeg's does.
func newTake() *take { return &take{stamp: 1.4} }

func (t *take) slot(name string, pid uint16) int {
	s := getSource(name)
	for i, have := range t.slots {
		if have.source == s && have.pid == pid {
			return i
		}
	}
	t.slots = append(t.slots, slot{source: s, pid: pid})
	return len(t.slots) - 1
}

// video adds count pictures of a source from number first on; at gives the display time of the i-th.
func (t *take) video(name string, first, count int, at func(i int) float64) *take {
	return t.videoOn(videoPID, name, first, count, at)
}

func (t *take) videoOn(pid uint16, name string, first, count int, at func(i int) float64) *take {
	index := t.slot(name, pid)
	s := t.slots[index].source
	first -= first % s.group
	first %= len(s.samples)
	if s.open && first%s.group == 0 {
		count -= (count - 1) % s.group // the last picture is a key picture, so that none needs one that is cut
	}
	// As encoders do it: decoding times are the display times in order, of as many pictures before as the order needs.
	behind := 0
	for i := range count {
		sample := (first + i) % len(s.samples)
		behind = max(behind, sample-s.display[sample])
	}
	for i := range count {
		sample := (first + i) % len(s.samples)
		shown := i + s.display[sample] - sample
		if shown >= count {
			continue // the group is cut: this one is displayed after the end
		}
		decode := 0.0
		if i >= behind {
			decode = at(i - behind)
		} else {
			decode = at(0) - float64(behind-i)*min(at(1)-at(0), 1.0/15)
		}
		t.units = append(t.units, &unit{source: s, index: sample, slot: index, time: at(shown), decode: decode})
	}
	return t
}

// sound adds the packets of a source that begin in [from, to); the position at time x is x + shift.
func (t *take) sound(name string, from, to, shift float64) *take {
	return t.soundOn(audioPID, name, from, to, shift)
}

func (t *take) soundOn(pid uint16, name string, from, to, shift float64) *take {
	index := t.slot(name, pid)
	s := t.slots[index].source
	for i := range s.samples {
		at := s.position + float64(i)*s.packetSeconds() - shift
		if at >= from-1e-9 && at < to-1e-9 {
			t.units = append(t.units, &unit{source: s, index: i, slot: index, time: at, decode: at, length: s.packetSeconds()})
		}
	}
	return t
}

// named adds streams that the PMT names and that never come.
func (t *take) named(name string, pid uint16) *take {
	t.slot(name, pid)
	return t
}

// begin and end of the take's display times. A picture lasts as long as the one before it did, unless that one stood still.
func (t *take) extent() (begin, end float64) {
	begin, end = math.Inf(1), math.Inf(-1)
	for i := range t.slots {
		times := t.times(i)
		if len(times) == 0 {
			continue
		}
		begin, end = min(begin, times[0]), max(end, times[len(times)-1]+t.lastInterval(i))
	}
	return begin, end
}

// lastInterval is how long the last unit of a slot lasts.
func (t *take) lastInterval(slot int) float64 {
	if s := t.slots[slot].source; !s.video {
		return s.packetSeconds()
	}
	times := t.times(slot)
	if len(times) < 2 {
		return 1.0 / 30
	}
	last := times[len(times)-1] - times[len(times)-2]
	if len(times) > 2 {
		if before := times[len(times)-2] - times[len(times)-3]; last > 2*before {
			last = before // the picture before the last one stood still
		}
	}
	return min(last, 1)
}

// times of a slot's units in display order.
func (t *take) times(slot int) []float64 {
	var times []float64
	for _, u := range t.units {
		if u.slot == slot {
			times = append(times, u.time)
		}
	}
	slices.Sort(times)
	return times
}

// part is what of a take goes into one segment.
type part struct {
	take     *take
	units    []*unit
	begin    float64 // time in the take that it begins at
	duration float64 // as a playlist says it
}

// cutEvery gives the times at which the take is cut into segments: at the first key picture that is seconds after the
// last cut; where no picture comes for a long time, and without picture, at packets of sound.
func (t *take) cutEvery(seconds float64) []float64 {
	begin, end := t.extent()
	var keys []float64
	for _, u := range t.units {
		if u.source.video && u.sample().key {
			keys = append(keys, u.time)
		}
	}
	slices.Sort(keys)
	cuts := []float64{begin}
	for {
		next := cuts[len(cuts)-1] + seconds - 1e-6
		i, _ := slices.BinarySearch(keys, next)
		switch {
		case i < len(keys) && keys[i] < next+seconds:
			next = keys[i]
		case i == len(keys) && len(keys) > 0 && next < keys[len(keys)-1]+seconds:
			// Pictures go on for less than a group: no cut among them.
			if last, _ := t.lastPicture(); next <= last {
				next = last + 0.001
			}
		}
		if next >= end-0.25*seconds || next > end-0.1 {
			return cuts
		}
		cuts = append(cuts, next)
	}
}

func (t *take) lastPicture() (float64, bool) {
	last, found := math.Inf(-1), false
	for _, u := range t.units {
		if u.source.video {
			last, found = max(last, u.time), true
		}
	}
	return last, found
}

// parts cuts the take at the given times.
func (t *take) parts(cuts []float64) []*part {
	_, end := t.extent()
	parts := make([]*part, len(cuts))
	for i := range cuts {
		to := end
		if i+1 < len(cuts) {
			to = cuts[i+1]
		}
		parts[i] = &part{take: t, begin: cuts[i], duration: to - cuts[i]}
	}
	for _, u := range t.units {
		if u.source.video {
			continue
		}
		i, found := slices.BinarySearch(cuts, u.time+1e-7)
		if !found {
			i--
		}
		p := parts[max(i, 0)]
		p.units = append(p.units, u)
	}
	t.cutPictures(cuts, parts)
	for _, p := range parts {
		slices.SortStableFunc(p.units, func(a, b *unit) int {
			switch {
			case a.decode+a.behind < b.decode+b.behind:
				return -1
			case a.decode+a.behind > b.decode+b.behind:
				return 1
			}
			return a.slot - b.slot
		})
	}
	return joinWithin(joinEmpty(beginLate(parts)))
}

// joinWithin adds parts that begin with a picture within a group to the part before: a recorder begins a segment with a
// key picture, or, while the picture stands still, with sound. Without parameter sets in a segment nothing tells the fields of
// a picture from pictures, so that no sound begins one within a group of those.
func joinWithin(parts []*part) []*part {
	kept := parts[:1]
	for _, p := range parts[1:] {
		first := p.units[0]
		for _, u := range p.units {
			if u.time < first.time {
				first = u
			}
		}
		if i := slices.IndexFunc(p.units, func(u *unit) bool { return u.source.fields }); i >= 0 {
			first = p.units[i] // in the order of decoding
		}
		before := kept[len(kept)-1]
		if first.source.video && !first.sample().key && first.source.group <= 30 && !first.source.open {
			before.units, before.duration = append(before.units, p.units...), before.duration+p.duration
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// beginLate moves the beginning of parts to their first unit: a recorder begins a segment with what it has.
func beginLate(parts []*part) []*part {
	for i, p := range parts[1:] {
		if len(p.units) == 0 {
			continue
		}
		first := math.Inf(1)
		for _, u := range p.units {
			first = min(first, u.time)
		}
		if late := first - p.begin; late > 0.05 {
			p.begin, p.duration = first, p.duration-late
			parts[i].duration += late
		}
	}
	return parts
}

// joinEmpty adds the time of parts without units to the part before: a recorder writes no segment without anything.
func joinEmpty(parts []*part) []*part {
	var kept []*part
	for _, p := range parts {
		if len(p.units) == 0 && len(kept) > 0 {
			kept[len(kept)-1].duration += p.duration
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// cutPictures gives each picture to the segment that it is shown in; those that are decoded later go no further back.
func (t *take) cutPictures(cuts []float64, parts []*part) {
	at := map[int]int{}
	for _, u := range t.units {
		if !u.source.video {
			continue
		}
		i, found := slices.BinarySearch(cuts, u.time+1e-7)
		if !found {
			i--
		}
		if _, begun := at[u.slot]; u.sample().key || !begun {
			at[u.slot] = max(i, 0)
		} else if i > at[u.slot] {
			at[u.slot] = i // a group that is longer than a segment is cut
		}
		p := parts[at[u.slot]]
		p.units = append(p.units, u)
	}
}

// tsUnits puts the part's units into PES packets.
func (p *part) tsUnits(index map[int]int) []tsUnit {
	stamp := p.take.stamp
	var out []tsUnit
	open := map[int]int{}
	for _, u := range p.units {
		payload := u.source.tsPayload(u.sample(), p.take.style)
		pts, dts := ticks(stamp+u.time+u.stampOff), ticks(stamp+u.decode+u.stampOff)
		if i, ok := open[u.slot]; ok && !u.source.video && len(out[i].refs) < max(p.take.style.packets, 1) && follows(out[i].refs, u) {
			out[i].payload = append(out[i].payload, payload...)
			out[i].refs, out[i].ends = append(out[i].refs, u), append(out[i].ends, len(out[i].payload))
			continue
		}
		if p.take.style.fields && u.source.video {
			out = append(out, u.fieldUnits(p.take.style, index[u.slot], pts, dts)...)
			continue
		}
		open[u.slot] = len(out)
		out = append(out, tsUnit{
			track: index[u.slot], pts: pts, dts: dts, key: u.sample().key, payload: slices.Clone(payload), refs: []*unit{u}, ends: []int{len(payload)},
		})
	}
	return out
}

// follows says that a packet of sound begins where the last one ends.
func follows(before []*unit, u *unit) bool {
	last := before[len(before)-1]
	return u.index == last.index+1 && math.Abs(last.time+last.length-u.time) < 1e-6
}

// tsTracks are the streams as a segment's PMT names them, each PID once, and which of them each slot is. With changing
// layout a segment names only what it has.
func (p *part) tsTracks() ([]tsTrack, map[int]int) {
	var tracks []tsTrack
	index := map[int]int{}
	for i, s := range p.take.slots {
		if p.take.changing && !slices.ContainsFunc(p.units, func(u *unit) bool { return u.slot == i }) {
			continue
		}
		at := slices.IndexFunc(tracks, func(t tsTrack) bool { return t.pid == s.pid })
		if at < 0 {
			at = len(tracks)
			tracks = append(tracks, s.source.tsTrack(s.pid))
		}
		index[i] = at
	}
	return tracks, index
}
