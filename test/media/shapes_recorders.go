// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"encoding/binary"
	"path"
	"slices"
)

// recorderShapes are what cameras, gateways and packagers write beside what is ordinary.
func recorderShapes() []shape {
	return slices.Concat(fieldShapes(), wrapShapes(), tableShapes(), packagerShapes(), editShapes(), soundShapes())
}

// fieldShapes have pictures whose fields are coded one by one, and pictures that are too large for a PES packet with a length.
func fieldShapes() []shape {
	styled := func(style tsStyle) *take {
		t := with("h264-paff", "aac", 8)
		t.style = style
		return t
	}
	return []shape{
		{"ts_fields", "Q", "each picture is coded as two fields", func() *recording { return hls(styled(tsStyle{})) }},
		{"ts_fields_apart", "Q", "the same, each field in a PES packet of its own", func() *recording { return hls(styled(tsStyle{fields: true})) }},
		{"ts_fields_restart", "Q", "the same, counters begin again in each segment", func() *recording {
			return hls(styled(tsStyle{fields: true, restart: true, lengths: true}))
		}},
		{"fmp4_fields", "Q", "two fields in a sample, fMP4", func() *recording {
			return newRecording().add(styled(tsStyle{}), joint{container: "fmp4"}).finish()
		}},
		{"mp4_fields", "Q", "two fields in a sample, MP4", func() *recording { return mp4File(styled(tsStyle{}), mp4Style{}).finish() }},
		{"ts_fields_cut", "H", "pictures of two fields, the last segment is cut", func() *recording {
			r := newRecording().add(styled(tsStyle{fields: true}), joint{})
			return r.cut(r.segments[len(r.segments)-1], 0.4, true).finish()
		}},
		{"ts_fields_line_missing", "K", "pictures of two fields, the playlist leaves out a segment", func() *recording {
			r := newRecording().add(styled(tsStyle{fields: true}), joint{})
			return r.leaveOut(r.inMiddle()).finish()
		}},
		{"ts_large_pictures", "Q", "pictures of 70 to 140 KB, whose PES packets cannot say their length", func() *recording {
			t := newTake().video("h264-large", 0, 60, every(0, 10)).sound("aac", 0, 6, 0)
			t.style.lengths = true
			return hls(t)
		}},
	}
}

// wrapShapes have a clock of 33 bits that begins again where nothing is recorded, or with the recording.
func wrapShapes() []shape {
	const turn = float64(1<<33) / clock
	pause := func() *take {
		t := newTake().video("h264", 0, 360, paused(30, 180, 20)).sound("aac", 0, 6, 0).sound("aac", 26, 32, 0)
		t.stamp = turn - 16
		return t
	}
	begins := func(video string, before float64) *take {
		t := with(video, "aac", 8)
		t.stamp = turn - before
		return t
	}
	return []shape{
		{"wrap_in_pause", "P", "the clock of 33 bits begins again in a pause of 20 s", func() *recording { return hls(pause()).unsure() }},
		{"wrap_in_pause_in_segment", "P", "the same within a segment", func() *recording {
			return newRecording().add(pause(), joint{cuts: []float64{0, 4, 28, 30}}).finish().unsure()
		}},
		{"wrap_in_pause_line_missing", "K", "the clock begins again in a pause, and the playlist leaves out a segment behind it", func() *recording {
			r := newRecording().add(pause(), joint{})
			return r.leaveOut(r.segments[len(r.segments)-2]).finish()
		}},
		{"wrap_in_mute", "P", "the clock begins again while nobody speaks", func() *recording {
			t := newTake().video("h264", 0, 720, every(0, 30)).sound("aac", 0, 6, 0).sound("aac", 18, 24, 0)
			t.stamp = turn - 12
			return hls(t).unsure()
		}},
		{"wrap_in_freeze", "P", "the clock begins again while the picture stands still", func() *recording {
			t := newTake().video("h264", 0, 300, paused(30, 150, 14)).sound("aac", 0, 24, 0)
			t.stamp = turn - 12
			return hls(t)
		}},
		{"wrap_at_beginning", "plain", "the clock begins again with the second picture", func() *recording { return hls(begins("h264", 0.02)) }},
		{"wrap_at_beginning_bframes", "plain", "it begins again between when the first picture is decoded and shown", func() *recording {
			return hls(begins("h264-b", 0.01))
		}},
		{"wrap_at_border", "plain", "it begins again where a segment does", func() *recording { return hls(begins("h264-b", 4)) }},
		{"wrap_packed_aac", "plain", "it begins again, segments of ADTS", func() *recording {
			return newRecording().add(begins("", 4.01), joint{container: "packed"}).finish()
		}},
	}
}

// tableShapes change what a transport stream says of itself, and begin with other bytes.
func tableShapes() []shape {
	within := func() *recording {
		t := call(8)
		t.style.tables = 10
		r := newRecording().add(t, joint{})
		for i, s := range r.segments {
			half := len(s.data) / 2 / 188 * 188
			s.data = slices.Concat(s.data[:half], withTableVersion(s.data[half:], byte(i+1)))
		}
		return r.finish()
	}
	grows := func(cuts ...float64) func() *recording {
		return func() *recording {
			t := newTake().sound("aac", 0, 10, 0).video("h264", 0, 210, every(3, 30))
			t.style.growing, t.changing = true, true
			return newRecording().add(t, joint{cuts: cuts}).finish()
		}
	}
	garbage := func(front []byte) func() *recording {
		return func() *recording {
			r := newRecording().add(call(8), joint{})
			s := r.inMiddle()
			s.data = slices.Concat(front, s.data)
			r.truth.damages = append(r.truth.damages, damage{from: s.from, to: s.from})
			return r.finish()
		}
	}
	return []shape{
		{"ts_table_version_within", "Q", "the tables get another version in the middle of each segment", within},
		{"ts_camera_within_segment", "A", "camera switched on within a segment, new PMT", grows(0, 5, 7)},
		{"ts_camera_within_only_segment", "A", "camera switched on within the only segment", grows(0)},
		{"ts_pid_changes_within_segment", "A", "video goes on with another PID within a segment", func() *recording {
			t := newTake().sound("aac", 0, 10, 0).video("h264", 0, 90, every(0, 30)).videoOn(0x120, "h264", 90, 210, every(3, 30))
			t.style.growing, t.changing = true, true
			return newRecording().add(t, joint{cuts: []float64{0, 2, 6, 8}}).finish()
		}},
		{"ts_garbage_in_front", "L", "100 other bytes in front of a segment", garbage(bytes.Repeat([]byte{0xa5}, 100))},
		{"ts_zeros_in_front", "L", "zeros of the length of a packet in front of a segment", garbage(make([]byte, 188))},
		{"ts_sound_without_length", "Q", "PES packets of sound do not say their length", func() *recording {
			t := call(8)
			t.style.endless, t.style.packets = true, 4
			return hls(t)
		}},
	}
}

// packagerShapes are playlists and fragments as packagers write them.
func packagerShapes() []shape {
	fragmented := func(seconds float64) *recording { return newRecording().add(call(seconds), joint{container: "fmp4"}) }
	// message is an event message (ISO/IEC 23009-1, 5.10.3.3), as packagers put them in front of fragments.
	message := fullBox("emsg", 0, 0, []byte("urn:mpeg:dash:event:2012\x00\x001\x00"), u32(clock, 0, 0, 7), []byte("<x/>"))
	messages := func(r *recording) *recording {
		for _, s := range r.segments {
			s.data = slices.Concat(message, s.data)
			for i := range s.places {
				s.places[i].from += len(message)
				s.places[i].to += len(message)
			}
		}
		return r
	}
	return []shape{
		{"fmp4_messages", "Q", "fMP4 with event messages (emsg) in front of each fragment", func() *recording { return messages(fragmented(8)).finish() }},
		{"fmp4_messages_cut", "L", "fMP4 with event messages (emsg), a segment is cut", func() *recording {
			r := messages(fragmented(8))
			return r.cut(r.inMiddle(), 0.7, false).finish()
		}},
		{"fmp4_two_sounds", "codec", "fMP4 with two tracks of sound", func() *recording {
			t := call(8).soundOn(audio2PID, "aac-mono", 0, 8, 30)
			return newRecording().add(t, joint{container: "fmp4"}).finish().firstSoundAlone()
		}},
		{"fmp4_map_each_segment", "G", "another EXT-X-MAP with the same bytes before each segment", func() *recording {
			r := fragmented(8)
			for i, s := range r.segments {
				name := "again" + itoa(i) + ".mp4"
				r.files[path.Join(path.Dir(r.object), name)] = r.files[path.Join(path.Dir(r.object), s.initName)]
				s.initName = name
			}
			delete(r.files, "call/init0.mp4")
			return r.finish()
		}},
		{"fmp4_map_change_no_tag", "G", "EXT-X-MAP changes, and no discontinuity is announced", func() *recording {
			r := fragmented(6)
			return r.add(newTake().video("h264-high", 180, 180, every(6, 30)).sound("aac", 6, 12, 0), joint{container: "fmp4", same: true}).finish()
		}},
		{"byte_ranges_follow", "N", "ranges of one file, each behind the one before", func() *recording { return ranges(newRecording().add(call(8), joint{})) }},
		{"fmp4_byte_ranges", "N", "ranges of one file, fMP4", func() *recording { return ranges(fragmented(8)) }},
		{"byte_ranges_line_missing", "K", "ranges of one file, and the playlist leaves out one", func() *recording {
			r := newRecording().add(call(8), joint{})
			r.segments[2].gone = true
			r.lose(r.segments[2].units...)
			return ranges(r)
		}},
		{"byte_ranges_last_line_missing", "K", "ranges of one file, and the playlist leaves out the last one", func() *recording {
			return ranges(newRecording().add(call(8), joint{}).withoutLast()).either(unknown)
		}},
		{"byte_ranges_line_missing_at_reset", "K", "ranges of one file, and the playlist leaves out the last one of a clock", func() *recording {
			r := newRecording().add(call(8), joint{}).withoutLast()
			return ranges(r.add(newTake().video("h264", 240, 240, every(0, 30)).sound("aac", 0, 8, 8), joint{tag: true})).either(unknown)
		}},
		{"fmp4_byte_ranges_last_line_missing", "K", "ranges of one file, fMP4, and the playlist leaves out the last one", func() *recording {
			return ranges(fragmented(8).withoutLast()).either(unknown)
		}},
		{"fmp4_byte_ranges_index", "N", "ranges of one file, fMP4, and an index (mfra) behind them that the playlist does not name", func() *recording {
			r := ranges(fragmented(8))
			r.files["call/all.m4s"] = append(r.files["call/all.m4s"], box("mfra", box("mfro", u32(0), u32(24)))...)
			return r
		}},
		{"fragmented_clockless", "N", "a fragmented MP4 whose fragments, but the first, do not say when they are decoded", func() *recording {
			return mp4File(call(8), mp4Style{fragments: 1, clockless: true}).finish()
		}},
		{"mp4_keys_not_listed", "N", "an MP4 whose tables do not say which pictures are key frames", func() *recording {
			return keysUnlisted(call(8)).finish()
		}},
		{"mp4_only_key_frame_gone", "L", "an MP4 whose tables do not say which pictures are key frames, and the only one is not there", func() *recording {
			t := newTake().video("h264-long", 0, 60, every(0, 30)).sound("aac", 0, 2, 0)
			first := slices.IndexFunc(t.units, func(u *unit) bool { return u.source.video })
			key := t.units[first]
			t.units = slices.Delete(t.units, first, first+1)
			r := keysUnlisted(t)
			r.units = append([]*unit{key}, r.units...)
			r.lose(key)
			r.truth.damages[0].to = r.end
			r.truth.decoding, r.truth.unreadable = true, true
			return r.finish()
		}},
		{"playlist_of_a_window", "K", "the playlist numbers its first segment 9: a window of a live stream may have lost its beginning", func() *recording {
			r := newRecording()
			r.playlist.first = 9
			return r.add(call(8), joint{names: func(i int) string { return numbered(i + 9) }}).finish().either(unknown)
		}},
		{"first_line_missing", "K", "the playlist leaves out the first segment: continuity counters that run on show it", func() *recording {
			return begun().add(call(8), joint{}).finish().either(unknown)
		}},
		{"playlist_numbers_from_1", "N", "the playlist numbers its segments from 1", func() *recording {
			r := newRecording()
			r.playlist.first = 1
			return r.add(call(8), joint{names: func(i int) string { return numbered(i + 1) }}).finish()
		}},
		{"fps_50", "plain", "50 frames a second, fMP4", func() *recording {
			return newRecording().add(newTake().video("h264-b", 0, 400, every(0, 50)).sound("aac", 0, 8, 0), joint{container: "fmp4"}).finish()
		}},
		{"fmp4_fps_1", "B", "fMP4 with a frame a second throughout", func() *recording {
			return newRecording().add(newTake().video("h264-key", 0, 16, every(0, 1)).sound("aac", 0, 16, 0), joint{container: "fmp4"}).finish()
		}},
		{"reset_open_group", "S", "H.265, reset, and the second clock begins within an open group", func() *recording {
			r := newRecording().add(with("hevc-open", "aac", 5), joint{})
			t := newTake().video("hevc-open", 156, 145, every(0, 30)).fromKey().sound("aac", 0.3, 5, 5)
			return r.add(t, joint{tag: true}).finish().either(unknown)
		}},
		{"reset_bframes_fmp4", "F", "reset with B-frames, fMP4", func() *recording {
			r := newRecording().add(with("h264-b", "aac", 6), joint{container: "fmp4"})
			return r.add(newTake().video("h264-b", 180, 180, every(0, 30)).sound("aac", 0, 6, 6), joint{tag: true, container: "fmp4"}).finish()
		}},
	}
}

// ranges makes all segments parts of one file. Where a line names no offset, the part follows the one of the line before.
func ranges(r *recording) *recording {
	var all []byte
	follows := false
	for _, s := range r.segments {
		s.byteRange = itoa(len(s.data))
		if !follows {
			s.byteRange += "@" + itoa(len(all))
		}
		follows = !s.gone
		s.name = "all" + path.Ext(s.name)
		all = append(all, s.data...)
	}
	r.files[path.Join(path.Dir(r.object), r.segments[0].name)] = all
	return r.finish()
}

// begun is a recording of a muxer that has written a segment of 1.9 seconds before.
func begun() *recording {
	r := newRecording().add(call(1.9), joint{})
	return &recording{format: r.format, object: r.object, files: map[string][]byte{}, mux: r.mux}
}

// keysUnlisted is an MP4 without a table of key frames (stss), which says that all pictures are.
func keysUnlisted(t *take) *recording {
	r := mp4File(t, mp4Style{})
	s := r.segments[0]
	s.data = bytes.Replace(s.data, []byte("stss"), []byte("free"), 1)
	return r
}

// editShapes have edit lists of several entries.
func editShapes() []shape {
	return []shape{
		{"mp4_edit_cuts_twice", "Q", "an edit list that cuts 1 s at the beginning and 2 s in the middle", func() *recording {
			r := mp4File(call(10), mp4Style{skip: 1, hole: [2]float64{3, 5}}).hideFirst(1)
			return r.leaveHole(3, 5).finish()
		}},
		{"mp4_edit_cuts_within_group", "Q", "an edit list that leaves out 2.15 s, and goes on within a group", func() *recording {
			return mp4File(call(10), mp4Style{hole: [2]float64{4, 6.15}}).leaveHole(4, 6.15).finish()
		}},
		{"mp4_edit_skips_between", "Q", "an edit list that begins between two pictures", func() *recording {
			return mp4File(call(8), mp4Style{skip: 0.51}).hideFirst(0.51).finish()
		}},
		{"mp4_edit_cuts_bframes", "Q", "an edit list that leaves out 2 s, B-frames", func() *recording {
			return mp4File(with("h264-b", "aac", 10), mp4Style{hole: [2]float64{4, 6}}).leaveHole(4, 6).finish()
		}},
	}
}

// soundShapes are sound of other encodings, and sound that changes.
func soundShapes() []shape {
	telephone := func(name string) func() *recording {
		return func() *recording { return hls(with("h264", name, 8)).needsEncoding() }
	}
	return []shape{
		{"ts_alaw", "codec", "A-law in MPEG-TS (stream type 0x90)", telephone("alaw")},
		{"ts_mulaw", "codec", "mu-law in MPEG-TS (stream type 0x91)", telephone("mulaw")},
		{"sound_mono_mute_stereo", "I", "AAC mono, nobody speaks for 5 s, then stereo", func() *recording {
			t := newTake().video("h264", 0, 480, every(0, 30)).sound("aac-mono", 0, 5.3, 0).sound("aac", 10.4, 16, 0)
			return hls(t).changes("sound")
		}},
		{"sound_begins_segment", "Q", "the picture stands still, and sound begins a segment within a group", func() *recording {
			t := newTake().video("h264-long", 0, 300, paused(30, 85, 1.2)).sound("aac", 3.8, 11, 0)
			return newRecording().add(t, joint{cuts: []float64{0, 3.8, 7}}).finish()
		}},
		{"mp4_opus_pre_skip", "codec", "MP4 as Chromium records it: decoders leave out the first 80 ms of its Opus", func() *recording {
			r := mp4File(with("h264", "opus", 6), mp4Style{fragments: 1, noEdits: true})
			for _, s := range r.segments {
				const preSkip = 3840 // samples
				binary.BigEndian.PutUint16(s.data[bytes.Index(s.data, []byte("dOps"))+6:], preSkip)
			}
			return r.finish()
		}},
	}
}
