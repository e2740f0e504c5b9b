// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import "math"

// steps gives times whose rate changes: pairs of a count and a rate.
func steps(pairs ...float64) func(i int) float64 {
	return func(i int) float64 {
		at := 0.0
		for k := 0; k+1 < len(pairs); k += 2 {
			if n := pairs[k]; float64(i) >= n && k+2 < len(pairs) {
				at += n / pairs[k+1]
				i -= int(n)
				continue
			}
			return at + float64(i)/pairs[k+1]
		}
		return at
	}
}

// paused gives times at fps with a pause after each n-th picture.
func paused(fps float64, after int, pause float64) func(i int) float64 {
	return func(i int) float64 {
		at := float64(i) / fps
		if i >= after {
			at += pause
		}
		return at
	}
}

// unsure allows Unknown besides Intact: a stream is away for whole segments, which a loss could also be.
func (r *recording) unsure() *recording { return r.either(intact, unknown) }

// rateShapes are kinds B, C and D: rates that change and pictures that stand still.
func rateShapes() []shape {
	still := func(after int, pause float64) *take {
		return newTake().video("h264", 0, 240, paused(30, after, pause)).sound("aac", 0, 8+pause, 0)
	}
	all := []shape{
		{"fps_5_to_30", "B", "5, then 30 frames a second", func() *recording {
			return hls(newTake().video("h264", 0, 360, steps(60, 5, 300, 30)).sound("aac", 0, 22, 0))
		}},
		{"fps_1_to_30", "B", "1, then 30 frames a second", func() *recording {
			return hls(newTake().video("h264", 0, 310, steps(10, 1, 300, 30)).sound("aac", 0, 20, 0))
		}},
		{"fps_30_to_5", "B", "30, then 5 frames a second", func() *recording {
			return hls(newTake().video("h264", 0, 240, steps(180, 30, 60, 5)).sound("aac", 0, 18, 0))
		}},
		{"fps_60_to_7", "B", "60, then 7 frames a second", func() *recording {
			return hls(newTake().video("h264", 0, 430, steps(360, 60, 70, 7)).sound("aac", 0, 16, 0))
		}},
		{"slides_then_motion", "B", "a picture every 2 s for 10 s, then 30 a second", func() *recording {
			return hls(newTake().video("h264-key", 0, 305, steps(5, 0.5, 300, 30)).sound("aac", 0, 20, 0))
		}},
		{"slides_then_motion_mp4", "B", "the same in an MP4", func() *recording {
			return mp4File(newTake().video("h264-key", 0, 305, steps(5, 0.5, 300, 30)).sound("aac", 0, 20, 0), mp4Style{}).finish()
		}},
		{"slides_then_motion_fragmented", "B", "the same in a fragmented MP4", func() *recording {
			return mp4File(newTake().video("h264-key", 0, 305, steps(5, 0.5, 300, 30)).sound("aac", 0, 20, 0), mp4Style{fragments: 2}).finish()
		}},
		{"fps_1", "B", "one frame a second throughout", func() *recording {
			return hls(newTake().video("h264-key", 0, 24, every(0, 1)).sound("aac", 0, 24, 0))
		}},
		{"fps_sixth", "B", "one frame in six seconds throughout", func() *recording {
			return hls(newTake().video("h264-key", 0, 6, every(0, 1.0/6)).sound("aac", 0, 36, 0))
		}},
		{"rate_wanders", "B", "the rate wanders between 8 and 40 frames a second", func() *recording {
			at := func(i int) float64 { return float64(i)/16 + 0.35*math.Sin(float64(i)/12) }
			return hls(newTake().video("h264", 0, 240, func(i int) float64 { return at(i) - at(0) }).sound("aac", 0, 14, 0))
		}},
		{"mp4_freeze_600ms", "C", "MP4: no frame for 0.6 s", func() *recording { return mp4File(still(125, 0.6), mp4Style{}).finish() }},
		{"mp4_freeze_1s", "C", "MP4: no frame for 1 s", func() *recording { return mp4File(still(125, 1), mp4Style{}).finish() }},
		{"mp4_freeze_8s", "C", "MP4: no frame for 8 s", func() *recording { return mp4File(still(125, 8), mp4Style{}).finish() }},
		{"mp4_freeze_20s", "C", "MP4: no frame for 20 s", func() *recording { return mp4File(still(125, 20), mp4Style{}).finish() }},
		{"fragmented_freeze_8s", "C", "fragmented MP4: no frame for 8 s", func() *recording { return mp4File(still(125, 8), mp4Style{fragments: 2}).finish() }},
		{"mp4_frozen_tail", "C", "MP4: sound goes on for 6 s after the last frame", func() *recording {
			return mp4File(newTake().video("h264", 0, 180, every(0, 30)).sound("aac", 0, 12, 0), mp4Style{}).finish()
		}},
		{"mp4_slow_start", "C", "MP4: the second frame comes after 3 s", func() *recording {
			return mp4File(newTake().video("h264", 0, 240, paused(30, 1, 3)).sound("aac", 0, 11, 0), mp4Style{}).finish()
		}},
		{"slow_start", "C", "HLS: the second frame comes after 3 s", func() *recording {
			return hls(newTake().video("h264", 0, 240, paused(30, 1, 3)).sound("aac", 0, 11, 0))
		}},
		{"mp4_pause_6s", "C", "MP4: picture and sound pause for 6 s", func() *recording {
			return mp4File(newTake().video("h264", 0, 240, paused(30, 120, 6)).sound("aac", 0, 4, 0).sound("aac", 10, 14, 0), mp4Style{}).finish()
		}},
		{"still_at_cut", "D", "15 fps without sound, one pause of 1.2 s at a cut", func() *recording {
			return newRecording().add(newTake().video("h264", 0, 180, paused(15, 60, 1.2)), joint{cuts: []float64{0, 5.2, 9.2}}).finish()
		}},
		{"still_15s_no_sound", "D", "screen without sound, unchanged for 15 s", func() *recording {
			return newRecording().add(newTake().video("h264", 0, 300, paused(30, 120, 15)), joint{cuts: []float64{0, 2, 19, 21, 23}}).finish().unsure()
		}},
		{"still_tail_no_sound", "D", "screen without sound, last frame 5 s before the end of the clock", func() *recording {
			r := newRecording().add(newTake().video("h264", 0, 180, every(0, 30)), joint{})
			last := r.segments[len(r.segments)-1]
			last.duration += 5
			r.truth.openEnd = 5
			return r.finish().unsure()
		}},
		{"screen_3fps_no_sound", "D", "screen at uneven 3 fps without sound", func() *recording {
			at := func(i int) float64 { return float64(i)/3 + 0.1*float64(i%3) }
			return hls(newTake().video("h264-key", 0, 60, at))
		}},
	}
	return all
}

// awayShapes are kind P: one stream, or both, away for a while.
func awayShapes() []shape {
	muted := func(from, to float64) *take {
		return newTake().video("h264", 0, 1200, every(0, 30)).sound("aac", 0, from, 0).sound("aac", to, 40, 0)
	}
	nowAndThen := func() *take {
		t := newTake().video("h264", 0, 900, every(0, 30))
		for i := range 6 {
			t.sound("aac", float64(5*i)+0.7, float64(5*i)+3.1, 0)
		}
		return t
	}
	frozen := func(pause float64) *take {
		return newTake().video("h264", 0, 480, paused(30, 245, pause)).sound("aac", 0, 16+pause, 0)
	}
	both := func(pause float64) *take {
		return newTake().video("h264", 0, 360, paused(30, 180, pause)).sound("aac", 0, 6, 0).sound("aac", 6+pause, 12+pause, 0)
	}
	return []shape{
		{"muted_15s", "P", "nobody speaks from 8.3 to 23.1 s: no packets of sound", func() *recording { return hls(muted(8.3, 23.1)) }},
		{"muted_4s", "P", "nobody speaks for 4 s", func() *recording { return hls(muted(8.3, 12.2)) }},
		{"muted_15s_mp4", "P", "MP4: nobody speaks for 15 s", func() *recording { return mp4File(muted(8.3, 23.1), mp4Style{}).finish() }},
		{"muted_15s_fmp4", "P", "fMP4: nobody speaks for 15 s", func() *recording {
			return newRecording().add(muted(8.3, 23.1), joint{container: "fmp4"}).finish()
		}},
		{"muted_now_and_then", "P", "sound comes and goes six times", func() *recording { return hls(nowAndThen()) }},
		{"muted_now_and_then_mp4", "P", "the same in an MP4", func() *recording { return mp4File(nowAndThen(), mp4Style{}).finish() }},
		{"muted_segments", "P", "no sound for exactly three segments", func() *recording { return hls(muted(8, 14)).unsure() }},
		{"muted_start", "P", "no sound for the first 12 s", func() *recording {
			return hls(newTake().video("h264", 0, 600, every(0, 30)).sound("aac", 12, 20, 0))
		}},
		{"muted_end", "P", "no sound for the last 12 s", func() *recording {
			return hls(newTake().video("h264", 0, 600, every(0, 30)).sound("aac", 0, 8.1, 0))
		}},
		{"muted_opus", "P", "Opus, nobody speaks for 12 s", func() *recording {
			return hls(newTake().video("h264", 0, 720, every(0, 30)).sound("opus", 0, 6.3, 0).sound("opus", 18.4, 24, 0))
		}},
		{"muted_mp3", "P", "MP3, nobody speaks for 12 s", func() *recording {
			return hls(newTake().video("h264", 0, 720, every(0, 30)).sound("mp3", 0, 6.3, 0).sound("mp3", 18.4, 24, 0))
		}},
		{"speech_pauses", "P", "sound stops for 0.2 s twenty times: silence is not sent", func() *recording {
			t := newTake().video("h264", 0, 600, every(0, 30))
			for i := range 20 {
				t.sound("aac", float64(i), float64(i)+0.8, 0)
			}
			return hls(t)
		}},
		{"frozen_12s", "P", "the picture stands still for 12 s while somebody speaks", func() *recording { return hls(frozen(12)) }},
		{"frozen_25s", "P", "for 25 s", func() *recording { return hls(frozen(25)) }},
		{"frozen_3s", "P", "for 3 s", func() *recording { return hls(frozen(3)) }},
		{"frozen_12s_mp4", "P", "MP4: for 12 s", func() *recording { return mp4File(frozen(12), mp4Style{}).finish() }},
		{"pause_6s", "P", "picture and sound pause for 6 s, the clock goes on", func() *recording { return hls(both(6)).unsure() }},
		{"pause_20s", "P", "for 20 s", func() *recording { return hls(both(20)).unsure() }},
		{"pause_60s", "P", "for a minute", func() *recording { return hls(both(60)).unsure() }},
		{"pause_20s_in_segment", "P", "for 20 s, within a segment", func() *recording {
			return newRecording().add(both(20), joint{cuts: []float64{0, 4, 28, 30}}).finish().unsure()
		}},
		{"pause_dates", "P", "reset with a pause of 9 s that EXT-X-PROGRAM-DATE-TIME shows", func() *recording {
			r := newRecording()
			r.playlist.dates = true
			t := newTake().video("h264", 180, 180, every(0, 30)).sound("aac", 0, 6, 6)
			return r.add(call(6), joint{}).add(t, joint{tag: true, pause: 9}).finish()
		}},
		{"dates_steady", "P", "EXT-X-PROGRAM-DATE-TIME in each segment", func() *recording {
			r := newRecording()
			r.playlist.dates = true
			return r.add(call(10), joint{}).finish()
		}},
	}
}

// clockShapes are kind F: reconnects.
func clockShapes() []shape {
	piece := func(from, seconds float64) *take {
		return newTake().video("h264", int(from*30), int(seconds*30), every(0, 30)).sound("aac", 0, seconds, from)
	}
	many := func(count int, seconds float64, tag bool, container string) *recording {
		r := newRecording()
		for i := range count {
			r.add(piece(seconds*float64(i), seconds), joint{tag: tag && i > 0, container: container})
		}
		return r.finish()
	}
	stamped := func(t *take, stamp float64) *take {
		t.stamp = stamp
		return t
	}
	return []shape{
		{"reconnect_8s", "F", "8 s, reset with discontinuity, 16 s", func() *recording {
			return newRecording().add(piece(0, 8), joint{}).add(piece(8, 16), joint{tag: true}).finish()
		}},
		{"reconnect_2s", "F", "2 s, reset, 10 s", func() *recording {
			return newRecording().add(piece(0, 2), joint{}).add(piece(2, 10), joint{tag: true}).finish()
		}},
		{"reconnect_16s", "F", "16 s, reset, 8 s", func() *recording {
			return newRecording().add(piece(0, 16), joint{}).add(piece(16, 8), joint{tag: true}).finish()
		}},
		{"reconnect_no_tag", "F", "reset after 8 s without discontinuity tag", func() *recording {
			return newRecording().add(piece(0, 8), joint{}).add(piece(8, 8), joint{}).finish()
		}},
		{"reconnect_20_times", "F", "twenty takes of 2 s, each with a reset", func() *recording { return many(20, 2, true, "") }},
		{"reconnect_20_fmp4", "F", "the same in fMP4", func() *recording { return many(10, 2, true, "fmp4") }},
		{"clock_back_half", "F", "clock half a second back", func() *recording {
			return newRecording().add(piece(0, 8), joint{}).add(stamped(piece(8, 8), 1.4+7.5), joint{}).finish()
		}},
		{"clock_back_half_tag", "F", "clock half a second back, with tag", func() *recording {
			return newRecording().add(piece(0, 8), joint{}).add(stamped(piece(8, 8), 1.4+7.5), joint{tag: true}).finish()
		}},
		{"clock_forward_tag", "F", "clock an hour ahead, with tag", func() *recording {
			return newRecording().add(piece(0, 8), joint{}).add(stamped(piece(8, 8), 3600), joint{tag: true}).finish()
		}},
		{"clock_random_tags", "F", "five takes whose clocks have nothing in common", func() *recording {
			r := newRecording()
			for i, stamp := range []float64{50000, 12, 93000, 0, 700} {
				r.add(stamped(piece(4*float64(i), 4), stamp), joint{tag: i > 0})
			}
			return r.finish()
		}},
		{"tag_without_reset", "F", "discontinuity tags although nothing changes", func() *recording {
			r := newRecording().add(call(12), joint{})
			r.segments[2].discontinuity, r.segments[4].discontinuity = true, true
			return r.finish()
		}},
		{"reset_bframes", "F", "reset with B-frames", func() *recording {
			b := func(from, seconds float64) *take {
				return newTake().video("h264-b", int(from*30), int(seconds*30), every(0, 30)).sound("aac", 0, seconds, from)
			}
			return newRecording().add(b(0, 6), joint{}).add(b(6, 6), joint{tag: true}).finish()
		}},
		{"reset_video_only", "F", "reset, pictures alone", func() *recording {
			return newRecording().add(with("h264", "", 6), joint{}).
				add(newTake().video("h264", 180, 180, every(0, 30)), joint{tag: true}).finish()
		}},
		{"reset_audio_only", "F", "reset, sound alone", func() *recording {
			return newRecording().add(with("", "aac", 6), joint{}).add(newTake().sound("aac", 0, 6, 6), joint{tag: true}).finish()
		}},
		{"reset_packed_aac", "F", "reset, packed AAC", func() *recording {
			return newRecording().add(with("", "aac", 6), joint{container: "packed"}).
				add(newTake().sound("aac", 0, 6, 6), joint{tag: true, container: "packed"}).finish()
		}},
		{"reset_wrap", "F", "reset, and each take wraps at 33 bits", func() *recording {
			return newRecording().add(stamped(piece(0, 8), wrapStamp), joint{}).add(stamped(piece(8, 8), wrapStamp), joint{tag: true}).finish()
		}},
		{"many_discontinuities_600", "M", "600 segments of 0.1 s with one discontinuity", func() *recording {
			return tiny(300).add(newTake().video("h264-key", 900, 900, every(0, 30)), joint{tag: true, seconds: 0.1}).finish()
		}},
		{"segments_600", "M", "600 segments of 0.1 s", func() *recording { return tiny(600).finish() }},
		{"segments_5000", "M", "5,000 segments of a frame", func() *recording {
			return newRecording().add(newTake().video("h264-key", 0, 5000, every(0, 100)), joint{seconds: 0.01}).finish()
		}},
		{"discontinuities_60", "M", "sixty discontinuities with resets", func() *recording {
			r := newRecording()
			for i := range 60 {
				r.add(piece(float64(i%30), 0.667), joint{tag: i > 0})
			}
			return r.finish()
		}},
	}
}

// tiny is a recording of segments of three pictures.
func tiny(segments int) *recording {
	return newRecording().add(newTake().video("h264-key", 0, 3*segments, every(0, 30)), joint{seconds: 0.1})
}
