// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"container/heap"
	"iter"
	"math"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// Range is a stretch of the result, in ticks.
type Range struct{ From, To int64 }

// Encoded compares a result whose streams of these kinds were encoded again: it must have each picture of the recording
// at its time, and sound wherever the recording has it. In the stretches of lost, which are damaged, a decoder may have
// left pictures out or shown others. The error is a *Difference, or of reading the result.
func Encoded(t *timeline.Timeline, movie *mp4.Movie, lost []Range, kinds ...media.Kind) error {
	for _, kind := range kinds {
		want, have, there, err := pair(t, movie, kind)
		switch {
		case err != nil:
			return err
		case !there:
		case kind == media.Video:
			err = comparePictures(t, want, have, lost)
		default:
			err = compareSound(t, have, lost)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// comparePictures goes through both in the order of showing.
func comparePictures(t *timeline.Timeline, want *timeline.Track, have *mp4.Track, lost []Range) error {
	next, stop := iter.Pull2(inOrder(samples(have, have.Shift())))
	defer stop()
	p := &pictures{next: next, lost: lost, miss: maxPictureMiss}
	pieces := 0
	for _, edit := range want.Edits {
		if edit.Start >= 0 {
			pieces++
		}
	}
	if pieces > 1 {
		p.miss = maxEditMiss
	}
	p.advance()
	for wanted, err := range inOrder(recorded(t, want)) {
		if err == nil {
			err = p.match(wanted)
		}
		if err != nil {
			return err
		}
	}
	p.skip(math.MaxInt64)
	if p.err == nil && p.more {
		return differ(media.Video, p.now.pts, "there are pictures after the recording's last one")
	}
	return p.err
}

// pictures are those of the result, one after another.
type pictures struct {
	next func() (shown, error, bool)
	lost []Range
	// miss is by how much a picture may be shown at another time.
	miss int64

	now  shown
	err  error
	more bool
}

func (p *pictures) advance() { p.now, p.err, p.more = p.next() }

// skip leaves out pictures before a time that were made of damaged bytes.
func (p *pictures) skip(before int64) {
	for p.more && p.err == nil && p.now.pts < before && within(p.lost, p.now.pts) {
		p.advance()
	}
}

// match takes the picture of a time.
func (p *pictures) match(wanted shown) error {
	at := wanted.pts
	p.skip(at - p.miss)
	switch {
	case p.err != nil:
		return p.err
	case p.more && distance(p.now.pts, at) <= p.miss:
		p.advance()
		return p.err
	case within(p.lost, at), wanted.optional:
		return nil
	case !p.more:
		return differ(media.Video, at, "pictures are missing from here on")
	case p.now.pts > at:
		return differ(media.Video, at, "a picture is missing: the next one is shown at %s", timeline.Duration(p.now.pts))
	}
	return differ(media.Video, p.now.pts, "there is a picture that the recording does not have: its next one is shown at %s",
		timeline.Duration(at))
}

// within says that a time lies in one of the stretches.
func within(stretches []Range, at int64) bool {
	for _, stretch := range stretches {
		if at >= stretch.From && at <= stretch.To {
			return true
		}
	}
	return false
}

// recorded are the recording's pictures as a player shows them, without those that cannot be
// decoded, and with a black one where each stretch without pictures begins.
func recorded(t *timeline.Timeline, track *timeline.Track) iter.Seq2[shown, error] {
	return func(yield func(shown, error) bool) {
		window := track.Shown()
		dark := t.Dark
		for placed := range t.Packets(track.Kind) {
			for ; len(dark) > 0 && dark[0].From <= placed.PTS; dark = dark[1:] {
				if !yield(shown{pts: dark[0].From}, nil) {
					return
				}
			}
			pts, there := window.Show(placed.PTS)
			if there && t.CanDecode(placed.PTS) && !yield(shown{pts: pts, duration: placed.Duration, optional: window.IsEdge(placed.PTS)}, nil) {
				return
			}
		}
		for ; len(dark) > 0; dark = dark[1:] {
			if !yield(shown{pts: dark[0].From}, nil) {
				return
			}
		}
	}
}

// maxReordered is how many pictures may be decoded before one that is shown before them: H.264 and H.265 allow 16.
const maxReordered = 32

// inOrder yields samples in the order of showing.
func inOrder(samples iter.Seq2[shown, error]) iter.Seq2[shown, error] {
	return func(yield func(shown, error) bool) {
		var waiting byTime
		for sample, err := range samples {
			if err != nil {
				yield(shown{}, err)
				return
			}
			heap.Push(&waiting, sample)
			if len(waiting) > maxReordered && !yield(heap.Pop(&waiting).(shown), nil) { //nolint:forcetypeassert // byTime's own
				return
			}
		}
		for len(waiting) > 0 {
			if !yield(heap.Pop(&waiting).(shown), nil) { //nolint:forcetypeassert // byTime's own
				return
			}
		}
	}
}

// byTime is a heap of samples.
type byTime []shown

func (b byTime) Len() int           { return len(b) }
func (b byTime) Less(i, j int) bool { return b[i].pts < b[j].pts }
func (b byTime) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

// Push is heap.Interface's.
func (b *byTime) Push(x any) { *b = append(*b, x.(shown)) } //nolint:forcetypeassert // byTime's own

// Pop is heap.Interface's.
func (b *byTime) Pop() any {
	last := (*b)[len(*b)-1]
	*b = (*b)[:len(*b)-1]
	return last
}

// compareSound checks that encoded sound begins with the recording's sound, has no hole, and ends with it. Holes of the
// recording are silence in the result.
func compareSound(t *timeline.Timeline, have *mp4.Track, lost []Range) error {
	track := t.Track(media.Audio)
	window := track.Shown()
	begin, end, began := int64(0), int64(0), false
	for placed := range t.Packets(media.Audio) {
		pts, there := window.Show(placed.PTS)
		if !there || window.IsEdge(placed.PTS) {
			continue
		}
		if !began {
			begin, began = pts+leftOut(track, &placed), true
		}
		end = max(end, pts+placed.Duration)
	}
	begin, end = max(0, begin), min(end, window.End())
	reached, first := int64(0), true
	for sample, err := range samples(have, have.Shift()) {
		switch {
		case err != nil:
			return err
		case within(lost, sample.pts), within(lost, reached):
		case first && sample.pts > begin+maxSoundMiss:
			return differ(media.Audio, begin, "sound begins late, at %s", timeline.Duration(sample.pts))
		case !first && sample.pts > reached+maxSoundHole:
			return differ(media.Audio, reached, "sound is missing up to %s", timeline.Duration(sample.pts))
		}
		reached, first = max(reached, sample.pts+sample.duration), false
	}
	switch {
	case within(lost, reached), within(lost, end):
	case reached < end-maxSoundHole:
		return differ(media.Audio, reached, "sound ends early; the recording's ends at %s", timeline.Duration(end))
	case reached > end+maxSoundRest:
		return differ(media.Audio, end, "sound goes on to %s, beyond the recording's end", timeline.Duration(reached))
	}
	return nil
}

// leftOut is how much of the sound a decoder leaves out from the first packet on, in ticks. Where there are edit lists, they hide it.
func leftOut(track *timeline.Track, first *timeline.Placed) int64 {
	if len(track.Edits) > 0 {
		return 0
	}
	return int64(track.Params[first.Entry].PreSkip) * media.Clock / codec.OpusRate
}
