// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"slices"
)

// edgeShapes are the beginnings of recordings, sound that does not keep to its clock, and transport streams that are
// unlike those of other recorders.
func edgeShapes() []shape {
	edited := func(edit func(data []byte) []byte) func() *recording {
		return func() *recording {
			r := newRecording().add(call(8), joint{})
			for _, s := range r.segments {
				s.data = edit(s.data)
			}
			return r.finish()
		}
	}
	return slices.Concat(beginShapes(), overlapShapes(), []shape{
		{"ts_192_bytes", "Q", "transport packets of 192 bytes, as discs have them", edited(func(data []byte) []byte { return inPackets(data, []byte{0, 1, 2, 3}, nil) })},
		{"ts_204_bytes", "Q", "transport packets of 204 bytes, with room for error correction", edited(func(data []byte) []byte { return inPackets(data, nil, make([]byte, 16)) })},
		{"ts_table_versions", "Q", "the tables have another version in each segment", func() *recording {
			r := newRecording().add(call(8), joint{})
			for i, s := range r.segments {
				s.data = withTableVersion(s.data, byte(i))
			}
			return r.finish()
		}},
		{"ts_ends_with_delimiter", "Q", "a delimiter alone behind the last picture, as SRS writes it", func() *recording {
			r := newRecording().add(call(8), joint{})
			last := r.segments[len(r.segments)-1]
			last.data = withDelimiter(last.data, ticks(8))
			return r.finish()
		}},
		{"ts_start_codes_of_three", "Q", "start codes of three bytes, no access unit delimiters", func() *recording {
			t := call(8)
			t.style.bare = true
			return hls(t)
		}},
		{"fps_23976", "Q", "24000/1001 frames a second, B-frames", func() *recording {
			return hls(newTake().video("h264-b", 0, 240, every(0, 24000.0/1001)).sound("aac-44", 0, 10, 0))
		}},
		{"fps_5994", "Q", "60000/1001 frames a second", func() *recording {
			return newRecording().add(newTake().video("h264", 0, 500, every(0, 60000.0/1001)).sound("aac", 0, 8, 0), joint{container: "fmp4"}).finish()
		}},
		{"wrap_within_segment", "Q", "the clock of 33 bits begins again within the only segment, B-frames", func() *recording {
			t := with("h264-b", "aac", 12)
			t.stamp = wrapStamp
			return newRecording().add(t, joint{seconds: 60}).finish()
		}},
		{"sound_in_second_half", "Q", "MP4: sound in the second half alone", func() *recording {
			return mp4File(newTake().video("h264", 0, 300, every(0, 30)).sound("aac", 5.003, 10, 0), mp4Style{fragments: 1}).finish()
		}},
		{"mp4_begins_late", "S", "MP4 whose picture and sound both begin at 3 s", func() *recording {
			return muxed(call(8), "call.mp4", "-map 0 -c copy -output_ts_offset 3 -avoid_negative_ts disabled").late(3)
		}},
		{"mp4_begins_late_bframes", "S", "MP4, pictures alone, B-frames without edit list", func() *recording {
			r := mp4File(with("h264-b", "", 8), mp4Style{noEdits: true}).finish()
			r.truth.slack = 0.07
			return r
		}},
		{"one_frame_segments", "Q", "a single picture in each of five segments, no sound", func() *recording {
			return newRecording().add(newTake().video("h264-key", 0, 5, every(0, 2)), joint{seconds: 0.5}).lastOpen(0.5).finish()
		}},
		{"one_packet_of_sound", "Q", "a single packet of sound", func() *recording { return hls(newTake().sound("aac", 0, 0.02, 0)) }},
	})
}

// beginShapes begin with pictures that cannot be decoded.
func beginShapes() []shape {
	later := func() *take {
		return newTake().video("h264-long", 240, 300, every(0, 30)).sound("aac", 0, 10, 8).beginsWithin(25)
	}
	return []shape{
		{"begins_within_group", "S", "the recording begins within a group", func() *recording {
			return hls(with("h264-long", "aac", 8).beginsWithin(20)).either(unknown)
		}},
		{"begins_within_group_alone", "S", "the same without sound", func() *recording {
			return hls(with("h264-long", "", 8).beginsWithin(20)).either(unknown)
		}},
		{"begins_within_group_open", "S", "the same, open groups of pictures", func() *recording {
			return hls(with("h264-open", "aac", 8).beginsWithin(4)).either(unknown)
		}},
		{"begins_within_group_hevc", "S", "the same in H.265", func() *recording { return hls(with("hevc", "aac", 8).beginsWithin(4)).either(unknown) }},
		{"begins_within_group_mp4", "S", "the same in MP4", func() *recording {
			return mp4File(with("h264-long", "aac", 8).beginsWithin(20), mp4Style{}).finish().either(unknown)
		}},
		{"reset_within_group", "S", "after a reset, the recording begins within a group", func() *recording {
			return newRecording().add(with("h264-long", "aac", 8), joint{}).add(later(), joint{tag: true}).finish().either(unknown)
		}},
		{"reset_within_group_fmp4", "S", "the same in fMP4", func() *recording {
			r := newRecording().add(with("h264-long", "aac", 8), joint{container: "fmp4"})
			return r.add(later(), joint{tag: true, container: "fmp4"}).finish().either(unknown)
		}},
	}
}

// overlapShapes have sound that overlaps, or whose clock is wrong.
func overlapShapes() []shape {
	drifting := func(factor float64) func() *recording {
		return func() *recording {
			t := newTake().video("h264", 0, 840, every(0, 30)).sound("aac", 0, 28, 0)
			for _, u := range t.units {
				if !u.source.video {
					u.stampOff = u.time * (factor - 1)
				}
			}
			r := newRecording().add(t, joint{})
			for _, u := range r.units {
				u.at += u.stampOff
			}
			return r.finish()
		}
	}
	return []shape{
		{"sound_clock_fast", "P", "the clock of the sound is fast by 0.4 %", drifting(0.996)},
		{"sound_clock_slow", "P", "the clock of the sound is slow by 0.4 %", drifting(1.004)},
		{"sound_overlaps", "P", "the sound goes on on another PID, whose first 0.3 s overlap", func() *recording {
			t := newTake().video("h264", 0, 300, every(0, 30)).sound("aac", 0, 5, 0).soundOn(audio2PID, "aac", 4.7, 10, 0)
			r := newRecording().add(t, joint{})
			for _, u := range r.units {
				u.hidden = u.slot > 1 && u.at < 5
			}
			r.truth.ignored = true
			return r.finish()
		}},
		{"sound_repeated", "P", "each segment begins with the last three packets of sound of the one before", func() *recording {
			r := newRecording()
			for i := range 4 {
				begin := 2 * float64(i)
				t := newTake().video("h264", 60*i, 60, every(begin, 30)).sound("aac", max(0, begin-3.5*1024/48000), begin+2, 0)
				r.add(t, joint{same: i > 0})
				for _, u := range t.units {
					u.hidden = !u.source.video && u.at < begin-0.0001
				}
			}
			r.truth.ignored = true
			return r.finish()
		}},
	}
}

// lastOpen says that nothing tells how long the last picture is shown.
func (r *recording) lastOpen(seconds float64) *recording {
	r.truth.openEnd = seconds
	return r
}

// beginsWithin leaves out the first pictures of a take: it begins within a group, so that the pictures up to the next key
// picture cannot be decoded.
func (t *take) beginsWithin(pictures int) *take {
	left := 0
	t.units = slices.DeleteFunc(t.units, func(u *unit) bool {
		if u.source.video {
			left++
		}
		return u.source.video && left <= pictures
	})
	i := slices.IndexFunc(t.units, func(u *unit) bool { return u.source.video && u.sample().key })
	for _, u := range t.units[:i] {
		u.tainted = u.source.video
	}
	t.taintLeading(i)
	return t
}

// late moves everything behind the beginning.
func (r *recording) late(seconds float64) *recording {
	for _, u := range r.units {
		u.at += seconds
	}
	r.end += seconds
	r.truth.fill(r.units, r.end)
	return r
}

// inPackets puts bytes around each transport packet.
func inPackets(data, before, behind []byte) []byte {
	var out []byte
	for packet := range slices.Chunk(data, 188) {
		out = slices.Concat(out, before, packet, behind)
	}
	return out
}

// withTableVersion gives the tables of a segment another version.
func withTableVersion(data []byte, version byte) []byte {
	data = bytes.Clone(data)
	for packet := range slices.Chunk(data, 188) {
		pid := (uint16(packet[1])<<8 | uint16(packet[2])) & 0x1fff
		if pid != 0 && pid != pmtPID {
			continue
		}
		section := packet[5:]
		section = section[:3+(int(section[1]&0xf)<<8|int(section[2]))]
		section[5] = section[5]&0xc1 | version<<1
		copy(section[len(section)-4:], u32(crcMPEG(section[:len(section)-4])))
	}
	return data
}

// withDelimiter adds a PES packet to a segment that holds an access unit delimiter, and no picture.
func withDelimiter(data []byte, at int64) []byte {
	m := &tsMux{counters: map[uint16]byte{}, style: tsStyle{lengths: true}}
	for packet := range slices.Chunk(data, 188) {
		if (uint16(packet[1])<<8|uint16(packet[2]))&0x1fff == videoPID {
			m.counters[videoPID] = (packet[3] + 1) & 15
		}
	}
	m.pes([]tsTrack{{pid: videoPID, streamID: 0xe0}}, tsUnit{pts: at, dts: at, payload: []byte{0, 0, 0, 1, 0x09, 0xf0}}, false)
	return slices.Concat(data, m.out)
}
