// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import "sparkrtc.dev/recording-operator/internal/media"

// Bounds of sound that overlaps.
const (
	// maxBehind is by how much a packet of sound may be later in the result than its time, because others are at its time.
	// It is a little less than what nobody hears apart from the picture.
	maxBehind = media.Clock * 35 / 1000
	// maxRecent is how many packets are looked at for a repetition; recorders repeat a few at a border.
	maxRecent = 64
	// maxBunched is how much sound may have nearly one time: more is away from the picture, wherever it is put.
	maxBunched = media.Clock / 5
	// maxRests bounds the stretches of one piece that are left out: each is a pass through its file.
	maxRests = 64
)

// leaveOutOverlaps leaves out sound for which there is no room: other sound was recorded at the same time. One track holds
// one sound at a time. To push such packets behind each other would move the sound away from the picture.
func (b *builder) leaveOutOverlaps() {
	if b.tracks[media.Audio] == nil {
		return
	}
	o := overlaps{builder: b}
	for placed := range b.placed().Packets(media.Audio) {
		o.add(&placed)
	}
	o.close()
	o.endBunch()
	for i := len(o.out) - 1; i >= 0; i-- {
		b.leaveOut(&o.out[i])
	}
}

// leftOut are packets of one slice that are not in the result.
type leftOut struct {
	piece, slice int
	from, to     int
	// at is the time of the first, and end that of the last.
	at, end int64
	// own says that the other sound is that of the slice itself, and not the same again.
	own bool
}

// overlaps finds the packets to be left out.
type overlaps struct {
	*builder
	began bool
	// last is where the last packet is in the result, and end where it ends.
	last, end int64
	// recent are the last packets.
	recent [maxRecent]media.Packet
	count  int
	// piece and slice are those of the last packet that is in the result.
	piece, slice int
	bunch        bunch
	// now is the stretch that is being left out; to 0: none is.
	now leftOut
	out []leftOut
}

func (o *overlaps) add(placed *Placed) {
	at := max(placed.PTS, o.last+1)
	overlapping := o.began && placed.PTS < o.end-placed.Duration/2
	if repeats := overlapping && o.repeats(placed); repeats || overlapping && (o.now.to > 0 || at-placed.PTS > maxBehind) {
		o.skip(placed)
		o.now.own = o.now.own || !repeats && o.piece == placed.Piece && o.slice == placed.Slice
		return
	}
	o.close()
	o.bunchUp(placed)
	o.recent[o.count%maxRecent] = placed.Packet
	o.count++
	if !o.began {
		at = placed.PTS
	}
	o.began, o.last, o.end = true, at, at+placed.Duration
	o.piece, o.slice = placed.Piece, placed.Slice
}

// bunch is sound whose packets all have nearly one time: how many have nearly the time of another, and how long these last.
type bunch struct {
	count  int
	length int64
}

// bunchUp adds a packet to the bunch, or begins another one with it.
func (o *overlaps) bunchUp(placed *Placed) {
	if o.began && o.piece == placed.Piece && o.slice == placed.Slice && placed.PTS-o.newest().PTS < placed.Duration/4 {
		o.bunch.count, o.bunch.length = o.bunch.count+1, o.bunch.length+placed.Duration
		return
	}
	o.endBunch()
	o.bunch = bunch{}
}

// endBunch says of a bunch that is too long that its times are wrong.
func (o *overlaps) endBunch() {
	if o.bunch.length > maxBunched {
		o.find(TimestampOutlier, o.pieces[o.piece].Segment, o.newest().PTS, 0,
			"%d audio packet(s), %s of sound, have nearly the same time as the packet before them", o.bunch.count, position(o.bunch.length))
	}
}

// newest is the last packet that is in the result.
func (o *overlaps) newest() *media.Packet { return &o.recent[(o.count-1)%maxRecent] }

// repeats says that a packet is the same as one of those before it, as far as times and size tell.
func (o *overlaps) repeats(placed *Placed) bool {
	const same = media.Clock / 1000
	for _, recent := range o.recent[:min(o.count, maxRecent)] {
		if recent.Size == placed.Size && distance(recent.PTS, placed.PTS) <= same {
			return true
		}
	}
	return false
}

// skip leaves a packet out.
func (o *overlaps) skip(placed *Placed) {
	if o.now.to > 0 && (o.now.piece != placed.Piece || o.now.slice != placed.Slice) {
		o.close()
	}
	if o.now.to == 0 {
		o.now = leftOut{piece: placed.Piece, slice: placed.Slice, from: placed.Number, at: placed.PTS}
	}
	o.now.to, o.now.end = placed.Number+1, placed.PTS+placed.Duration
}

// close ends a stretch.
func (o *overlaps) close() {
	if o.now.to > 0 {
		o.out = append(o.out, o.now)
	}
	o.now = leftOut{}
}

// leaveOut takes packets out of their slice, which may become two. Later ones are taken out first.
func (b *builder) leaveOut(out *leftOut) {
	each := b.pieces[out.piece]
	if len(each.Audio) > maxRests {
		return
	}
	var kept []Slice
	for i, slice := range each.Audio {
		if i != out.slice {
			kept = append(kept, slice)
			continue
		}
		head, tail := slice, slice
		head.To, tail.From = out.from, out.to
		for _, rest := range []Slice{head, tail} {
			if rest.From < rest.To {
				kept = append(kept, rest)
			}
		}
	}
	each.Audio = kept
	b.tracks[media.Audio].Packets -= int64(out.to - out.from)
	if out.own {
		b.find(TimestampOutlier, each.Segment, out.at, out.end-out.at,
			"%d audio packet(s) are not in the result: others of their stream have the same time", out.to-out.from)
		return
	}
	b.find(StreamIgnored, each.Segment, out.at, out.end-out.at,
		"%d audio packet(s) are not in the result: other sound was recorded at the same time", out.to-out.from)
}

// placed is the timeline as far as it is known.
func (b *builder) placed() *Timeline {
	t := &Timeline{Video: b.tracks[media.Video], Audio: b.tracks[media.Audio], segments: b.segments}
	for _, each := range b.pieces {
		t.Pieces = append(t.Pieces, each.Piece)
	}
	return t
}
