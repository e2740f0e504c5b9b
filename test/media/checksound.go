// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"fmt"
	"math"
	"slices"
)

// soundOffsets are by how much the sound is off, by its positions alone: the least that each may be off.
func (c *checker) soundOffsets() []float64 {
	var offsets []float64
	for _, h := range c.res.sound {
		best := math.Inf(1)
		for _, s := range c.truth.sounds {
			own := h.position - s.position
			if off := h.at - s.from - own; h.clean && own >= 0 && own < s.to-s.from && math.Abs(off) < math.Abs(best) {
				best = off
			}
		}
		if !math.IsInf(best, 1) {
			offsets = append(offsets, best)
		}
	}
	return offsets
}

func (c *checker) soundAt(at float64) *span {
	for i := range c.truth.sounds {
		if s := &c.truth.sounds[i]; at >= s.from && at < s.to {
			return s
		}
	}
	return nil
}

// checkSound: what is heard at each moment is what the recording sounds then, or silence; and the track has samples
// throughout, since a browser plays what follows a hole at once.
func (c *checker) checkSound() {
	expected := slices.ContainsFunc(c.truth.sounds, func(s span) bool { return !c.view.damaged || !c.truth.covers(s) })
	if expected && len(c.res.covered) == 0 {
		c.problem("sound", "there is none")
		return
	}
	windows := slices.Clone(c.res.sound)
	slices.SortStableFunc(windows, func(a, b heard) int { return compare(a.at, b.at) })
	missing := 0.0
	for _, s := range c.truth.sounds {
		missing += c.checkSpan(s, windows)
	}
	if missing > 0.1 {
		c.problems = append(c.problems, fmt.Sprintf("%.2f s of sound are missing", missing))
	}
	c.checkSilence()
	c.checkHoles()
}

// wrongRun is how many windows in a row must tell another position: an encoder distorts a few now and then, and what is
// at a wrong time stays so.
const wrongRun = 4

// checkSpan checks a stretch of sound and gives how much of it is missing, in seconds.
func (c *checker) checkSpan(s span, windows []heard) (missing float64) {
	run := 0
	for i := int(math.Ceil((s.from + c.edge()) * 50)); float64(i)/50 < s.to-c.edge(); i++ {
		moment := float64(i) / 50
		if c.view.damaged && c.truth.isDamaged(moment, 0.12) || c.atBorder(moment) || c.atJoin(moment) {
			run = 0
			continue
		}
		h, covered := nearest(windows, moment+c.origin)
		if (!covered || h.level < chirpLevel/8) && c.isHeardNear(windows, s, moment) {
			continue
		}
		if !covered || h.level < chirpLevel/8 {
			missing += 0.02
			c.problem("sound missing", "at %.2f", moment)
			continue
		}
		want := s.position + h.at - c.origin - s.from
		if h.clean && math.Abs(h.position-want) <= c.tolerance() {
			run = 0
			continue
		}
		if run++; run >= wrongRun {
			c.problem("wrong sound", "at %.2f: position %.3f, it should be %.3f (clean %v)", moment, h.position, want, h.clean)
		}
	}
	return missing
}

// isHeardNear says that what belongs at a moment is heard as much earlier or later as the recording leaves open.
func (c *checker) isHeardNear(windows []heard, s span, moment float64) bool {
	return c.truth.slack > 0 && slices.ContainsFunc(windows, func(h heard) bool {
		return h.clean && math.Abs(h.at-c.origin-moment) <= c.tolerance() && math.Abs(h.position-s.position-moment+s.from) < 0.03
	})
}

// nearest is the window of sound at a time; false: there is none.
func nearest(windows []heard, at float64) (heard, bool) {
	const within = 0.5*windowStep/float64(soundRate) + 0.001
	i, _ := slices.BinarySearchFunc(windows, at-within, func(h heard, t float64) int { return compare(h.at, t) })
	if i == len(windows) || windows[i].at > at+within {
		return heard{}, false
	}
	return windows[i], true
}

// atBorder says that a time is where the result goes from one file to the next: sound begins there again.
func (c *checker) atBorder(at float64) bool {
	return slices.ContainsFunc(c.res.borders, func(border float64) bool { return math.Abs(at+c.origin-border) < edge+tolerance })
}

// atJoin says that a time is where two takes meet, as exactly as the place of a take is known: the sound of the one has ended, or
// that of the other has not begun.
func (c *checker) atJoin(at float64) bool {
	const window = 0.02
	return slices.ContainsFunc(c.truth.joins, func(join float64) bool {
		return math.Abs(at-join) < window+joinTolerance*float64(len(c.truth.joins))
	})
}

// hasBorder says that the result goes from one file to the next within a stretch: the sound of the first one has ended, and that
// of the second begins by an edit list.
func (c *checker) hasBorder(at, length float64) bool {
	return slices.ContainsFunc(c.res.borders, func(border float64) bool {
		return border-c.origin > at-edge-tolerance && border-c.origin < at+length+edge+tolerance
	})
}

// checkSilence: where the recording has no sound, nothing is heard.
func (c *checker) checkSilence() {
	for _, h := range c.res.sound {
		at := h.at - c.origin
		if h.level < chirpLevel/8 || c.truth.isDamaged(at, 0.6) && c.view.damaged {
			continue
		}
		near := slices.ContainsFunc(c.truth.sounds, func(s span) bool { return at > s.from-c.edge() && at < s.to+c.edge() })
		if !near {
			c.problem("extra sound", "at %.2f: position %.3f", at, h.position)
		}
	}
}

func (c *checker) checkHoles() {
	for i := 1; i < len(c.res.covered); i++ {
		hole := c.res.covered[i].from - c.res.covered[i-1].to
		if at := c.res.covered[i-1].to - c.origin; hole > maxHole && !c.hasBorder(at, hole) && !(c.view.damaged && c.truth.isDamaged(at, 0.2)) {
			c.problem("hole in the sound track", "%.3f s at %.3f: browsers play what follows at once", hole, at)
		}
	}
}

// checkLength: the file says that it lasts as long as the recording.
func (c *checker) checkLength() {
	allowed := 0.12 + joinTolerance*float64(len(c.truth.joins)) + c.truth.slack + c.truth.openEnd
	if d := c.res.duration - c.truth.length; math.Abs(d) > allowed && !c.view.damaged {
		c.problem("length", "%.3f s, it should be %.3f", c.res.duration, c.truth.length)
	}
}
