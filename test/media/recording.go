// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"fmt"
	"math"
	"path"
	"slices"
	"time"
)

// recording is what the worker is given, with the truth about it.
type recording struct {
	format string // HLS or MP4
	object string // the playlist or the file
	files  map[string][]byte
	truth  truth

	segments []*segment
	playlist playlistStyle
	mux      tsMux
	end      float64 // true time at which the next take begins
	offset   float64 // true time of the last take's time 0
	last     *take
	units    []*unit
	// order of the playlist's lines, when it is not that of the segments.
	order []int
	// reported duration in whole seconds, as the callback says it; 0: not said.
	reported int64
	// unlisted are files that no playlist names: an archive leaves them out.
	unlisted []string
}

// segment of an HLS recording.
type segment struct {
	name          string
	data          []byte
	places        []place
	units         []*unit
	duration      float64 // EXTINF
	discontinuity bool
	began         float64 // true time, for EXT-X-PROGRAM-DATE-TIME
	initName      string  // EXT-X-MAP
	byteRange     string
	gone          bool // no line in the playlist
	dark          bool // it does not even name pictures
	absent        bool // no file
	tags          []string
	from, to      float64 // true times that it covers
}

// playlistStyle says how a playlist is written.
type playlistStyle struct {
	whole    bool // EXTINF in whole seconds
	up       bool // and rounded up
	dates    bool // EXT-X-PROGRAM-DATE-TIME
	crlf     bool
	mark     bool // byte order mark
	head     []string
	noEnding bool
	event    bool                     // its type is EVENT and not VOD
	first    int                      // number of the first segment; it has no type then, so that lines may have been removed
	rename   func(name string) string // how a line names a file
}

// segmentName gives the names of segments.
type segmentNames func(i int) string

func numbered(i int) string { return fmt.Sprintf("seg%d.ts", i) }

func newRecording() *recording {
	return &recording{format: "HLS", object: "call/index.m3u8", files: map[string][]byte{}}
}

// joint says how a take begins after the one before.
type joint struct {
	seconds float64 // of a segment; 0: 2
	cuts    []float64
	// tag: EXT-X-DISCONTINUITY before it.
	tag bool
	// pause after the end of what is before, in true time.
	pause float64
	// container of its segments; "": MPEG-TS.
	container string
	names     segmentNames
	// same: the clock of the take before goes on; times of both are of that clock.
	same bool
}

// place sets the true times of a take's units: it follows end to end what is there, after the joint's pause, or goes on
// with its clock.
func (r *recording) place(t *take, j joint) {
	begin, end := t.extent()
	switch {
	case j.same:
		t.stamp = r.last.stamp
	case r.last != nil:
		r.offset = r.end + j.pause - begin
		r.truth.joins = append(r.truth.joins, r.end+j.pause)
	default:
		r.offset = -begin
	}
	for _, u := range t.units {
		u.at = r.offset + u.time
	}
	r.end, r.last = r.offset+end, t
	r.units = append(r.units, t.units...)
}

// add appends a take as segments.
func (r *recording) add(t *take, j joint) *recording {
	r.place(t, j)
	cuts := j.cuts
	if cuts == nil {
		cuts = t.cutEvery(firstOf(j.seconds, 2))
	}
	names := j.names
	if names == nil {
		names = numbered
	}
	for i, p := range t.parts(cuts) {
		from := r.offset + p.begin
		s := &segment{
			name: names(len(r.segments)), units: p.units, duration: p.duration, discontinuity: i == 0 && j.tag,
			began: from, from: from, to: from + p.duration,
		}
		s.dark = p.isDark()
		r.write(s, p, j, i)
		r.segments = append(r.segments, s)
	}
	return r
}

// write makes a segment's bytes.
func (r *recording) write(s *segment, p *part, j joint, i int) {
	switch j.container {
	case "fmp4":
		s.name = path.Base(s.name[:len(s.name)-len(path.Ext(s.name))]) + ".m4s"
		s.initName = fmt.Sprintf("init%d.mp4", len(r.segments)-i)
		r.files[path.Join(path.Dir(r.object), s.initName)] = initSegment(p.take)
		sequence := len(r.segments)
		if p.take.style.restart {
			sequence = 0
		}
		s.data, s.places = mediaSegment(p, sequence)
	case "packed":
		s.name = s.name[:len(s.name)-len(path.Ext(s.name))] + ".aac"
		s.data, s.places = packedSegment(p)
	default:
		r.mux.style = p.take.style
		tracks, index := p.tsTracks()
		if p.take.extra != nil {
			data := tsTrack{pid: dataPID, streamType: 0x15, streamID: 0xbd}
			if p.take.style.private {
				data.streamType = 0x06
			}
			tracks = append(tracks, data)
			r.mux.extra = func(m *tsMux) { p.take.extra(m, tracks, p.take.stamp+p.begin) }
		}
		s.data, s.places = r.mux.segment(tracks, p.tsUnits(index))
	}
}

func firstOf(a, b float64) float64 {
	if a != 0 {
		return a
	}
	return b
}

// epoch is when all recordings begin.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// text is the playlist.
func (r *recording) text() []byte {
	var out bytes.Buffer
	if r.playlist.mark {
		out.WriteString("\ufeff")
	}
	line := func(format string, args ...any) {
		fmt.Fprintf(&out, format, args...)
		if r.playlist.crlf {
			out.WriteByte('\r')
		}
		out.WriteByte('\n')
	}
	longest := 0.0
	for _, s := range r.segments {
		longest = max(longest, s.duration)
	}
	line("#EXTM3U")
	line("#EXT-X-VERSION:6")
	line("#EXT-X-TARGETDURATION:%d", int(math.Ceil(longest)))
	line("#EXT-X-MEDIA-SEQUENCE:%d", r.playlist.first)
	switch {
	case r.playlist.first > 0:
	case r.playlist.event:
		line("#EXT-X-PLAYLIST-TYPE:EVENT")
	default:
		line("#EXT-X-PLAYLIST-TYPE:VOD")
	}
	for _, tag := range r.playlist.head {
		line("%s", tag)
	}
	initName := ""
	for _, i := range r.playlistOrder() {
		s := r.segments[i]
		if s.gone {
			continue
		}
		if s.discontinuity {
			line("#EXT-X-DISCONTINUITY")
		}
		if s.initName != initName {
			initName = s.initName
			line("#EXT-X-MAP:URI=\"%s\"", initName)
		}
		if r.playlist.dates {
			line("#EXT-X-PROGRAM-DATE-TIME:%s", epoch.Add(time.Duration(s.began*1e9)).Format("2006-01-02T15:04:05.000Z07:00"))
		}
		for _, tag := range s.tags {
			line("%s", tag)
		}
		switch {
		case r.playlist.whole && r.playlist.up:
			line("#EXTINF:%d,", int(math.Ceil(s.duration-1e-6)))
		case r.playlist.whole:
			line("#EXTINF:%d,", int(math.Round(s.duration)))
		default:
			line("#EXTINF:%.6f,", s.duration)
		}
		if s.byteRange != "" {
			line("#EXT-X-BYTERANGE:%s", s.byteRange)
		}
		name := s.name
		if r.playlist.rename != nil {
			name = r.playlist.rename(name)
		}
		line("%s", name)
	}
	if !r.playlist.noEnding {
		line("#EXT-X-ENDLIST")
	}
	return out.Bytes()
}

func (r *recording) playlistOrder() []int {
	if r.order != nil {
		return r.order
	}
	order := make([]int, len(r.segments))
	for i := range order {
		order[i] = i
	}
	return order
}

// finish writes the files and makes the truth.
func (r *recording) finish() *recording {
	for _, s := range r.segments {
		name := path.Join(path.Dir(r.object), s.name)
		if !s.absent && s.byteRange == "" {
			r.files[name] = s.data
		}
	}
	if r.format == "HLS" {
		r.files[r.object] = r.text()
	}
	r.truth.fill(r.units, r.end)
	r.fillDark()
	return r
}

// isDark says that the part's segment names no stream of pictures.
func (p *part) isDark() bool {
	return !slices.ContainsFunc(p.units, func(u *unit) bool { return u.source.video }) &&
		(p.take.changing || !slices.ContainsFunc(p.take.slots, func(s slot) bool { return s.source.video }))
}

// fillDark notes the stretches without pictures behind the first one.
func (r *recording) fillDark() {
	r.truth.dark = nil
	from := math.Inf(1)
	shown := false
	for _, s := range r.segments {
		first := math.Inf(1)
		for _, u := range s.units {
			if u.source.video {
				first = min(first, u.at)
			}
		}
		switch {
		case !math.IsInf(first, 1):
			if !math.IsInf(from, 1) {
				r.truth.dark = append(r.truth.dark, span{from: from, to: first})
			}
			from, shown = math.Inf(1), true
		case s.dark && shown:
			from = min(from, s.from)
		}
	}
	if !math.IsInf(from, 1) {
		r.truth.dark = append(r.truth.dark, span{from: from, to: r.end})
	}
}

// lose marks units as lost and those that depend on them as tainted, and notes the damage.
func (r *recording) lose(lost ...*unit) {
	if len(lost) == 0 {
		return
	}
	d := damage{from: math.Inf(1), to: math.Inf(-1)}
	for _, u := range lost {
		u.lost = true
		d.from, d.to = min(d.from, u.at), max(d.to, u.at+u.length)
		d.video, d.sound = d.video || u.source.video, d.sound || !u.source.video
	}
	r.truth.damages = append(r.truth.damages, d)
	r.taint()
}

// taint marks the pictures after a lost one, until the next key picture, and the one before it, which may end with bytes of
// the lost one.
func (r *recording) taint() {
	tainted, before := map[*source]bool{}, map[*source]*unit{}
	for _, u := range r.units {
		if !u.source.video {
			continue
		}
		if u.lost {
			tainted[u.source] = true
			if last := before[u.source]; last != nil {
				last.tainted = true
			}
		} else if u.sample().key {
			tainted[u.source] = false
		}
		u.tainted = tainted[u.source]
		before[u.source] = u
	}
}

// touched are the units with bytes in [from, to) of a segment.
func (s *segment) touched(from, to int) []*unit {
	var units []*unit
	for _, p := range s.places {
		if p.from < to && p.to > from {
			units = append(units, p.unit)
		}
	}
	return units
}
