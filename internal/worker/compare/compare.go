// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package compare says whether an MP4 that was made holds what the timeline of the recording says: every packet or
// picture, at its time, and nothing else. It reads the MP4's own tables, and trusts neither the program that made it nor
// its exit code.
package compare

import (
	"fmt"
	"iter"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// Tolerances, in ticks.
const (
	// maxPictureMiss is by how much a picture may be shown at another time: results with clocks of milliseconds round.
	maxPictureMiss = 5 * media.Clock / 1000
	// maxEditMiss is the same where an edit list shows several pieces: where one of them begins between two pictures, the ffmpeg
	// program shows all pictures of the piece early by what is left of the first.
	maxEditMiss = 40 * media.Clock / 1000
	// maxSoundMiss is the same for sound. What nobody hears apart from the picture is within it.
	maxSoundMiss = 40 * media.Clock / 1000
	// minHole is the least hole that silence may be put into: several of them add up.
	minHole = 2 * media.Clock / 1000
	// maxSoundHole is the longest hole of re-encoded sound, and how early it may end.
	maxSoundHole = 60 * media.Clock / 1000
	// maxSoundRest is by how much re-encoded sound may be longer: an encoder fills its last frames.
	maxSoundRest = 150 * media.Clock / 1000
)

// Difference is the first difference between a result and its recording.
type Difference struct {
	// Kind of the stream.
	Kind media.Kind
	// At is the time in the result, in ticks.
	At int64
	// Text says what differs.
	Text string
}

// Error says where and what.
func (d *Difference) Error() string {
	return fmt.Sprintf("the %s of the result differs from the recording at %s: %s", d.Kind, timeline.Duration(d.At), d.Text)
}

func differ(kind media.Kind, at int64, format string, args ...any) error {
	return &Difference{Kind: kind, At: at, Text: fmt.Sprintf(format, args...)}
}

// trackOf is the result's only track of a kind; nil: it has none.
func trackOf(movie *mp4.Movie, kind media.Kind) (*mp4.Track, error) {
	var found *mp4.Track
	for _, track := range movie.Tracks() {
		if track.Kind != kind {
			continue
		}
		if found != nil {
			return nil, differ(kind, 0, "there are two tracks")
		}
		found = track
	}
	return found, nil
}

// pair finds the tracks of a kind in both; false: neither has one.
func pair(t *timeline.Timeline, movie *mp4.Movie, kind media.Kind) (*timeline.Track, *mp4.Track, bool, error) {
	want := t.Track(kind)
	have, err := trackOf(movie, kind)
	switch {
	case err != nil:
		return nil, nil, false, err
	case want == nil && have == nil:
		return nil, nil, false, nil
	case want == nil:
		return nil, nil, false, differ(kind, 0, "the recording has no such stream")
	case have == nil:
		return nil, nil, false, differ(kind, 0, "the result has no such stream")
	}
	return want, have, true, nil
}

// shown is a sample of the result with its times in ticks, as a player shows it.
type shown struct {
	pts, duration int64
	size          int
	key           bool
	entry         []byte
	// optional: a player need not show it.
	optional bool
}

// samples yields a track's samples, moved by shift ticks: by track.Shift(), as a player shows them.
func samples(track *mp4.Track, shift int64) iter.Seq2[shown, error] {
	return func(yield func(shown, error) bool) {
		for sample, err := range track.Samples() {
			if err != nil {
				yield(shown{}, fmt.Errorf("read the result's tables: %w", err))
				return
			}
			params := &track.Params[sample.Description]
			next := shown{
				pts: track.Ticks(sample.PTS) + shift, duration: track.Ticks(sample.Duration), size: sample.Size,
				key: sample.Key, entry: params.Entry,
			}
			if params.FrameSamples > 0 && params.SampleRate > 0 {
				// By the tables, the frame before a hole lasts for all of it.
				next.duration = min(next.duration, int64(params.FrameSamples)*media.Clock/int64(params.SampleRate))
			}
			if !yield(next, nil) {
				return
			}
		}
	}
}
