// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package thumbnails

import (
	"fmt"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// moment is a picture that the settings ask for.
type moment struct {
	// name of its file, without an extension.
	name string
	// at is its time in the recording, in ticks.
	at int64
}

// moments are the times and percentages of a recording of this length, each once.
func (k *thumbnails) moments(length int64) []moment {
	var all []moment
	known := map[string]bool{}
	add := func(name string, at int64) {
		if !known[name] {
			known[name] = true
			all = append(all, moment{name, min(at, length)})
		}
	}
	for _, at := range k.times {
		add("at-"+clock(at), timeline.Ticks(at))
	}
	for _, percent := range k.spec.Percentages {
		add(fmt.Sprintf("at-%dpct", percent), length*int64(percent)/100)
	}
	return all
}

// clock writes a time so that names sort by it: 00h01m30s, or 00h01m30.500s.
func clock(at time.Duration) string {
	at = at.Round(time.Millisecond)
	text := fmt.Sprintf("%02dh%02dm%02d", at/time.Hour, at/time.Minute%60, at/time.Second%60)
	if fraction := at % time.Second; fraction != 0 {
		text += fmt.Sprintf(".%03d", fraction/time.Millisecond)
	}
	return text + "s"
}

// shot is a picture of a stretch.
type shot struct {
	// at is when it is shown, in the stretch.
	at int64
	// entry is the index of its parameters.
	entry int
}

// firstPicture is the time of the picture that is shown first.
func firstPicture(part *timeline.Timeline) int64 {
	first, began := int64(0), false
	for placed := range part.Packets(media.Video) {
		if !began || placed.PTS < first {
			first, began = placed.PTS, true
		}
	}
	return first
}

// find gives the stretch that a time lies in, and the picture that is shown then: the last one that begins by that time,
// or the first of all. Key frames follow: the last two that begin by that time, and the first after it.
func (t *taker) find(at int64) (*stretch, []shot) {
	part := &t.stretches[0]
	for i := range t.stretches {
		if t.stretches[i].Start+t.stretches[i].first <= at {
			part = &t.stretches[i]
		}
	}
	at = max(at-part.Start, part.first)
	var shown, before, earlier, after choice
	for placed := range part.Packets(media.Video) {
		each := shot{at: placed.PTS, entry: placed.Entry}
		switch {
		case placed.PTS <= at:
			shown.offer(each, each.at > shown.at)
			if placed.Key {
				earlier = before
				before = choice{each, true}
			}
		case placed.Key:
			after.offer(each, each.at < after.at)
		}
	}
	var found []shot
	for _, each := range []choice{shown, before, earlier, after} {
		if each.made {
			found = append(found, each.shot)
		}
	}
	return part, found
}

// choice is the best picture so far.
type choice struct {
	shot
	made bool
}

// offer takes a picture that is the first, or better.
func (c *choice) offer(each shot, better bool) {
	if !c.made || better {
		c.shot, c.made = each, true
	}
}

// size is how large a picture is to be. It is known where pixels are square and the index has every picture's size.
func (t *taker) size(part *stretch, of shot) ffmpeg.Picture {
	asked := ffmpeg.Picture{}
	if t.spec.MaxWidth != nil {
		asked.MaxWidth = int(*t.spec.MaxWidth)
	}
	if t.spec.MaxHeight != nil {
		asked.MaxHeight = int(*t.spec.MaxHeight)
	}
	params := &part.Video.Params[of.entry]
	if t.sizesKnown && params.Width > 0 && params.Height > 0 && !mp4.HasPixelAspect(params.Entry) {
		width, height := params.Width, params.Height
		if part.Video.IsQuarterTurn() {
			width, height = height, width
		}
		asked.Width, asked.Height = fit(width, height, asked.MaxWidth, asked.MaxHeight)
	}
	return asked
}

// fit scales a size down so that it is within the bounds, with its aspect ratio kept and even; 0: no bound.
func fit(width, height, maxWidth, maxHeight int) (int, int) {
	scale := 1.0
	if maxWidth > 0 {
		scale = min(scale, float64(maxWidth)/float64(width))
	}
	if maxHeight > 0 {
		scale = min(scale, float64(maxHeight)/float64(height))
	}
	if scale == 1 {
		return width, height
	}
	even := func(pixels int) int { return max(2, int(float64(pixels)*scale/2+0.5)*2) }
	return even(width), even(height)
}
