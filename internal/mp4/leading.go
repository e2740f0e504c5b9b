// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"cmp"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// maxLeading is how many pictures may be shown before one that they follow: H.264 and H.265 allow 16. As many may be decoded before the
// first one that is shown behind it.
const maxLeading = 16

// leadingCursor shows the first picture of each fragment behind its leading pictures: those that are decoded after it and shown before
// it. The ffmpeg program's muxer for HLS shows it where the fragment before ends instead, at the time of the first leading picture, and
// leaves nothing at its own (mov_write_single_packet in libavformat/movenc.c).
type leadingCursor struct {
	heldCursor
	// begun says that the samples with which the fragment begins were read.
	begun bool
	// shown are the held ones but the first, in the order of showing.
	shown []Sample
}

// showLeading is the cursor of a track of pictures in fragments that shows each of them at its own time. Pictures that say their order
// themselves are left to the timeline, which sees other fragments as well.
func (t *Track) showLeading(inner cursor) cursor {
	if t.Kind != media.Video || saysOrder(t.codec(0)) {
		return inner
	}
	return &leadingCursor{heldCursor: heldCursor{inner: inner}}
}

func (c *leadingCursor) next(s *Sample) (bool, error) {
	if !c.begun {
		if err := c.hold(2*maxLeading+1, func(*Sample) bool { return false }); err != nil {
			return false, err
		}
		if len(c.held) > 1 {
			c.showFirst()
		}
		c.begun = true
	}
	if c.give(s) {
		return true, nil
	}
	ok, err := c.inner.next(s)
	c.begun = ok
	return ok, err
}

// showFirst gives the first picture the time that is free behind its leading pictures, if it has the time of the first of them and
// pictures follow one another at one rate.
func (c *leadingCursor) showFirst() {
	byShowing := func(x, y Sample) int { return cmp.Compare(x.PTS, y.PTS) }
	first, others := &c.held[0], c.held[1:]
	interval := first.Duration
	if !isNear(slices.MinFunc(others, byShowing).PTS, first.PTS, interval) {
		return
	}
	c.shown = append(c.shown[:0], others...)
	slices.SortFunc(c.shown, byShowing)
	leading := 1
	for leading < len(c.shown) && isNear(c.shown[leading].PTS, c.shown[leading-1].PTS+interval, interval) {
		leading++
	}
	if leading > maxLeading || c.leads(leading) != leading {
		return
	}
	free := c.shown[leading-1].PTS + interval
	if leading == len(c.shown) || isNear(c.shown[leading].PTS, free+interval, interval) {
		first.PTS = free
	}
}

// isNear says that two times are one, but for rounding.
func isNear(x, y, interval int64) bool { return max(x-y, y-x)*8 < interval }

// leads is how many pictures in a row behind the first one are shown before the one of this number in the order of showing.
func (c *leadingCursor) leads(number int) (count int) {
	last := c.shown[number-1].PTS
	for i := 1; i < len(c.held) && c.held[i].PTS <= last; i++ {
		count++
	}
	return count
}
