// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"math"
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// state of a recording, as the worker says it.
type state = v1alpha1.IntegrityState

const (
	intact  = v1alpha1.IntegrityIntact
	damaged = v1alpha1.IntegrityDamaged
	unknown = v1alpha1.IntegrityUnknown
)

// truth is what a published result must hold, and what must be said about it.
type truth struct {
	frames  []frame
	sounds  []span
	length  float64
	damages []damage
	// joins are where the takes begin that follow another one.
	joins []float64
	// states that are right; the first is the best.
	states []state
	// change says that one MP4 cannot hold the recording as it is, so that Remux must refuse it unless onChange says
	// otherwise: "", "codec" or "sound".
	change string
	// unreadable: nothing can be made of it; only an archive is possible, or not even that.
	unreadable, archiveRefused bool
	// absent: a file that the playlist names is not there. An archive is refused as well, unless the playlist says so.
	absent, archivable bool
	// choice: there are several variants, so that only an archive is possible.
	choice bool
	// decoding: only decoding finds the damage.
	decoding bool
	// ignored: a stream is left out, and the findings must say so.
	ignored bool
	// dark are the stretches in which the recording has no picture although one came before.
	dark []span
	// rotated pictures: clockwise degrees that a player turns them by.
	rotated int
	// slack is added to the tolerance: what the recording itself leaves open, in seconds.
	slack float64
	// openEnd is by how much the length is open: nothing says how long the last picture is shown.
	openEnd float64
	// transcodeOnly: MP4 cannot hold its codec, or browsers cannot play it; Remux may refuse.
	transcodeOnly bool
}

// frame is a picture that must be shown once at its time.
type frame struct {
	number        int
	at            float64
	width, height int
	// optional: it may be missing or unreadable, because it is damaged.
	optional bool
}

// span is a stretch of sound: at from, the position is position.
type span struct {
	from, to, position float64
}

// damage is what is lost, in true time.
type damage struct {
	from, to     float64
	video, sound bool
}

// fill makes frames and sound of the units.
func (t *truth) fill(units []*unit, length float64) {
	t.length, t.frames, t.sounds = length, nil, nil
	for _, u := range units {
		if u.hidden || u.lost {
			continue
		}
		if u.source.video {
			t.frames = append(t.frames, frame{number: u.number(), at: u.at, width: u.source.width, height: u.source.height, optional: u.tainted})
			continue
		}
		s := span{from: u.at, to: u.at + u.length, position: u.position()}
		if n := len(t.sounds); n > 0 && continues(t.sounds[n-1], s) {
			t.sounds[n-1].to = s.to
		} else {
			t.sounds = append(t.sounds, s)
		}
	}
	slices.SortStableFunc(t.frames, func(a, b frame) int { return compare(a.at, b.at) })
	slices.SortStableFunc(t.sounds, func(a, b span) int { return compare(a.from, b.from) })
	if t.states == nil {
		t.states = []state{intact}
		if len(t.damages) > 0 {
			t.states = []state{damaged}
		}
	}
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func continues(a, b span) bool {
	return math.Abs(a.to-b.from) < 1e-4 && math.Abs(a.position+a.to-a.from-b.position) < 1e-4
}

// isDamaged says that a time lies in a damage, or within margin of one.
func (t *truth) isDamaged(at, margin float64) bool {
	for _, d := range t.damages {
		if at >= d.from-margin && at <= d.to+margin {
			return true
		}
	}
	return false
}

// covers says that a stretch lies within a damage.
func (t *truth) covers(s span) bool {
	return slices.ContainsFunc(t.damages, func(d damage) bool { return s.from >= d.from && s.to <= d.to })
}

// expects says that a verdict is right.
func (t *truth) expects(s state) bool { return slices.Contains(t.states, s) }

// good says that the recording has lost nothing, or nothing that bytes could show.
func (t *truth) good() bool { return t.states[0] == intact }
