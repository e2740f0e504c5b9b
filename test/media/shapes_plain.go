// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"fmt"
	"slices"
	"strings"
)

// call is the ordinary recording: pictures and sound for some seconds.
func call(seconds float64) *take {
	return newTake().video("h264", 0, int(seconds*30), every(0, 30)).sound("aac", 0, seconds, 0)
}

// hls is a recording of one take in segments of two seconds.
func hls(t *take) *recording { return newRecording().add(t, joint{}).finish() }

// with is a call with other sources; an empty name leaves a stream out.
func with(video, sound string, seconds float64) *take {
	t := newTake()
	if video != "" {
		t.video(video, 0, int(seconds*30), every(0, 30))
	}
	if sound != "" {
		t.sound(sound, 0, seconds, 0)
	}
	return t
}

// needsEncoding says that Remux may refuse it: MP4 or browsers cannot hold it.
func (r *recording) needsEncoding() *recording {
	r.truth.transcodeOnly = true
	return r
}

// wrapStamp lets the clock of 33 bits begin again five seconds after the beginning.
const wrapStamp = float64(1<<33)/clock - 5

func plainShapes() []shape {
	all := []shape{
		{"plain_ts", "plain", "MPEG-TS, segments of 2 s", func() *recording { return hls(call(10)) }},
		{"plain_mp4", "plain", "one MP4", func() *recording { return mp4File(call(10), mp4Style{}).finish() }},
		{"plain_mp4_moov_last", "plain", "MP4, tables behind the media", func() *recording { return mp4File(call(10), mp4Style{behind: true}).finish() }},
		{"mp4_co64", "plain", "MP4, 64-bit offsets and sizes", func() *recording { return mp4File(call(10), mp4Style{wide: true}).finish() }},
		{"fmp4_hls", "plain", "HLS with fragmented MP4", func() *recording {
			return newRecording().add(call(10), joint{container: "fmp4"}).finish()
		}},
		{"fragmented_mp4", "plain", "one fragmented MP4", func() *recording { return mp4File(call(10), mp4Style{fragments: 2}).finish() }},
		{"fragmented_mp4_one", "plain", "MP4 of a single fragment", func() *recording { return mp4File(call(10), mp4Style{fragments: 60}).finish() }},
		{"segments_restart_counters", "plain", "continuity counters begin at 0 in each segment", func() *recording {
			t := call(12)
			t.style.restart = true
			return hls(t)
		}},
		{"pes_lengths", "plain", "PES packets of pictures say their length", func() *recording {
			t := call(10)
			t.style.lengths = true
			return hls(t)
		}},
		{"pes_many_frames", "plain", "seven frames of sound in a PES packet, PAT and PMT repeated", func() *recording {
			t := call(10)
			t.style.packets, t.style.tables = 7, 20
			return hls(t)
		}},
		{"audio_only", "plain", "sound alone", func() *recording { return hls(with("", "aac", 12)) }},
		{"video_only", "plain", "pictures alone", func() *recording { return hls(with("h264", "", 12)) }},
		{"audio_only_mp4", "plain", "MP4, sound alone", func() *recording { return mp4File(with("", "aac", 12), mp4Style{}).finish() }},
		{"video_only_mp4", "plain", "MP4, pictures alone", func() *recording { return mp4File(with("h264", "", 12), mp4Style{}).finish() }},
		{"packed_aac", "plain", "segments of ADTS with an ID3 timestamp", func() *recording {
			return newRecording().add(with("", "aac", 12), joint{container: "packed"}).finish()
		}},
		{"packed_aac_later", "plain", "the same, clock near 26 h", func() *recording {
			t := with("", "aac-mono", 12)
			t.stamp = 95000
			return newRecording().add(t, joint{container: "packed"}).finish()
		}},
		{"one_frame", "plain", "a single picture", func() *recording { return hls(newTake().video("h264", 0, 1, every(0, 30))) }},
		{"one_frame_mp4", "plain", "MP4 of a single picture", func() *recording {
			return mp4File(newTake().video("h264", 0, 1, every(0, 30)), mp4Style{}).finish()
		}},
		{"one_segment", "plain", "a single segment", func() *recording { return newRecording().add(call(6), joint{seconds: 60}).finish() }},
		{"wrap_33_bits", "plain", "the clock of 33 bits begins again in the middle", func() *recording {
			t := call(12)
			t.stamp = wrapStamp
			return hls(t)
		}},
		{"wrap_33_bits_bframes", "plain", "the same with B-frames, in the middle of a group", func() *recording {
			t := with("h264-b", "aac", 12)
			t.stamp = wrapStamp + 0.033
			return hls(t)
		}},
		{"stamp_zero", "plain", "the clock begins at 0", func() *recording {
			t := call(8)
			t.stamp = 0
			return hls(t)
		}},
		{"stamp_hours", "plain", "the clock begins at 20 h", func() *recording {
			t := call(8)
			t.stamp = 72000
			return hls(t)
		}},
		{"fmp4_stamp_year", "plain", "fMP4 whose decode times are seconds since 1970", func() *recording {
			t := call(8)
			t.stamp = 1.77e9
			return newRecording().add(t, joint{container: "fmp4"}).finish()
		}},
		{"key_frames_rare", "plain", "groups longer than segments", func() *recording {
			return newRecording().add(with("h264-long", "aac", 12), joint{cuts: []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}).finish()
		}},
		{"sixty_fps", "plain", "60 frames a second", func() *recording {
			return hls(newTake().video("h264", 0, 600, every(0, 60)).sound("aac", 0, 10, 0))
		}},
		{"fps_2997", "plain", "30000/1001 frames a second", func() *recording {
			return hls(newTake().video("h264", 0, 300, every(0, 30000.0/1001)).sound("aac-44", 0, 10, 0))
		}},
		{"jitter", "plain", "pictures up to 12 ms early or late", func() *recording {
			return hls(newTake().video("h264", 0, 300, func(i int) float64 { return float64(i)/30 + 0.012*float64((i*7)%5-2)/2 }).sound("aac", 0, 10, 0))
		}},
		{"late_sound_200ms", "plain", "sound begins 0.2 s after the picture", func() *recording {
			return hls(newTake().video("h264", 0, 240, every(0, 30)).sound("aac", 0.2, 8, 0))
		}},
		{"late_video_300ms", "plain", "the picture begins 0.3 s after the sound", func() *recording {
			return hls(newTake().video("h264", 0, 240, every(0.3, 30)).sound("aac", 0, 8.3, 0))
		}},
		{"sound_longer", "plain", "sound goes on for 3 s after the last picture", func() *recording {
			return hls(newTake().video("h264", 0, 240, every(0, 30)).sound("aac", 0, 11, 0))
		}},
		{"video_longer", "plain", "pictures go on for 3 s after the last sound", func() *recording {
			return hls(newTake().video("h264", 0, 330, every(0, 30)).sound("aac", 0, 8, 0))
		}},
		{"interleaved_apart", "plain", "sound lies 1.5 s behind its pictures in the file", func() *recording {
			t := call(10)
			for _, u := range t.units {
				if !u.source.video {
					u.behind = 1.5
				}
			}
			return newRecording().add(t, joint{seconds: 60}).finish()
		}},
	}
	return slices.Concat(all, writerShapes(), codecShapes())
}

// writerShapes are what other recorders write.
func writerShapes() []shape {
	styled := func(name string, style tsStyle) func() *recording {
		return func() *recording {
			t := with(name, "aac", 10)
			t.style = style
			return hls(t)
		}
	}
	one := func(container string) func() *recording {
		return func() *recording {
			return newRecording().add(with("h264-one", "aac", 12), joint{container: container, cuts: []float64{0, 2, 4, 6, 8, 10}}).finish()
		}
	}
	return []shape{
		{"null_packets", "plain", "null packets and a table of services between", styled("h264", tsStyle{stuffing: true})},
		{"adts_crc", "plain", "ADTS headers with a checksum", styled("h264", tsStyle{adtsCRC: true, packets: 3})},
		{"slices", "plain", "four slices in a picture", styled("h264-slices", tsStyle{})},
		{"one_key_picture", "plain", "only the first picture of the recording is a key picture", one("")},
		{"one_key_picture_fmp4", "plain", "the same in fMP4", one("fmp4")},
		{"one_key_picture_mp4", "plain", "the same in MP4", func() *recording { return mp4File(with("h264-one", "aac", 12), mp4Style{}).finish() }},
		{"mp4_to_end", "plain", "MP4 whose box of media goes on to the end of the file", func() *recording { return mp4File(call(8), mp4Style{toEnd: true}).finish() }},
		{"mp4_boxes", "plain", "MP4 with free, uuid and wide boxes", func() *recording { return mp4File(call(8), mp4Style{boxes: true}).finish() }},
		{"mp4_negative_offsets", "plain", "MP4 with B-frames and negative composition offsets", func() *recording {
			return mp4File(with("h264-b", "aac", 8), mp4Style{negative: true}).finish()
		}},
		{"reset_indicator", "F", "reset with discontinuity_indicator in the transport stream, no tag", func() *recording {
			t := newTake().video("h264", 240, 240, every(0, 30)).sound("aac", 0, 8, 8)
			r := newRecording().add(call(8), joint{})
			t.style.indicator = true
			return r.add(t, joint{cuts: []float64{0}}).finish()
		}},
	}
}

// codecShapes are other codecs, sizes and rates.
func codecShapes() []shape {
	var all []shape
	add := func(name, says string, made func() *recording) { all = append(all, shape{name, "codec", says, made}) }
	for _, sound := range []string{"aac-mono", "aac-16", "aac-44", "aac-8", "mp3", "ac3", "opus"} {
		add("ts_"+strings.ReplaceAll(sound, "-", "_"), "H.264 with "+sound+" in MPEG-TS", func() *recording { return hls(with("h264", sound, 8)) })
		add("mp4_"+strings.ReplaceAll(sound, "-", "_"), "H.264 with "+sound+" in MP4", func() *recording { return mp4File(with("h264", sound, 8), mp4Style{}).finish() })
	}
	for _, video := range []string{"h264-10", "h264-odd", "hevc", "hevc-b", "h264-b"} {
		add("ts_"+strings.ReplaceAll(video, "-", "_"), video+" in MPEG-TS", func() *recording { return hls(with(video, "aac", 8)) })
		add("mp4_"+strings.ReplaceAll(video, "-", "_"), video+" in MP4", func() *recording { return mp4File(with(video, "aac", 8), mp4Style{}).finish() })
		add("fmp4_"+strings.ReplaceAll(video, "-", "_"), video+" in HLS with fMP4", func() *recording {
			return newRecording().add(with(video, "aac", 8), joint{container: "fmp4"}).finish()
		})
	}
	for _, video := range []string{"vp9", "av1"} {
		add("mp4_"+video, video+" in MP4", func() *recording { return mp4File(with(video, "opus", 6), mp4Style{}).finish() })
		add("fmp4_"+video, video+" in HLS with fMP4", func() *recording {
			return newRecording().add(with(video, "opus", 6), joint{container: "fmp4"}).finish()
		})
	}
	add("ts_mpeg2", "MPEG-2 video in MPEG-TS", func() *recording { return hls(with("mpeg2", "mp3", 8)).needsEncoding() })
	add("mov_pcm", "PCM in a QuickTime file", func() *recording {
		return mp4File(with("h264", "pcm", 8), mp4Style{brand: "qt  "}).finish().needsEncoding()
	})
	add("mov_alaw", "A-law in a QuickTime file", func() *recording {
		return mp4File(with("h264", "alaw", 8), mp4Style{brand: "qt  "}).finish().needsEncoding()
	})
	add("ts_opus_still", "Opus in MPEG-TS, 30 frames in a PES packet", func() *recording {
		t := with("h264", "opus", 8)
		t.style.packets = 5
		return hls(t)
	})
	for _, rotation := range []int{90, 180, 270} {
		add(fmt.Sprintf("mp4_rotation_%d", rotation), fmt.Sprintf("MP4 turned by %d degrees", rotation), func() *recording {
			r := mp4File(call(6), mp4Style{rotation: rotation}).finish()
			r.truth.rotated = rotation
			return r
		})
	}
	add("mp4_cover", "MP4 with a cover picture", func() *recording { return mp4File(call(6), mp4Style{cover: "mjpeg"}).finish() })
	add("two_sound_tracks", "two sound tracks", func() *recording {
		return hls(call(8).soundOn(audio2PID, "aac-mono", 0, 8, 30)).firstSoundAlone()
	})
	add("two_sound_tracks_mp4", "MP4 with two sound tracks", func() *recording {
		return mp4File(call(8).soundOn(audio2PID, "aac-mono", 0, 8, 30), mp4Style{}).finish().firstSoundAlone()
	})
	add("data_stream", "timed ID3 metadata beside", func() *recording {
		t := call(8)
		t.extra = id3Packets
		return hls(t)
	})
	return all
}
