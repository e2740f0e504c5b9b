// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"fmt"
	"math/rand/v2"
)

// habitShapes are what recorders do.
func habitShapes() []shape {
	named := func(names segmentNames) func() *recording {
		return func() *recording { return newRecording().add(call(8), joint{names: names}).finish() }
	}
	return []shape{
		{"last_says_target", "Q", "every EXTINF is the target duration, the last one too", func() *recording {
			r := newRecording().add(call(9), joint{})
			r.segments[len(r.segments)-1].duration = 2
			return r.finish().either(intact, unknown)
		}},
		{"whole_seconds_up", "Q", "EXTINF in whole seconds, rounded up", func() *recording {
			r := newRecording()
			r.playlist.whole, r.playlist.up = true, true
			return r.add(newTake().video("h264", 0, 230, every(0, 23)).sound("aac", 0, 10, 0), joint{}).finish()
		}},
		{"whole_seconds_down", "Q", "EXTINF in whole seconds, rounded to the nearest", func() *recording {
			r := newRecording()
			r.playlist.whole = true
			return r.add(newTake().video("h264", 0, 230, every(0, 23)).sound("aac", 0, 10, 0), joint{}).finish()
		}},
		{"segments_of_a_frame", "Q", "segments of 0.04 s with sound", func() *recording {
			return newRecording().add(newTake().video("h264-key", 0, 100, every(0, 25)).sound("aac", 0, 4, 0), joint{seconds: 0.04}).finish()
		}},
		{"name_seconds", "Q", "names are seconds since 1970", named(func(i int) string { return fmt.Sprintf("rec-%d.ts", 1772600767+2*i) })},
		{"name_date", "Q", "names are dates", named(func(i int) string { return fmt.Sprintf("20260304T0506%02d.ts", 7+2*i) })},
		{"name_date_and_number", "Q", "names are a date and a number", named(func(i int) string { return fmt.Sprintf("%03d-2026-03-04.ts", i) })},
		{"name_random", "Q", "names are random", named(func(i int) string { return fmt.Sprintf("%08x.ts", uint32(i+1)*2654435761) })},
		{"name_seconds_pause", "Q", "names are seconds, and a pause of 9 s with one clock", func() *recording {
			r := newRecording().add(call(6), joint{names: func(i int) string { return fmt.Sprintf("rec-%d.ts", 1772600767+2*i) }})
			t := newTake().video("h264", 180, 180, every(15, 30)).sound("aac", 15, 21, -9)
			return r.add(t, joint{same: true, names: func(i int) string { return fmt.Sprintf("rec-%d.ts", 1772600767+2*i+9) }}).finish().unsure()
		}},
		{"dates_jitter", "Q", "EXT-X-PROGRAM-DATE-TIME off by up to 80 ms, and a reset", func() *recording {
			r := newRecording()
			r.playlist.dates = true
			r.add(call(6), joint{}).add(newTake().video("h264", 180, 180, every(0, 30)).sound("aac", 0, 6, 6), joint{tag: true})
			for i, s := range r.segments {
				s.began += 0.08 * float64(i*7%5-2) / 2
			}
			return r.finish()
		}},
		{"dates_first_alone", "Q", "EXT-X-PROGRAM-DATE-TIME of each take's first segment alone", func() *recording {
			r := newRecording().add(call(6), joint{}).add(newTake().video("h264", 180, 180, every(0, 30)).sound("aac", 0, 6, 6), joint{tag: true})
			for i, s := range r.segments {
				if i == 0 || s.discontinuity {
					s.tags = append(s.tags, "#EXT-X-PROGRAM-DATE-TIME:2026-03-04T05:06:07.000Z")
				}
			}
			return r.finish()
		}},
		{"sound_jitter", "Q", "sound stamped up to 15 ms early or late", func() *recording {
			t := call(10)
			random := rand.New(rand.NewPCG(5, 6))
			for _, u := range t.units {
				if !u.source.video {
					u.stampOff = 0.03*random.Float64() - 0.015
				}
			}
			return hls(t)
		}},
		{"sound_rounded", "Q", "fMP4 whose sound is stamped in milliseconds", func() *recording {
			t := with("h264", "aac-44", 10)
			for _, u := range t.units {
				if !u.source.video {
					at := float64(int(u.time*1000)) / 1000
					u.stampOff = at - u.time
				}
			}
			return hls(t)
		}},
		{"video_late_in_first", "Q", "the picture begins 0.7 s late, within the first segment", func() *recording {
			return newRecording().add(newTake().video("h264", 0, 280, every(0.7, 30)).sound("aac", 0, 10, 0), joint{cuts: []float64{0, 2.7, 4.7, 6.7, 8.7}}).finish()
		}},
		{"video_late_after_reset", "Q", "the same after a reset", func() *recording {
			t := newTake().video("h264", 180, 160, every(0.7, 30)).sound("aac", 0, 6, 6)
			return newRecording().add(call(6), joint{}).add(t, joint{tag: true, cuts: []float64{0, 2.7, 4.7}}).finish()
		}},
		{"interlaced", "Q", "interlaced pictures", func() *recording { return hls(with("h264-fields", "aac", 8)) }},
		{"ts_open_gop", "Q", "open groups of pictures in MPEG-TS", func() *recording { return hls(with("h264-open", "aac", 8)) }},
		{"fmp4_open_gop", "Q", "the same in fMP4", func() *recording {
			return newRecording().add(with("h264-open", "aac", 8), joint{container: "fmp4"}).finish()
		}},
		{"mp4_open_gop", "Q", "the same in MP4", func() *recording { return mp4File(with("h264-open", "aac", 8), mp4Style{}).finish() }},
		{"two_programs", "Q", "a second program in the transport stream", func() *recording {
			t := call(8)
			t.style.programs, t.extra = true, otherProgram
			r := hls(t)
			r.truth.ignored = true
			return r
		}},
		{"private_data", "Q", "private data without a descriptor beside", func() *recording {
			t := call(8)
			t.extra = id3Packets
			t.style.private = true
			return hls(t)
		}},
		{"mp4_two_entries", "Q", "MP4 with two sample entries in a track", func() *recording {
			t := newTake().video("h264", 0, 120, every(0, 30)).video("h264-high", 120, 120, every(4, 30)).sound("aac", 0, 8, 0)
			return mp4File(t, mp4Style{joined: true}).finish()
		}},
		{"mp4_two_entries_size", "Q", "the same with another size of picture", func() *recording {
			t := newTake().video("h264", 0, 120, every(0, 30)).video("h264-big", 120, 120, every(4, 30)).sound("aac", 0, 8, 0)
			return mp4File(t, mp4Style{joined: true}).finish()
		}},
		{"mp4_edit_cuts", "Q", "an edit list that leaves out 2 s in the middle", func() *recording {
			return mp4File(call(10), mp4Style{hole: [2]float64{4, 6}}).leaveHole(4, 6).finish()
		}},
	}
}

// leaveHole expects that an edit list leaves out a stretch, and that what follows is shown at once.
func (r *recording) leaveHole(from, to float64) *recording {
	for _, u := range r.units {
		switch {
		case u.at >= to-0.0005:
			u.at -= to - from
		case u.at >= from-0.0005:
			u.hidden = true
		}
	}
	r.end -= to - from
	return r
}

// otherProgram writes pictures of another program, whose PMT is on the PID behind.
func otherProgram(m *tsMux, _ []tsTrack, at float64) {
	s := getSource("h264-far")
	track := s.tsTrack(otherPID)
	m.pmt(pmtPID+1, 2, []tsTrack{track})
	for i := range 10 {
		payload := s.tsPayload(s.samples[i], tsStyle{})
		stamp := ticks(at + float64(i)/10)
		m.pes([]tsTrack{track}, tsUnit{pts: stamp, dts: stamp, key: i == 0, payload: payload}, i == 0)
	}
}
