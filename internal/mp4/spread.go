// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import "sparkrtc.dev/recording-operator/internal/media"

// maxBunch is how many frames of sound that begin at one time are spread.
const maxBunch = 64

// spreadCursor gives frames of sound times of their own. Some muxers write all frames of a PES packet at its time: none of them has a
// duration but the last one, which has that of all.
type spreadCursor struct {
	cursor
	track *Track
	// bunch are the samples that were read, and given is how many of them next gave.
	bunch []Sample
	given int
	// read is the last one; it is here so that reading allocates nothing.
	read Sample
}

// spread is the cursor of a track of sound that gives each frame a time of its own.
func (t *Track) spread(inner cursor) cursor {
	if t.Kind != media.Audio {
		return inner
	}
	return &spreadCursor{cursor: inner, track: t}
}

func (c *spreadCursor) rest() int64 { return c.cursor.rest() + int64(len(c.bunch)-c.given) }

func (c *spreadCursor) next(s *Sample) (bool, error) {
	if c.given == len(c.bunch) {
		if ok, err := c.fill(); !ok {
			return false, err
		}
	}
	*s = c.bunch[c.given]
	c.given++
	return true, nil
}

// fill reads the next sample, and with one that has no duration those up to the first that has one. false: there is none.
func (c *spreadCursor) fill() (bool, error) {
	c.bunch, c.given = c.bunch[:0], 0
	for len(c.bunch) < maxBunch {
		ok, err := c.cursor.next(&c.read)
		if err != nil {
			return false, err
		}
		if !ok {
			break
		}
		c.bunch = append(c.bunch, c.read)
		if c.read.Duration > 0 {
			break
		}
	}
	if len(c.bunch) > 1 {
		c.spread()
	}
	return len(c.bunch) > 0, nil
}

// spread divides the duration of the last sample among all of the bunch, if it is long enough for them. The last one of a file, or of
// a fragment, may say nothing: then each lasts as long as a frame does.
func (c *spreadCursor) spread() {
	count, frame := int64(len(c.bunch)), c.frame()
	whole := c.bunch[count-1].Duration
	if whole < count*frame*3/4 && c.cursor.rest() == 0 {
		whole = count * frame
	}
	if frame == 0 || whole < count*frame*3/4 {
		return
	}
	for i := range c.bunch {
		from, to := whole*int64(i)/count, whole*int64(i+1)/count
		c.bunch[i].DTS += from
		c.bunch[i].PTS += from
		c.bunch[i].Duration = to - from
	}
}

// frame is how long a frame lasts by the sample entry, in units of the track's time scale; 0: it does not say.
func (c *spreadCursor) frame() int64 {
	description := c.bunch[0].Description
	if description < 0 || description >= len(c.track.Params) {
		return 0
	}
	params := &c.track.Params[description]
	if params.SampleRate <= 0 {
		return 0
	}
	return int64(params.FrameSamples) * int64(c.track.Timescale) / int64(params.SampleRate)
}
