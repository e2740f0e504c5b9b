// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

// changing says that each segment names only the streams that come in it.
func changingTake() *take {
	t := newTake()
	t.changing = true
	return t
}

// changes says that one MP4 track cannot hold the recording without encoding again.
func (r *recording) changes(what string) *recording {
	r.truth.change = what
	return r
}

// tagAt marks the segment that begins at a time with a discontinuity.
func (r *recording) tagAt(at float64) *recording {
	for _, s := range r.segments {
		if s.from > at-0.3 {
			s.discontinuity = true
			break
		}
	}
	return r.finish()
}

// streamShapes are kinds A and E: streams that come, go, change, or are named and never come.
func streamShapes() []shape {
	cameraLater := func() *take {
		return changingTake().sound("aac", 0, 22, 0).video("h264", 0, 300, every(12, 30))
	}
	soundLater := func() *take {
		return changingTake().video("h264", 0, 660, every(0, 30)).sound("aac", 12, 22, 0)
	}
	all := []shape{
		{"camera_on_later", "A", "camera switched on after 12 s, new PMT", func() *recording { return hls(cameraLater()) }},
		{"camera_on_later_tag", "A", "the same with EXT-X-DISCONTINUITY", func() *recording {
			return newRecording().add(cameraLater(), joint{}).tagAt(12)
		}},
		{"sound_joins_later", "A", "sound from 12 s on, new PMT", func() *recording { return hls(soundLater()) }},
		{"sound_joins_later_tag", "A", "the same with EXT-X-DISCONTINUITY", func() *recording {
			return newRecording().add(soundLater(), joint{}).tagAt(12)
		}},
		{"camera_off_later", "A", "camera switched off after 8 s for good, new PMT", func() *recording {
			return hls(changingTake().sound("aac", 0, 18, 0).video("h264", 0, 240, every(0, 30)))
		}},
		{"camera_off_and_on", "A", "camera off from 6 to 14 s", func() *recording {
			return hls(changingTake().sound("aac", 0, 20, 0).video("h264", 0, 180, every(0, 30)).video("h264", 180, 180, every(14, 30))).unsure()
		}},
		{"camera_thrice", "A", "camera on three times, each on another PID", func() *recording {
			t := changingTake().sound("aac", 0, 24, 0)
			t.videoOn(0x110, "h264", 0, 120, every(2, 30)).videoOn(0x111, "h264", 120, 120, every(10, 30)).videoOn(0x112, "h264", 240, 120, every(18, 30))
			return hls(t).unsure()
		}},
		{"new_pid_after_restart", "A", "video goes on with another PID", func() *recording {
			return hls(changingTake().sound("aac", 0, 20, 0).video("h264", 0, 300, every(0, 30)).videoOn(0x120, "h264", 300, 300, every(10, 30)))
		}},
		{"new_pids_reset", "A", "both PIDs change with a reset of the clock", func() *recording {
			t := newTake().videoOn(0x130, "h264", 300, 240, every(0, 30)).soundOn(0x131, "aac", 0, 8, 10)
			return newRecording().add(call(10), joint{}).add(t, joint{tag: true}).finish()
		}},
		{"pids_swapped", "A", "PIDs of picture and sound exchanged after a reset", func() *recording {
			t := newTake().videoOn(audioPID, "h264", 300, 240, every(0, 30)).soundOn(videoPID, "aac", 0, 8, 10)
			return newRecording().add(call(10), joint{}).add(t, joint{tag: true}).finish()
		}},
		{"h264_then_hevc", "A", "H.264, then H.265", func() *recording {
			return hls(changingTake().sound("aac", 0, 12, 0).video("h264", 0, 180, every(0, 30)).video("hevc", 180, 180, every(6, 30))).changes("codec")
		}},
		{"camera_off_other_codec", "A", "H.264, no camera for 4 s, then H.265", func() *recording {
			t := changingTake().sound("aac", 0, 12, 0).video("h264", 0, 120, every(0, 30)).video("hevc", 240, 120, every(8, 30))
			return hls(t).unsure().changes("codec")
		}},
		{"h264_then_hevc_reset", "A", "H.264, then H.265 after a reset", func() *recording {
			return newRecording().add(call(6), joint{}).
				add(newTake().video("hevc", 180, 180, every(0, 30)).sound("aac", 0, 6, 6), joint{tag: true}).finish().changes("codec")
		}},
		{"aac_then_mp3", "A", "AAC, then MP3", func() *recording {
			return hls(changingTake().video("h264", 0, 360, every(0, 30)).sound("aac", 0, 6, 0).soundOn(0x121, "mp3", 6, 12, 0)).changes("sound")
		}},
		{"mp3_then_camera", "A", "MP3 alone, then pictures and AAC", func() *recording {
			return hls(changingTake().soundOn(0x121, "mp3", 0, 6, 0).sound("aac", 6, 12, 0).video("h264", 0, 180, every(6, 30))).changes("sound")
		}},
		{"silent_h264_then_hevc", "A", "H.264 without sound, then H.265 with sound after a reset", func() *recording {
			return newRecording().add(newTake().video("h264", 0, 180, every(0, 30)), joint{}).
				add(newTake().video("hevc", 180, 180, every(0, 30)).sound("aac", 0, 6, 6), joint{tag: true}).finish().changes("codec")
		}},
		{"audio_only_after_reset", "A", "after a reset there is sound alone", func() *recording {
			return newRecording().add(call(6), joint{}).add(newTake().sound("aac", 0, 6, 6), joint{tag: true}).finish()
		}},
		{"video_only_after_reset", "A", "after a reset there are pictures alone", func() *recording {
			return newRecording().add(call(6), joint{}).add(newTake().video("h264", 180, 180, every(0, 30)), joint{tag: true}).finish()
		}},
		{"fmp4_camera_later", "A", "fMP4: camera from the second EXT-X-MAP on", func() *recording {
			r := newRecording().add(newTake().sound("aac", 0, 6, 0), joint{container: "fmp4"})
			return r.add(newTake().video("h264", 0, 180, every(6, 30)).sound("aac", 6, 12, 0), joint{container: "fmp4", same: true, tag: true}).finish()
		}},
		{"named_sound_never_comes", "E", "PMT names AAC, no packet comes", func() *recording {
			return hls(with("h264", "", 10).named("aac", audioPID))
		}},
		{"named_video_never_comes", "E", "PMT names H.264, no packet comes", func() *recording {
			return hls(newTake().named("h264", videoPID).sound("aac", 0, 10, 0))
		}},
		{"named_sound_from_20s", "E", "PMT names AAC from the beginning, it comes at 20 s", func() *recording {
			return hls(newTake().video("h264", 0, 840, every(0, 30)).sound("aac", 20, 28, 0))
		}},
		{"named_video_from_20s", "E", "PMT names H.264 from the beginning, it comes at 20 s", func() *recording {
			return hls(newTake().named("h264", videoPID).sound("aac", 0, 28, 0).video("h264", 0, 240, every(20, 30)))
		}},
		{"mp4_sound_from_5s", "E", "MP4 whose sound track begins at 5 s", func() *recording {
			return mp4File(newTake().video("h264", 0, 300, every(0, 30)).sound("aac", 5, 10, 0), mp4Style{}).finish()
		}},
		{"mp4_video_from_5s", "E", "MP4 whose video track begins at 5 s", func() *recording {
			return mp4File(newTake().sound("aac", 0, 10, 0).video("h264", 0, 150, every(5, 30)), mp4Style{}).finish()
		}},
		{"fragmented_sound_never_comes", "E", "fragmented MP4 with an empty sound track", func() *recording {
			return mp4File(with("h264", "", 8).named("aac", audioPID), mp4Style{fragments: 2}).finish()
		}},
		{"fmp4_map_change", "G", "EXT-X-MAP changes: other encoder settings", func() *recording {
			r := newRecording().add(call(6), joint{container: "fmp4"})
			return r.add(newTake().video("h264-high", 180, 180, every(6, 30)).sound("aac", 6, 12, 0), joint{container: "fmp4", same: true, tag: true}).finish()
		}},
		{"fmp4_map_change_reset", "G", "EXT-X-MAP changes with a reset", func() *recording {
			r := newRecording().add(call(6), joint{container: "fmp4"})
			return r.add(newTake().video("h264-big", 180, 180, every(0, 30)).sound("aac", 0, 6, 6), joint{container: "fmp4", tag: true}).finish()
		}},
		{"fmp4_map_change_thrice", "G", "EXT-X-MAP changes and comes back", func() *recording {
			r := newRecording().add(call(4), joint{container: "fmp4"})
			r.add(newTake().video("h264-high", 120, 120, every(4, 30)).sound("aac", 4, 8, 0), joint{container: "fmp4", same: true, tag: true})
			return r.add(newTake().video("h264", 240, 120, every(8, 30)).sound("aac", 8, 12, 0), joint{container: "fmp4", same: true, tag: true}).finish()
		}},
		{"ts_settings_change", "G", "MPEG-TS: other encoder settings, no tag", func() *recording {
			return hls(newTake().video("h264", 0, 180, every(0, 30)).video("h264-high", 180, 180, every(6, 30)).sound("aac", 0, 12, 0))
		}},
	}
	return append(all, parameterShapes()...)
}

// parameterShapes are kinds I and J: sound and sizes that change.
func parameterShapes() []shape {
	soundChange := func(before, after string) func() *recording {
		return func() *recording {
			t := newTake().video("h264", 180, 180, every(0, 30)).sound(after, 0, 6, 6)
			return newRecording().add(with("h264", before, 6), joint{}).add(t, joint{tag: true}).finish().changes("sound")
		}
	}
	sizes := func(names ...string) func() *recording {
		return func() *recording {
			t := newTake().sound("aac", 0, 4*float64(len(names)), 0)
			for i, name := range names {
				t.video(name, 120*i, 120, every(4*float64(i), 30))
			}
			return hls(t)
		}
	}
	return []shape{
		{"sound_48_to_16", "I", "AAC 48 kHz stereo, then 16 kHz mono after a reset", soundChange("aac", "aac-16")},
		{"sound_16_to_48", "I", "AAC 16 kHz mono, then 48 kHz stereo", soundChange("aac-16", "aac")},
		{"sound_48_to_44", "I", "AAC 48 kHz, then 44.1 kHz", soundChange("aac", "aac-44")},
		{"sound_mono_to_stereo", "I", "AAC mono, then stereo", soundChange("aac-mono", "aac")},
		{"sound_only_48_to_16", "I", "sound alone, 48 kHz, then 16 kHz", func() *recording {
			return newRecording().add(with("", "aac", 6), joint{}).add(newTake().sound("aac-16", 0, 6, 6), joint{tag: true}).finish().changes("sound")
		}},
		{"sound_rate_same_clock", "I", "48 kHz, then 44.1 kHz, the clock goes on", func() *recording {
			return hls(newTake().video("h264", 0, 360, every(0, 30)).sound("aac", 0, 6, 0).sound("aac-44", 6, 12, 0)).changes("sound")
		}},
		{"simulcast_up", "J", "160x90, then 320x180", sizes("h264", "h264-big")},
		{"simulcast_down", "J", "320x180, then 160x90", sizes("h264-big", "h264")},
		{"simulcast_often", "J", "five changes of size", sizes("h264", "h264-big", "h264", "h264-big", "h264")},
		{"orientation", "J", "160x90, then 90x160: a turned phone", sizes("h264", "h264-tall")},
		{"orientation_back", "J", "90x160, 160x90, 90x160", sizes("h264-tall", "h264", "h264-tall")},
		{"size_change_reset", "J", "another size after a reset", func() *recording {
			t := newTake().video("h264-big", 180, 180, every(0, 30)).sound("aac", 0, 6, 6)
			return newRecording().add(call(6), joint{}).add(t, joint{tag: true}).finish()
		}},
	}
}
