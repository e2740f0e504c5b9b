// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package remux

import (
	"iter"
	"math"
	"slices"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// track is a track of the result.
type track struct {
	timeline *timeline.Timeline
	from     *timeline.Track
	// rate is the number of units in a second of the result's times.
	rate int64
	// snap is maxSnap in these units.
	snap int64
	// silent is a silent frame for each of the track's parameters; nil: there is none that is known.
	silent [][]byte
	// inBand are the parameter sets that go in front of each key frame, for each of the track's parameters; nil: none.
	inBand [][]byte
	// forEncoder is Input.ForEncoder.
	forEncoder bool
}

// sample is a sample of the result.
type sample struct {
	timeline.Placed
	// inserted says that the sample is not at this place of the recording: silence, or a mark.
	inserted bool
	// left says that the recording's sample is not in the result.
	left bool
	// dts, pts and duration are in units of the track's rate.
	dts, pts, duration int64
	size               int
}

func newTrack(t *timeline.Timeline, from *timeline.Track) *track {
	made := &track{timeline: t, from: from, rate: media.Clock}
	if from.Kind == media.Audio && from.Params[0].SampleRate > 0 {
		made.rate = int64(from.Params[0].SampleRate)
		for _, params := range from.Params {
			made.silent = append(made.silent, codec.Silence(params))
		}
	}
	made.snap = max(1, maxSnap*made.rate/media.Clock)
	if len(from.Params) > 1 && from.Kind == media.Video {
		for _, params := range from.Params {
			made.inBand = append(made.inBand, params.InBand)
		}
	}
	return made
}

// scale turns ticks into units of the track's rate.
func (t *track) scale(ticks int64) int64 {
	if t.rate == media.Clock {
		return ticks
	}
	if ticks < 0 {
		return -t.scale(-ticks)
	}
	return (ticks*t.rate + media.Clock/2) / media.Clock
}

// silence is a silent frame with the parameters of a packet; nil: there is none that is known.
func (t *track) silence(entry int) []byte {
	if entry < len(t.silent) {
		return t.silent[entry]
	}
	return nil
}

// ticks turns units of the track's rate into ticks.
func (t *track) ticks(units int64) int64 { return units * media.Clock / t.rate }

// frame is how long a frame of sound lasts, in units of the track's rate.
func (t *track) frame(placed *timeline.Placed) int64 {
	if params := &t.from.Params[placed.Entry]; params.FrameSamples > 0 && int64(params.SampleRate) == t.rate {
		return int64(params.FrameSamples)
	}
	return t.scale(placed.Duration)
}

// samples are all samples of the track in the order of decoding.
func (t *track) samples() iter.Seq[sample] {
	if t.from.Kind == media.Audio {
		return t.soundSamples()
	}
	return t.pictureSamples()
}

// pictureSamples yields the pictures. A key frame gets its parameter sets in front of it when the track has several:
// not every player looks at the sample entry when it changes.
func (t *track) pictureSamples() iter.Seq[sample] {
	return func(yield func(sample) bool) {
		m := marker{track: t, yield: yield, last: math.MinInt64}
		for placed := range t.timeline.Packets(media.Video) {
			next := sample{Placed: placed, dts: placed.DTS, pts: placed.PTS, duration: placed.Duration, size: placed.Size}
			next.size += len(t.inBandOf(&placed))
			if next.duration == 0 {
				// An only picture has no interval. One that lasts for no time is not in any edit list.
				next.duration = max(1, t.timeline.Interval(&placed, media.Video))
			}
			if next.left = t.forEncoder && !t.timeline.CanDecode(placed.PTS); next.left {
				if !yield(next) {
					return
				}
				continue
			}
			if !m.marks(next.pts) || !m.picture(next) {
				return
			}
		}
		m.marks(math.MaxInt64)
	}
}

// marker yields pictures, and a mark where each stretch without pictures begins.
type marker struct {
	*track
	yield func(sample) bool
	// mark is the first picture, and next counts the stretches.
	mark *sample
	next int
	// last is the decoding time of the last sample.
	last int64
}

// marks yields the marks of the stretches that begin before a time; false: it was the last one that was wanted.
func (m *marker) marks(before int64) bool {
	dark := m.timeline.Dark
	for ; m.forEncoder && m.mark != nil && m.next < len(dark) && dark[m.next].From <= before; m.next++ {
		made := *m.mark
		made.inserted, made.dts, made.pts, made.duration = true, dark[m.next].From, dark[m.next].From, dark[m.next].To-dark[m.next].From
		if !m.picture(made) {
			return false
		}
	}
	return true
}

// picture yields one; decoding times only ever grow.
func (m *marker) picture(next sample) bool {
	if m.mark == nil && m.forEncoder {
		m.mark = &next
	}
	next.dts = max(next.dts, m.last+1)
	m.last = next.dts
	return m.yield(next)
}

// inBandOf are the bytes that go in front of a picture.
func (t *track) inBandOf(placed *timeline.Placed) []byte {
	if t.inBand == nil || !placed.Key {
		return nil
	}
	return t.inBand[placed.Entry]
}

// out is the track as the writer takes it.
func (t *track) out() mp4.OutTrack {
	out := mp4.OutTrack{
		Kind: t.from.Kind, Timescale: uint32(t.rate), Language: t.from.Language, Matrix: t.from.Matrix, //nolint:gosec // a rate
		Edits: t.edits(),
		Samples: func(yield func(mp4.OutSample) bool) {
			for each := range t.samples() {
				if !each.left && !yield(mp4.OutSample{
					DTS: each.dts, PTS: each.pts, Duration: each.duration, Size: each.size, Key: each.Key || each.inserted, Entry: each.Entry,
				}) {
					return
				}
			}
		},
	}
	for _, params := range t.from.Params {
		out.Entries = append(out.Entries, params.Entry)
	}
	return out
}

// edits are the track's. For an encoder, an only piece of pictures that begins between two of them begins with the second, and
// what is before that is empty: the ffmpeg program would show the second one early, and all that follow it.
func (t *track) edits() []media.Edit {
	all := t.from.Edits
	last := len(all) - 1
	if !t.forEncoder || t.from.Kind != media.Video || last < 0 || slices.ContainsFunc(all[:last], func(e media.Edit) bool { return e.Start >= 0 }) {
		return all
	}
	piece := all[last]
	late := t.firstPicture(piece.Start) - piece.Start
	if piece.Start < 0 || late == 0 || piece.Duration > 0 && late >= piece.Duration {
		return all
	}
	rest := media.Edit{Start: piece.Start + late}
	if piece.Duration > 0 {
		rest.Duration = piece.Duration - late
	}
	return append(slices.Clone(all[:last]), media.Edit{Duration: late, Start: -1}, rest)
}

// firstPicture is the time of the first picture that is shown from a media time on; that time itself: there is none.
func (t *track) firstPicture(from int64) int64 {
	first, found := from, false
	for placed := range t.timeline.Packets(media.Video) {
		if placed.PTS >= from && (!found || placed.PTS < first) {
			first, found = placed.PTS, true
		}
	}
	return first
}
