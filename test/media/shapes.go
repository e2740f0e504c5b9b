// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import "strconv"

// shape is a recording by name.
type shape struct {
	name string
	// kind as docs/media.md groups shapes.
	kind string
	// says for a person what is particular.
	says string
	make func() *recording
}

// shapes are all that the corpus has.
func shapes() []shape {
	var all []shape
	for _, group := range [][]shape{
		plainShapes(), streamShapes(), rateShapes(), awayShapes(), clockShapes(), damageShapes(), lossShapes(), headerShapes(),
		habitShapes(), edgeShapes(), muxedShapes(), readerShapes(), recorderShapes(),
	} {
		all = append(all, group...)
	}
	return all
}

// firstSoundAlone expects of two sound tracks the first; that the other one is left out must be said.
func (r *recording) firstSoundAlone() *recording {
	r.truth.ignored = true
	for _, u := range r.units {
		u.hidden = u.slot > 1
	}
	return r.finish()
}

// hideFirst expects that an edit list hides the first seconds.
func (r *recording) hideFirst(seconds float64) *recording {
	for _, u := range r.units {
		u.at -= seconds
		u.hidden = u.at < -0.0005 && u.at+u.length < 0.0005
	}
	r.end -= seconds
	return r
}

// forgetLost takes back damages: what is lost cannot be known, and the recording ends before it.
func (r *recording) forgetLost(end float64) {
	r.truth.damages = nil
	r.truth.length, r.end = end, end
}

func itoa(n int) string { return strconv.Itoa(n) }

// id3Packets writes a stream of timed metadata that the PMT does not name as picture or sound.
func id3Packets(m *tsMux, tracks []tsTrack, at float64) {
	tag := append([]byte("ID3\x04\x00\x00\x00\x00\x00\x0fTXXX\x00\x00\x00\x05\x00\x00\x03a\x00b\x00"), 0)
	index := len(tracks) - 1
	m.pes(tracks, tsUnit{track: index, pts: ticks(at), dts: ticks(at), key: true, payload: tag}, false)
}
