// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package remux

import (
	"iter"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// maxSnap is by how much a frame of sound may miss the end of the one before it and still follow it at once: times in
// MPEG-TS are rounded, and some recorders round to milliseconds. In ticks.
const maxSnap = 3 * media.Clock / 1000

// maxPush is by how much a frame of sound may be later than its time, in ticks: less than what a comparison allows.
// catchUp is which part of a frame a later one catches up: no clock of a recorder is wrong by one percent.
const (
	maxPush = 30 * media.Clock / 1000
	catchUp = 64
)

// soundSamples yields the frames of a sound track in units of its sample rate. Holes are filled with silent frames,
// because browsers play a hole in a sound track back to back: everything after it would be heard early. The number of
// silent frames is the one that keeps such a player within half a frame of the right time; a player that heeds the times
// is always right.
func (t *track) soundSamples() iter.Seq[sample] {
	return func(yield func(sample) bool) {
		f := filler{track: t, yield: yield}
		for placed := range t.timeline.Packets(media.Audio) {
			if !f.add(placed) {
				return
			}
		}
	}
}

// filler puts frames one after another.
type filler struct {
	track *track
	yield func(sample) bool

	began bool
	// last is where the last frame begins, end where it ends, and played where a player is that knows no holes, in units of
	// the sample rate.
	last, end, played int64
}

// add yields a frame, and the silence before it. A frame that begins before the end of the one before follows it at once,
// as jitter asks for, but comes nearer to its own time with each further frame. Where the clock of the sound is faster than
// its frames say, pushing each behind the one before would move the sound away from the picture for the rest of the
// recording.
func (f *filler) add(placed timeline.Placed) bool {
	at := f.track.scale(placed.PTS)
	length := f.track.frame(&placed)
	if !f.began {
		f.began, f.last, f.end, f.played = true, at-1, at, at
	}
	if distance := at - f.end; distance < f.track.snap && distance > -f.track.snap {
		at = f.end
	}
	if !f.silence(at, length, &placed) {
		return false
	}
	pushed := min(f.end-length/catchUp, at+maxPush*f.track.rate/media.Clock)
	at = max(at, pushed, f.last+1)
	f.last, f.end, f.played = at, at+length, f.played+length
	return f.yield(sample{Placed: placed, dts: at, pts: at, duration: length, size: placed.Size})
}

// silence fills the hole before a frame. A hole of less than half a frame is jitter, and is filled only when many of them
// add up: the sound's clock is slower than its frames say. There, silence and the frame behind it must differ in size, so
// that a comparison can tell them apart.
func (f *filler) silence(at, length int64, placed *timeline.Placed) bool {
	frame := f.track.silence(placed.Entry)
	hole, behind := at-f.end, at-f.played
	least := length * 3 / 4
	if hole >= least { // no jitter
		least = length / 2
	}
	if frame == nil || length <= 0 || hole <= 0 || behind < least || hole < length/2 && (behind < length*3/2 || placed.Size == len(frame)) {
		return true
	}
	count := max(1, min((behind+length/2)/length, hole*2/length))
	step := (at - f.end) / count
	for i := range count {
		silent := sample{inserted: true, dts: f.end, pts: f.end, duration: step, size: len(frame)}
		silent.Entry = placed.Entry
		if i == count-1 {
			silent.duration = at - f.end
		}
		if !f.yield(silent) {
			return false
		}
		f.end += silent.duration
		f.played += length
	}
	return true
}

// minUnfilled is the least hole that Unfilled lists, and maxUnfilled how many there are.
const (
	minUnfilled = media.Clock / 10
	maxUnfilled = 1000
)

// Unfilled are the holes in the sound that no silence is written into, since no silent frame of its encoding is known. Browsers
// play what follows at once.
func Unfilled(t *timeline.Timeline) []timeline.Stretch {
	if t.Audio == nil {
		return nil
	}
	var found []timeline.Stretch
	track := newTrack(t, t.Audio)
	end, began := int64(0), false
	for placed := range t.Packets(media.Audio) {
		if began && placed.PTS-end > minUnfilled && track.silence(placed.Entry) == nil && len(found) < maxUnfilled {
			found = append(found, timeline.Stretch{From: end, To: placed.PTS})
		}
		end, began = max(end, placed.PTS+placed.Duration), true
	}
	return found
}
