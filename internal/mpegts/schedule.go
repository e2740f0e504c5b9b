// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import "sparkrtc.dev/recording-operator/internal/media"

// spread gives each of the first count of all pictures a time and emits it. A picture has the time of the PES packet that
// it is the first to begin in (ISO/IEC 13818-1, 2.4.3.7). Those behind it in the same packet are distributed over the
// time up to the next packet's, which for the last of them is next; without that, a picture lasts ticks, as its parameter
// sets say.
func (s *stream) spread(
	count, all int, ticks int64, next mark, offset func(int) int, emit func(i int, dts, pts int64) error,
) error {
	for from := 0; from < count; {
		begin, until, to := s.mark(offset(from)), next, all
		for _, later := range s.marks[s.firstMark:] {
			if !later.timed {
				continue
			}
			until = later
			for to = from + 1; to < all && offset(to) < later.offset; {
				to++
			}
			break
		}
		step := s.anchor(&begin, until, int64(to-from), ticks)
		for i := range int64(min(to, count) - from) {
			if err := emit(from+int(i), begin.dts+i*step, begin.pts+i*step); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

// anchor gives the distance of count pictures between two times, and a time to the first when it has none: it follows
// the last packet then, or precedes the next one.
func (s *stream) anchor(begin *mark, until mark, count, ticks int64) int64 {
	packets := &s.description().Packets
	if ticks <= 0 {
		ticks = s.step
	}
	switch {
	case begin.timed:
	case packets.Count > 0:
		if distance := until.dts - packets.Last.DTS; until.timed && distance > 0 && distance < (count+1)*ticks {
			ticks = distance / (count + 1)
		}
		begin.dts, begin.pts = packets.Last.DTS+ticks, packets.Last.PTS+ticks
		return ticks
	case until.timed:
		begin.dts, begin.pts = until.dts-count*ticks, until.pts-count*ticks
		return ticks
	default:
		begin.dts, begin.pts = s.d.clock, s.d.clock
	}
	if distance := until.dts - begin.dts; until.timed && distance > 0 && distance <= count*media.Clock {
		return distance / count
	}
	return ticks
}

// hold gives how much is done with when the picture at an offset waits for what follows it. Headers wait for their picture
// as well, but not for ever.
func (s *stream) hold(offset int, hasPicture bool) (done int) {
	if !hasPicture && len(s.data)-offset > maxHeaders {
		s.invalid()
		return len(s.data)
	}
	return offset
}

// checkBeginning adds evidence when something other than zeros lies before the first start code; -1: there is none.
func (s *stream) checkBeginning(first int) {
	if first < 0 {
		first = len(s.data)
	}
	for _, value := range s.data[:first] {
		if value != 0 {
			s.invalid()
			return
		}
	}
}
