// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"fmt"
	"math"
	"slices"
)

// tolerance of every time, in seconds: picture and sound against one origin.
const tolerance = 0.040

// joinTolerance is what the place of a take may add for each joint: where a take ends is known to the length of a
// packet of sound or of a picture.
const joinTolerance = 0.025

// edge is how near to the beginning or end of a sound its position is not read, beside what the place of a take may add.
const edge = 0.09

// maxProblems bounds how many problems of one kind are listed.
const maxProblems = 3

// view says how a result shows what the recording has.
type view struct {
	// copied: pictures have their own size; else they are fitted into the canvas.
	copied bool
	// mayBeBlack: pictures may have been encoded, although the view is of copied ones.
	mayBeBlack bool
	// published although damaged: frames near a damage may be missing or late.
	damaged bool
}

// check compares a result with the truth and lists what is wrong; empty when all is right.
func (t *truth) check(res result, v view) []string {
	c := checker{truth: t, res: res, view: v}
	c.readNumbers()
	c.findOrigin()
	c.checkPictures()
	c.checkSound()
	c.checkLength()
	return c.problems
}

type checker struct {
	truth    *truth
	res      result
	view     view
	numbers  []int
	origin   float64
	problems []string
	counts   map[string]int
	// undecodable are the pictures that need others that are not there, and that no picture of the result is.
	undecodable []frame
}

// problem notes what is wrong; the first ones of a kind with details.
func (c *checker) problem(kind, format string, args ...any) {
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[kind]++
	if c.counts[kind] <= maxProblems {
		c.problems = append(c.problems, kind+": "+fmt.Sprintf(format, args...))
	}
}

func (c *checker) tolerance() float64 {
	return tolerance + joinTolerance*float64(len(c.truth.joins)) + c.truth.slack
}

func (c *checker) edge() float64 {
	return edge + joinTolerance*float64(len(c.truth.joins)) + c.truth.slack
}

// readNumbers reads every picture's number. In a result that is fitted into a canvas, the sizes of the recording's
// pictures say where patterns can be; the one that gives a number counts.
func (c *checker) readNumbers() {
	type size struct{ w, h int }
	var sizes []size
	for _, f := range c.truth.frames {
		if s := (size{f.width, f.height}); !slices.Contains(sizes, s) {
			sizes = append(sizes, s)
		}
	}
	for _, p := range c.res.pictures {
		if p.known {
			c.numbers = append(c.numbers, p.number)
			continue
		}
		number := pictureGarbled
		gray := turnBack(p.gray, c.truth.rotated)
		for _, s := range sizes {
			x, y, w, h := 0.0, 0.0, float64(grayWidth), float64(grayHeight)
			if !c.view.copied && c.res.width > 0 {
				rw, rh := float64(c.res.width), float64(c.res.height)
				if c.truth.rotated%180 != 0 {
					rw, rh = rh, rw
				}
				scale := min(rw/float64(s.w), rh/float64(s.h))
				w, h = float64(s.w)*scale/rw*grayWidth, float64(s.h)*scale/rh*grayHeight
				x, y = (grayWidth-w)/2, (grayHeight-h)/2
			}
			if n := readPicture(gray, grayWidth, x, y, w, h); n != pictureGarbled {
				number = n
				if n != pictureBlack {
					break
				}
			}
		}
		c.numbers = append(c.numbers, number)
	}
}

// turnBack undoes a rotation by degrees clockwise; the picture keeps its size.
func turnBack(gray []byte, degrees int) []byte {
	if degrees == 0 {
		return gray
	}
	out := make([]byte, len(gray))
	for y := range grayHeight {
		for x := range grayWidth {
			u, v := (float64(x)+0.5)/grayWidth, (float64(y)+0.5)/grayHeight
			switch degrees {
			case 90:
				u, v = 1-v, u
			case 180:
				u, v = 1-u, 1-v
			case 270:
				u, v = v, 1-u
			}
			out[y*grayWidth+x] = gray[int(v*grayHeight)*grayWidth+int(u*grayWidth)]
		}
	}
	return out
}

// findOrigin finds the constant between the truth's times and the result's: the median over the pictures, or over the
// sound when there is no picture. It must be next to nothing: a result begins where the recording does.
func (c *checker) findOrigin() {
	var offsets []float64
	byNumber := map[int][]float64{}
	for i, p := range c.res.pictures {
		byNumber[c.numbers[i]] = append(byNumber[c.numbers[i]], p.at)
	}
	lostBegin := c.view.damaged && c.truth.isDamaged(0, tolerance)
	alike := map[int]int{}
	for _, f := range c.truth.frames {
		alike[f.number]++
	}
	for _, f := range c.truth.frames {
		if lostBegin && alike[f.number] > 1 {
			continue // with an origin that may be anywhere, it is open which of them is shown
		}
		best := math.Inf(1)
		for _, at := range byNumber[f.number] {
			if math.Abs(at-f.at) < math.Abs(best) {
				best = at - f.at
			}
		}
		if !math.IsInf(best, 1) {
			offsets = append(offsets, best)
		}
	}
	if len(c.truth.frames) == 0 {
		for _, h := range c.res.sound {
			if s := c.soundAt(h.at); s != nil && h.clean {
				offsets = append(offsets, h.at-(s.from+h.position-s.position))
			}
		}
	}
	if len(offsets) == 0 {
		offsets = c.soundOffsets() // all pictures are lost, or all that was at the time of what is left
	}
	if len(offsets) == 0 {
		return
	}
	slices.Sort(offsets)
	c.origin = offsets[len(offsets)/2]
	if lostBegin {
		return // the beginning is lost, so that nothing says when it was
	}
	if c.truth.slack > 0 && math.Abs(c.origin) <= c.tolerance() {
		c.origin = 0 // most pictures lie behind a place that the recording leaves open
	}
	if math.Abs(c.origin) > 0.06+joinTolerance*float64(len(c.truth.joins)) {
		c.problem("origin", "everything is %+.3f s off", c.origin)
		if math.Abs(c.origin) > 1 {
			c.origin = 0
		}
	}
}

// checkPictures: every expected picture is shown once at its time, and nothing else is.
func (c *checker) checkPictures() {
	if len(c.res.pictures) == 0 && slices.ContainsFunc(c.truth.frames, func(f frame) bool { return !c.isExcused(f) }) {
		c.problem("picture", "there is none, %d frames are missing", len(c.truth.frames))
		return
	}
	used := make([]bool, len(c.res.pictures))
	byNumber := c.picturesOf()
	missing, late := 0, 0
	// Frames that may be missing leave their pictures to others with the same number.
	may := func(f frame) bool { return f.optional || c.isExcused(f) }
	frames := slices.Concat(slices.DeleteFunc(slices.Clone(c.truth.frames), may),
		slices.DeleteFunc(slices.Clone(c.truth.frames), func(f frame) bool { return !may(f) }))
	for _, f := range frames {
		nearest, distance := -1, math.Inf(1)
		for _, i := range byNumber[f] {
			if d := math.Abs(c.res.pictures[i].at - c.origin - f.at); !used[i] && d < distance {
				nearest, distance = i, d
			}
		}
		switch {
		case nearest >= 0 && distance <= c.tolerance():
			used[nearest] = true
		case f.optional:
			c.undecodable = append(c.undecodable, f)
		case c.isExcused(f):
		case nearest >= 0 && distance < 30:
			used[nearest] = true
			late++
			c.problem("time of frame", "%d is shown at %.3f, it belongs to %.3f", f.number, c.res.pictures[nearest].at-c.origin, f.at)
		default:
			missing++
			c.problem("frame missing", "%d at %.3f", f.number, f.at)
		}
	}
	if missing+late > maxProblems {
		c.problems = append(c.problems, fmt.Sprintf("of %d frames %d are missing, %d at a wrong time", len(c.truth.frames), missing, late))
	}
	c.checkExtra(used)
	c.checkDark()
}

// picturesOf lists the pictures that each frame may be. Takes may have frames with the same numbers: when there are as many
// pictures as frames of a number, each is the frame in its place, even where the recording leaves a second open.
func (c *checker) picturesOf() map[frame][]int {
	byNumber, frames := map[int][]int{}, map[int][]frame{}
	for i, n := range c.numbers {
		byNumber[n] = append(byNumber[n], i)
	}
	for _, f := range c.truth.frames {
		frames[f.number] = append(frames[f.number], f)
	}
	found := map[frame][]int{}
	for number, of := range frames {
		slices.SortStableFunc(of, func(a, b frame) int { return compare(a.at, b.at) })
		for i, f := range of {
			found[f] = byNumber[number]
			if len(found[f]) == len(of) {
				found[f] = found[f][i : i+1]
			}
		}
	}
	return found
}

// checkDark: where the recording has no picture, an encoded result shows black, from the beginning of the stretch on. Without
// encoding, there is none.
func (c *checker) checkDark() {
	for _, dark := range c.truth.dark {
		black := false
		for i, n := range c.numbers {
			at := c.res.pictures[i].at - c.origin
			black = black || n == pictureBlack && math.Abs(at-dark.from) <= c.tolerance()+0.1
		}
		if black == c.view.copied && !c.view.mayBeBlack {
			c.problem("dark", "black picture at %.3f: %v", dark.from, black)
		}
	}
}

// isExcused says that a frame may be missing.
func (c *checker) isExcused(f frame) bool {
	return f.optional || c.view.damaged && c.truth.isDamaged(f.at, 0.05)
}

func (c *checker) checkExtra(used []bool) {
	for i, n := range c.numbers {
		at := c.res.pictures[i].at - c.origin
		switch {
		case used[i], n == pictureBlack && !c.hasPicture(at), c.view.damaged && c.truth.nearOptional(at), c.view.copied && c.takeUndecodable(at):
		case n == pictureBlack:
			c.problem("black picture", "at %.3f", at)
		case n == pictureGarbled:
			c.problem("garbled picture", "at %.3f", at)
		default:
			c.problem("extra picture", "%d at %.3f", n, at)
		}
	}
}

// takeUndecodable says that the recording has a picture at this time that cannot be decoded: whatever a decoder makes of it is
// right, once.
func (c *checker) takeUndecodable(at float64) bool {
	i := slices.IndexFunc(c.undecodable, func(f frame) bool { return math.Abs(f.at-at) <= c.tolerance() })
	if i < 0 {
		return false
	}
	c.undecodable = slices.Delete(c.undecodable, i, i+1)
	return true
}

// hasPicture says that the recording has shown something before: a picture that stands still is shown on, so that
// black is right only before the first one, or where the truth says that the camera was off.
func (c *checker) hasPicture(at float64) bool {
	for _, d := range c.truth.dark {
		if at > d.from-tolerance && at < d.to+tolerance {
			return false
		}
	}
	return len(c.truth.frames) > 0 && at >= c.truth.frames[0].at-tolerance
}

// nearOptional says that a time lies where pictures are damaged.
func (t *truth) nearOptional(at float64) bool {
	if t.isDamaged(at, 0.6) {
		return true
	}
	for _, f := range t.frames {
		if f.optional && math.Abs(f.at-at) < 0.1+t.slack {
			return true
		}
	}
	return false
}
