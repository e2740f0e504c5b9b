// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// drawing makes recordings at random: material, layout, clock, rate and damage.
type drawing struct {
	*rand.Rand
	says       []string
	fragmented bool
	// away: a stream may be away for a whole segment although nothing is lost.
	away bool
	run  int // packets that were left out
	// unseen: two segments are swapped and no stream shows it.
	unseen bool
	// openEnd is by how much the last interval between pictures differs from the others, in seconds.
	openEnd float64
	// openJoin is the same for takes that others follow, when the playlist does not say how long they are.
	openJoin float64
	// soundPacket is how long the sound in a PES packet lasts, in seconds.
	soundPacket float64
}

// draw is the n-th recording of a seed, the same each time.
func draw(seed, n uint64) shape {
	d := &drawing{Rand: rand.New(rand.NewPCG(seed, n))}
	r := d.recording()
	return shape{
		name: fmt.Sprintf("drawn_%d_%d", seed, n), kind: "drawn", says: strings.Join(d.says, ", "), make: func() *recording { return r },
	}
}

func (d *drawing) say(format string, args ...any) {
	d.says = append(d.says, fmt.Sprintf(format, args...))
}

// one says yes once in n times.
func (d *drawing) one(n int) bool { return d.IntN(n) == 0 }

func (d *drawing) between(from, to float64) float64 { return from + (to-from)*d.Float64() }

// material is what a drawn recording is made of: names of sources, "" for none.
type material struct{ video, sound string }

var materials = []material{
	{"h264", "aac"}, {"h264", "aac"}, {"h264", "aac-mono"}, {"h264-b", "aac"}, {"hevc", "aac"}, {"h264", ""}, {"", "aac"},
	{"h264-long", "aac-44"}, {"h264", "mp3"}, {"h264", "opus"}, {"h264-key", "aac-16"}, {"h264-big", "aac"}, {"hevc-b", "aac"},
	{"h264-paff", "aac"}, {"h264-slices", "aac"},
}

func (d *drawing) recording() *recording {
	m := materials[d.IntN(len(materials))]
	d.say("%s %s", m.video, m.sound)
	container := d.container(m)
	takes := 1
	if container != "mp4" && d.one(3) {
		takes = 2 + d.IntN(3)
	}
	if container == "mp4" {
		r := mp4File(d.take(m, 0, d.between(3, 16)), d.mp4Style())
		r.truth.openEnd = d.openEnd
		d.damageMP4(r)
		r.files[r.object] = r.segments[0].data
		return r.finish()
	}
	r := newRecording()
	r.playlist = playlistStyle{whole: d.one(6), crlf: d.one(8), dates: d.one(6)}
	style := d.style(m)
	seconds := d.between(0.7, 5)
	clock := math.Inf(-1) // what the clock of the take before shows at its end
	if m.sound != "" {
		d.soundPacket = float64(style.packets) * getSource(m.sound).packetSeconds()
	}
	d.say("%s, %d takes, segments of %.1f s, %+v", container, takes, seconds, style)
	from := 0.0
	whole := container == "" && d.one(5) // nothing is damaged of a recording whose layout changes
	for i := range takes {
		t := d.take(m, from, d.between(3, 12)/float64(takes)+2)
		if whole {
			d.layout(t, m, from)
		}
		growing := t.style.growing
		t.style, t.stamp = style, d.stamp()
		t.style.growing = growing
		if container == "fmp4" {
			t.stamp++ // decoding times are not negative
		}
		begin, end := t.extent()
		near := 1.0
		if r.playlist.whole {
			near = 2 // whole seconds leave so much open: one is rounded off, and one may be
		}
		if late := math.Mod(t.stamp+begin-clock+2*fullTurn, fullTurn); late < near || late > fullTurn-6 {
			// A clock that begins where the one before ended looks like one that goes on; so does one whose beginning is lost.
			t.stamp += 20
		}
		clock = t.stamp + end
		r.add(t, joint{tag: i > 0, seconds: seconds, container: container})
		from += end
	}
	r.truth.openEnd = d.openEnd
	if r.playlist.whole && takes > 1 {
		r.truth.slack = d.openJoin
	}
	if d.away {
		r.truth.states = []state{intact, unknown}
	}
	if whole {
		d.tags(r)
	} else {
		d.damage(r, style)
	}
	if len(r.truth.damages) == 0 && style.restart && r.looksCut() {
		r.truth.states = []state{intact, unknown, damaged}
	}
	return r.finish()
}

func (d *drawing) container(m material) string {
	switch d.IntN(10) {
	case 0, 1:
		if m.sound == "mp3" || m.sound == "opus" {
			return ""
		}
		return "fmp4"
	case 2, 3:
		return "mp4"
	case 4:
		if m.video == "" {
			return "packed"
		}
	}
	return ""
}

func (d *drawing) mp4Style() mp4Style {
	style := mp4Style{behind: d.one(2), wide: d.one(4)}
	if d.one(3) {
		style.fragments, d.fragmented = d.between(0.5, 4), true
	}
	if d.one(6) {
		style.longer = d.between(0.2, 3)
	}
	d.say("mp4 %+v", style)
	return style
}

// fullTurn is after how many seconds a clock of 33 bits begins again.
const fullTurn = float64(1<<33) / clock

// stamp is where a clock begins.
func (d *drawing) stamp() float64 {
	switch d.IntN(4) {
	case 0:
		return 1.4
	case 1:
		return d.between(0, 95000)
	case 2:
		return wrapStamp + d.between(-3, 5)
	}
	return float64(d.IntN(3))
}

// take draws a stretch of seconds, its material from a position on.
func (d *drawing) take(m material, from, seconds float64) *take {
	t := newTake()
	if m.video != "" {
		d.pictures(t, m.video, from, seconds)
	}
	if m.sound == "" {
		return t
	}
	begin, end := 0.0, seconds
	if m.video != "" && d.one(5) {
		begin = d.between(0, seconds/2)
		d.say("sound from %.2f", begin)
		d.away = true
	}
	if m.video != "" && seconds > 4 && d.one(4) {
		a := d.between(begin+0.5, seconds-2)
		b := d.between(a+0.2, seconds-0.5)
		d.say("muted %.2f to %.2f", a, b)
		d.away = true
		t.sound(m.sound, begin, a, from)
		begin = b
	}
	t.sound(m.sound, begin, end, from)
	return t
}

// pictures draws the rate of a take.
func (d *drawing) pictures(t *take, name string, from, seconds float64) {
	fps := []float64{3, 7.5, 10, 15, 24, 25, 29.97, 30, 50, 60}[d.IntN(10)]
	at := every(0, fps)
	count := max(int(seconds*fps), 2)
	limit := len(getSource(name).samples)
	kind := d.IntN(6)
	if name == "h264-paff" {
		// Without parameter sets in a segment nothing tells its fields from frames: each one begins with a key picture.
		fps, kind = max(fps, 15), 2+kind/2
		at, count = every(0, fps), max(int(seconds*fps), 2)
	}
	switch kind {
	case 0:
		after, pause := 1+d.IntN(count-1), d.between(0.3, 15)
		d.say("%.2f fps, %.1f s still after %d", fps, pause, after)
		at, d.away = paused(fps, after, pause), true
	case 1:
		first, slow := count/3+1, d.between(1, 8)
		d.say("%.1f, then %.2f fps", slow, fps)
		at, d.away = steps(float64(first), slow, float64(count), fps), true
		d.openEnd = 1 / slow
	case 2:
		d.say("%.2f fps, uneven", fps)
		d.openEnd, d.openJoin = 1.2/fps, max(d.openJoin, 0.6/fps)
		jitter := make([]float64, count+80)
		for i := range jitter {
			jitter[i] = d.between(-0.3, 0.3) / fps
		}
		jitter[0] = 0
		at = func(i int) float64 { return float64(i)/fps + jitter[i] }
	default:
		d.say("%.2f fps", fps)
	}
	if d.one(8) {
		late := d.between(0.1, 3)
		d.say("picture from %.2f", late)
		d.away = true
		before := at
		at = func(i int) float64 { return before(i) + late }
	}
	d.away = d.away || fps < 10 || name == "h264-long"
	if group := getSource(name).group; strings.HasSuffix(name, "-b") {
		count += group - count%group // a group of B-frames is whole
		d.away = d.away || at(count-1) > seconds+0.3
	}
	d.openEnd = max(d.openEnd, 1/fps)   // an encoder does not keep how long the last one is shown
	d.openJoin = max(d.openJoin, 1/fps) // nor does a segment of a single picture, where durations are whole seconds
	d.away = d.away || count > limit    // the sound goes on without picture
	first := int(from*30) % max(limit-count, 1)
	t.video(name, first, min(count, limit), at)
}

// damage draws one of the damages to an HLS recording, or none.
func (d *drawing) damage(r *recording, style tsStyle) {
	n := len(r.segments)
	i := d.IntN(n)
	s := r.segments[i]
	ts := r.isTS(s)
	kind := d.IntN(26)
	if kind >= 17 || n < 3 || kind > 4 && !ts && kind != 16 {
		return
	}
	names := []string{
		"last cut", "middle cut", "middle cut at any byte", "line missing", "duplicated", "head cut", "packets of all PIDs gone",
		"packets of a PID gone", "swapped", "duplicated far", "zeros", "a PID of a segment gone", "garbage", "every n-th packet gone",
		"bytes inserted", "bytes gone", "last line missing",
	}
	d.say("%s: segment %d of %d", names[kind], i, n)
	whole := r.bytesOfSegments()
	d.apply(r, kind, i, s)
	d.expect(r, kind, s, style)
	if len(r.truth.damages) > 0 && kind != lastLineMissing && d.leavesNoTrace(r, kind, &traces{recording: r, whole: whole, restart: style.restart}) {
		r.truth.states = append(r.truth.states, intact)
	}
}

// earliest is the least time of the units behind an offset.
func (s *segment) earliest(offset int) float64 {
	found := math.Inf(1)
	for _, p := range s.places {
		if p.to > offset {
			found = min(found, p.unit.at)
		}
	}
	return found
}

// isAlone says that a segment is the only one of its clock.
func (r *recording) isAlone(i int) bool {
	return (i == 0 || r.segments[i].discontinuity) && (i+1 == len(r.segments) || r.segments[i+1].discontinuity)
}

func (d *drawing) apply(r *recording, kind, i int, s *segment) {
	n := len(r.segments)
	switch kind {
	case 0:
		r.cut(r.segments[n-1], d.between(0.1, 0.8), r.isTS(s))
	case 1, 2:
		r.cut(s, d.between(0.1, 0.8), kind == 1 && r.isTS(s))
	case 3:
		// Beside a reset nothing would say how long the lost segment was.
		if i = 1 + d.IntN(n-2); !r.segments[i].discontinuity && !r.segments[i+1].discontinuity {
			r.leaveOut(r.segments[i])
		}
	case 4:
		i = max(i, 1)
		r.replace(r.segments[i], r.segments[i-1].data)
	case 5:
		r.cutHead(s, d.between(0.1, 0.7))
	case 6, 7:
		from, count := d.IntN(len(s.data)/188), 1+d.IntN(60)
		pid := []uint16{videoPID, audioPID}[d.IntN(2)]
		d.run = 0
		r.dropPackets(s, func(k int, p uint16) bool {
			if k < from || d.run >= count || kind == 7 && p != pid {
				return false
			}
			d.run++
			return true
		})
	case 8:
		// Across a reset nothing tells which clock was first.
		if a := d.IntN(n - 1); !r.segments[a+1].discontinuity {
			d.unseen = keepOrder(r.segments[a], r.segments[a+1])
			r.swap(r.segments[a], r.segments[a+1])
		}
	case 9:
		// Of two clocks of a segment each, whole seconds do not tell which one is the copy, nor how long the lost one was.
		if other := (i + 2) % n; !r.playlist.whole || !r.isAlone(i) || !r.isAlone(other) {
			r.replace(s, r.segments[other].data)
		}
	case 10:
		from := d.between(0, 0.7)
		r.zero(s, from, from+d.between(0.1, 0.3))
	case 11:
		pid := []uint16{videoPID, audioPID}[d.IntN(2)]
		d.run = 0
		r.dropPackets(s, func(_ int, p uint16) bool {
			if p == pid {
				d.run++
			}
			return p == pid
		})
	case 12:
		r.replace(s, []byte(strings.Repeat("<error>no such key</error>\n", 50)))
	case 13:
		every, phase := 20+d.IntN(60), d.IntN(20)
		r.dropPackets(s, func(k int, _ uint16) bool { return k%every == phase })
	case 14, 15:
		at := d.IntN(len(s.data) - 400)
		count := 1 + d.IntN(187)
		r.truth.damages = append(r.truth.damages, damage{from: s.from, to: s.from, video: true, sound: true})
		if kind == 15 {
			r.lose(s.touched(at, at+count)...)
			s.data = slices.Concat(s.data[:at], s.data[at+count:])
			break
		}
		r.lose(s.touched(at, at+1)...)
		s.data = slices.Concat(s.data[:at], make([]byte, count), s.data[at:])
	case 16:
		r.leaveOut(r.segments[n-1])
	}
}

// damageMP4 draws a damage of one file.
func (d *drawing) damageMP4(r *recording) {
	s := r.segments[0]
	media := s.places[0].from
	size := float64(len(s.data))
	switch d.IntN(6) {
	case 0:
		d.say("zeros")
		from := d.between(float64(media)/size, 0.9)
		to := from + d.between(0.02, 0.1)
		touched := r.zero(s, from, to)
		r.truth.unreadable = int(size*to) > s.places[len(s.places)-1].to // the tables lie behind
		// Zeros in sound are seen by a decoder alone, and so are those in a single picture of an encoding that may have them.
		r.truth.decoding = !slices.ContainsFunc(touched, func(u *unit) bool {
			return u.source.video && (len(touched) > 1 || u.source.codec == "h264" || u.source.codec == "hevc")
		})
		for i := range r.truth.damages {
			if d.fragmented { // its tables may be hit, and all that they describe and that follows is lost with them
				r.truth.damages[i].from, r.truth.damages[i].to = min(r.truth.damages[i].from, s.earliest(int(size*from))), r.end
			}
		}
		r.truth.states = []state{damaged}
	case 1:
		fraction := d.between(0.3, 0.9)
		if size*fraction < float64(media) || string(s.data[len(s.data)-4:]) == "" {
			return
		}
		d.say("cut")
		behind := s.places[len(s.places)-1].to < len(s.data)
		r.cut(s, fraction, false)
		r.truth.states = []state{damaged}
		r.truth.unreadable = behind
	}
}
