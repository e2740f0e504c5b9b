// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"bytes"
	"iter"
	"slices"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// Copied compares a result whose packets were copied. kinds are the streams to compare. The error is a *Difference, or
// of reading the result.
func Copied(t *timeline.Timeline, movie *mp4.Movie, kinds ...media.Kind) error {
	for _, kind := range kinds {
		want, have, there, err := pair(t, movie, kind)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		c := copied{timeline: t, want: want}
		if kind == media.Audio {
			for _, params := range want.Params {
				c.silence = append(c.silence, len(codec.Silence(params)))
			}
		}
		if err := c.compare(have); err != nil {
			return err
		}
	}
	return nil
}

// copied compares one track.
type copied struct {
	timeline *timeline.Timeline
	want     *timeline.Track
	// silence is the size of a frame that may be put into holes, for each of the track's parameters; 0: none is.
	silence []int
	// end of the packet before.
	end int64
}

// compare goes through both in step. Only frames of silence may be between the recording's packets, and only in holes.
func (c *copied) compare(have *mp4.Track) error {
	shift := have.Shift()
	if len(c.want.Edits) > 0 {
		moved, same := movedBy(c.want.Edits, have.Edits())
		if !same {
			return differ(c.want.Kind, 0, "the edit list is another one")
		}
		shift = -moved // the recording's times are media times
	}
	next, stop := iter.Pull2(samples(have, shift))
	defer stop()
	for placed := range c.timeline.Packets(c.want.Kind) {
		for {
			sample, err, more := next()
			if err != nil {
				return err
			}
			if !more {
				return differ(c.want.Kind, placed.PTS, "packets are missing from here on")
			}
			if c.isSilence(&sample, &placed) {
				continue
			}
			if err := c.same(&sample, &placed); err != nil {
				return err
			}
			break
		}
		c.end = placed.PTS + placed.Duration
	}
	if sample, err, more := next(); err != nil || more {
		if err != nil {
			return err
		}
		return differ(c.want.Kind, sample.pts, "there are packets that the recording does not have")
	}
	return nil
}

// movedBy says by how much later the media times of an edit list are than those of another one that shows the same, so far as the
// track's clock can say it. A writer moves all media times when some are negative.
func movedBy(want, have []media.Edit) (moved int64, same bool) {
	const miss = media.Clock/8000 + 1 // no clock is slower than that of telephone sound
	shows := func(e media.Edit) bool { return e.Start >= 0 }
	if first := slices.IndexFunc(want, shows); first >= 0 && first < len(have) {
		moved = have[first].Start - want[first].Start
	}
	return moved, slices.EqualFunc(want, have, func(a, b media.Edit) bool {
		begins := shows(a) == shows(b) && (!shows(a) || distance(a.Start+moved, b.Start) <= miss)
		return begins && distance(a.Duration, b.Duration) <= miss
	})
}

// isSilence says that a sample lies in the hole before a packet and has the size of silence. A packet of the same size is
// told by its time.
func (c *copied) isSilence(sample *shown, placed *timeline.Placed) bool {
	if c.silence == nil || c.silence[placed.Entry] == 0 || sample.size != c.silence[placed.Entry] {
		return false
	}
	early := placed.PTS - sample.pts
	return sample.pts >= c.end-maxSoundMiss && (early > placed.Duration*45/100 || early > minHole && sample.size != placed.Size)
}

// same compares one sample with the packet that it must be.
func (c *copied) same(sample *shown, placed *timeline.Placed) error {
	params := &c.want.Params[placed.Entry]
	size, miss := placed.Size, int64(maxSoundMiss)
	if c.want.Kind == media.Video {
		miss = maxPictureMiss
		if placed.Key && len(c.want.Params) > 1 {
			size += len(params.InBand)
		}
	}
	switch {
	case sample.size != size:
		return differ(c.want.Kind, placed.PTS, "a packet has %d bytes instead of %d", sample.size, size)
	case distance(sample.pts, placed.PTS) > miss:
		return differ(c.want.Kind, placed.PTS, "a packet is shown at %s", timeline.Duration(sample.pts))
	case sample.key != placed.Key && c.want.Kind == media.Video:
		return differ(c.want.Kind, placed.PTS, "a key frame is not marked as one, or another picture is")
	case !bytes.Equal(sample.entry, params.Entry):
		return differ(c.want.Kind, placed.PTS, "a packet would be decoded with other parameters")
	}
	return nil
}

func distance(a, b int64) int64 {
	if a < b {
		return b - a
	}
	return a - b
}
