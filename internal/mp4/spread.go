// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import "sparkrtc.dev/recording-operator/internal/media"

// maxBunch is how many frames of sound that begin at one time are spread.
const maxBunch = 64

// spreadCursor gives frames of sound times of their own. Some muxers write all frames of a PES packet at its time: none of them has a
// duration but the last one, which has that of all.
type spreadCursor struct {
	heldCursor
	track *Track
}

// spread is the cursor of a track of sound that gives each frame a time of its own.
func (t *Track) spread(inner cursor) cursor {
	if t.Kind != media.Audio {
		return inner
	}
	return &spreadCursor{heldCursor: heldCursor{inner: inner}, track: t}
}

func (c *spreadCursor) next(s *Sample) (bool, error) {
	if c.give(s) {
		return true, nil
	}
	// A sample without a duration comes with those up to the first that has one.
	if err := c.hold(maxBunch, func(s *Sample) bool { return s.Duration > 0 }); err != nil {
		return false, err
	}
	if len(c.held) > 1 {
		c.spread()
	}
	return c.give(s), nil
}

// spread divides the duration of the last sample among all of the bunch, if it is long enough for them. The last one of a file, or of
// a fragment, may say nothing: then each lasts as long as a frame does.
func (c *spreadCursor) spread() {
	count, frame := int64(len(c.held)), c.frame()
	whole := c.held[count-1].Duration
	if whole < count*frame*3/4 && c.inner.rest() == 0 {
		whole = count * frame
	}
	if frame == 0 || whole < count*frame*3/4 {
		return
	}
	for i := range c.held {
		from, to := whole*int64(i)/count, whole*int64(i+1)/count
		c.held[i].DTS += from
		c.held[i].PTS += from
		c.held[i].Duration = to - from
	}
}

// frame is how long a frame lasts by the sample entry, in units of the track's time scale; 0: it does not say.
func (c *spreadCursor) frame() int64 {
	description := c.held[0].Description
	if description < 0 || description >= len(c.track.Params) {
		return 0
	}
	params := &c.track.Params[description]
	if params.SampleRate <= 0 {
		return 0
	}
	return int64(params.FrameSamples) * int64(c.track.Timescale) / int64(params.SampleRate)
}
