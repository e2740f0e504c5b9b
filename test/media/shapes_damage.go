// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// longCall is what damages are done to: ten segments of two seconds.
func longCall() *recording { return newRecording().add(call(20), joint{}) }

// damageShapes are kinds H, K and L.
func damageShapes() []shape {
	hurt := func(change func(r *recording)) func() *recording {
		return func() *recording {
			r := longCall()
			change(r)
			return r.finish()
		}
	}
	whole := func(seconds int, change func(r *recording)) func() *recording {
		return func() *recording {
			r := newRecording()
			r.playlist.whole = true
			r.add(call(float64(seconds)), joint{seconds: 10})
			change(r)
			return r.finish()
		}
	}
	last := func(r *recording) *segment { return r.segments[len(r.segments)-1] }
	mp4 := func(style mp4Style, change func(r *recording)) func() *recording {
		return func() *recording {
			r := mp4File(call(12), style)
			change(r)
			r.files[r.object] = r.segments[0].data
			return r.finish()
		}
	}
	only := func(pid uint16) func(r *recording) {
		return func(r *recording) { r.dropPackets(r.inMiddle(), func(_ int, p uint16) bool { return p == pid }) }
	}
	return []shape{
		{"whole_seconds", "H", "EXTINF in whole seconds, nothing lost", whole(38, func(*recording) {})},
		{"whole_seconds_last_cut", "H", "whole seconds, last segment cut to a tenth", whole(40, func(r *recording) { r.cut(last(r), 0.1, true) })},
		{"last_cut_third", "H", "last segment cut to a third", hurt(func(r *recording) { r.cut(last(r), 0.33, true) })},
		{"last_cut_any_byte", "H", "last segment cut at any byte", hurt(func(r *recording) { r.cut(last(r), 0.507, false) })},
		{"last_pictures_gone", "H", "the last segment ends two pictures early", hurt(func(r *recording) { r.cutPictures(last(r), 2).either(unknown) })},
		{"last_reordered_gone", "H", "the picture is missing that is decoded last, and shown before another one", func() *recording {
			r := newRecording().add(newTake().video("h264-b", 0, 240, every(0, 30)).sound("aac", 0, 7.9, 0), joint{})
			return r.cutPictures(last(r), 1).either(unknown).finish()
		}},
		{"middle_cut", "H", "a segment in the middle cut to two thirds", hurt(func(r *recording) { r.cut(r.inMiddle(), 0.66, true) })},
		{"middle_cut_any_byte", "H", "the same at any byte", hurt(func(r *recording) { r.cut(r.inMiddle(), 0.7171, false) })},
		{"first_head_cut", "H", "the first segment has no head", hurt(func(r *recording) { r.cutHead(r.segments[0], 0.4) })},
		{"middle_head_cut", "H", "a segment in the middle has no head", hurt(func(r *recording) { r.cutHead(r.inMiddle(), 0.4) })},
		{"cut_before_reset", "H", "the segment before a reset is cut", func() *recording {
			r := newRecording().add(call(8), joint{})
			s := last(r)
			r.add(newTake().video("h264", 240, 240, every(0, 30)).sound("aac", 0, 8, 8), joint{tag: true})
			r.cut(s, 0.5, true)
			return r.finish().either(damaged, unknown)
		}},
		{"cut_before_reset_measured", "H", "the same, and the durations are measured", func() *recording {
			r := newRecording().add(call(7), joint{})
			s := last(r)
			r.add(newTake().video("h264", 210, 240, every(0, 30)).sound("aac", 0, 8, 7), joint{tag: true})
			r.cut(s, 0.4, true)
			return r.finish()
		}},
		{"duplicated", "K", "a segment's file is a copy of the one before", hurt(func(r *recording) { r.replace(r.segments[5], r.segments[4].data) })},
		{"duplicated_far", "K", "a segment's file is a copy of one far away", hurt(func(r *recording) { r.replace(r.segments[7], r.segments[2].data) })},
		{"swapped", "K", "two neighbors are exchanged", hurt(func(r *recording) { r.swap(r.segments[4], r.segments[5]) })},
		{"swapped_far", "K", "two segments far apart are exchanged", hurt(func(r *recording) { r.swap(r.segments[2], r.segments[7]) })},
		{"reversed", "K", "the playlist names the segments backward", hurt(func(r *recording) {
			for i := range r.segments {
				r.order = append(r.order, len(r.segments)-1-i)
			}
			// Where the whole begins is open, too: nothing is where the playlist has it.
			r.truth.damages = append(r.truth.damages, damage{from: -3, to: r.end + 3, video: true, sound: true})
		})},
		{"line_missing", "K", "the playlist leaves out a segment", hurt(func(r *recording) { r.leaveOut(r.segments[5]) })},
		{"two_lines_missing", "K", "it leaves out two", hurt(func(r *recording) { r.leaveOut(r.segments[4]); r.leaveOut(r.segments[5]) })},
		{"last_line_missing", "K", "it leaves out the last one: bytes cannot tell", func() *recording {
			r := longCall()
			r.leaveOut(last(r))
			r.finish()
			r.forgetLost(r.segments[len(r.segments)-2].to)
			return r.either(intact, unknown)
		}},
		{"file_missing", "K", "a segment's file is not there", hurt(func(r *recording) {
			s := r.inMiddle()
			s.absent = true
			r.lose(s.units...)
			r.truth.absent = true
		})},
		{"foreign", "K", "a segment of another recording", hurt(func(r *recording) {
			other := newRecording().add(newTake().video("h264-far", 0, 60, every(33, 30)).sound("aac-mono", 33, 35, 0), joint{})
			r.replace(r.inMiddle(), other.segments[0].data)
		})},
		{"foreign_other_pids", "K", "a segment of another recording with other PIDs", hurt(func(r *recording) {
			other := newRecording().add(newTake().videoOn(0x200, "h264-far", 0, 60, every(33, 30)).soundOn(0x201, "aac-mono", 33, 35, 0), joint{})
			r.replace(r.inMiddle(), other.segments[0].data)
		})},
		{"pts_outlier", "K", "one picture stamped two hours ahead", stamped(7200, func(u *unit) bool { return u.source.video && u.number() == 185 })},
		{"pts_of_first_sound", "K", "the first sound of a segment stamped six seconds late", stamped(5.8, func(u *unit) bool {
			return !u.source.video && u.time >= 4 && u.time < 4.06
		})},
		{"pts_of_last_picture", "K", "the last picture of a segment stamped a third of a second late", stamped(0.33, func(u *unit) bool {
			return u.source.video && u.time > 5.95 && u.time < 5.99
		})},
		{"flipped_bits", "L", "40 flipped bits in a segment", hurt(func(r *recording) { r.flip(r.inMiddle(), 40); r.truth.decoding = true })},
		{"flipped_bits_mp4", "L", "40 flipped bits in an MP4", mp4(mp4Style{}, func(r *recording) { r.flip(r.segments[0], 40); r.truth.decoding = true })},
		{"every_40th_packet", "L", "every 40th TS packet gone", hurt(func(r *recording) {
			for _, s := range r.segments {
				r.dropPackets(s, func(i int, _ uint16) bool { return i%40 == 17 })
			}
		})},
		{"one_packet_gone", "L", "one TS packet gone", hurt(func(r *recording) {
			n := 0
			r.dropPackets(r.inMiddle(), func(_ int, pid uint16) bool { n++; return pid == videoPID && n == 42 })
		})},
		{"packets_run_gone", "L", "thirty TS packets in a row gone", hurt(func(r *recording) {
			r.dropPackets(r.inMiddle(), func(i int, _ uint16) bool { return i >= 60 && i < 90 })
		})},
		{"sound_packet_gone", "L", "one TS packet of sound gone", hurt(func(r *recording) {
			n := 0
			r.dropPackets(r.inMiddle(), func(_ int, pid uint16) bool {
				if pid == audioPID {
					n++
				}
				return pid == audioPID && n == 10
			})
		})},
		{"last_packet_gone", "L", "the last TS packet of the picture is gone", hurt(func(r *recording) {
			last := r.segments[len(r.segments)-1]
			left := len(packetsOf(last.data, videoPID))
			r.dropPackets(last, func(_ int, pid uint16) bool {
				if pid == videoPID {
					left--
				}
				return pid == videoPID && left == 0
			})
			r.truth.decoding = true
		})},
		{"picture_of_segment_gone", "L", "no packet of the picture in one segment", hurt(only(videoPID))},
		{"sound_of_segment_gone", "L", "no packet of sound in one segment", hurt(only(audioPID))},
		{"segment_zeroed", "L", "a segment is zeros from the middle on", hurt(func(r *recording) { r.zero(r.inMiddle(), 0.5, 1) })},
		{"segment_hole_zeroed", "L", "a piece of a segment is zeros", hurt(func(r *recording) { r.zero(r.inMiddle(), 0.4, 0.5) })},
		{"segment_garbage", "L", "a segment is an error page", hurt(func(r *recording) {
			r.replace(r.inMiddle(), []byte(strings.Repeat("<html><body>503 Service Unavailable</body></html>\n", 40)))
		})},
		{"segment_empty", "L", "a segment has no bytes", hurt(func(r *recording) { r.replace(r.inMiddle(), nil) })},
		{"segment_written_twice", "L", "a segment's bytes stand twice in its file", hurt(func(r *recording) { r.writeTwice(r.inMiddle(), 1) })},
		{"segment_begun_twice", "L", "a segment was begun, and then written as a whole behind it", hurt(func(r *recording) { r.writeTwice(r.inMiddle(), 0.6) })},
		{"fmp4_segment_written_twice", "L", "a segment of fMP4 stands twice in its file", func() *recording {
			r := newRecording().add(call(16), joint{container: "fmp4"})
			r.writeTwice(r.inMiddle(), 1)
			return r.finish()
		}},
		{"fragmented_mp4_written_twice", "L", "a fragmented MP4 stands twice in its file", mp4(mp4Style{fragments: 2}, func(r *recording) { r.writeTwice(r.segments[0], 1) })},
		{"segment_tables_alone", "L", "a segment has its tables alone", hurt(func(r *recording) { r.replace(r.inMiddle(), r.inMiddle().data[:2*188]) })},
		{"bytes_inserted", "L", "50 bytes too many in a segment", hurt(func(r *recording) {
			s := r.inMiddle()
			at := len(s.data)/2/188*188 + 100
			r.lose(s.touched(at, at+1)...)
			s.data = slices.Concat(s.data[:at], make([]byte, 50), s.data[at:])
		})},
		{"fmp4_segment_cut", "L", "a segment of fMP4 is cut", func() *recording {
			r := newRecording().add(call(16), joint{container: "fmp4"})
			r.cut(r.inMiddle(), 0.7, false)
			return r.finish()
		}},
		{"fmp4_line_missing", "L", "the playlist leaves out a segment of fMP4", func() *recording {
			r := newRecording().add(call(16), joint{container: "fmp4"})
			r.leaveOut(r.inMiddle())
			return r.finish()
		}},
		{"packed_aac_cut", "L", "a segment of packed AAC is cut", func() *recording {
			r := newRecording().add(with("", "aac", 16), joint{container: "packed"})
			r.cut(r.inMiddle(), 0.6, false)
			return r.finish()
		}},
		{"mp4_last_third_zeroed", "L", "the last third of an MP4 is zeros", mp4(mp4Style{}, func(r *recording) { r.zero(r.segments[0], 0.667, 1) })},
		{"mp4_middle_zeroed", "L", "a part of an MP4 is zeros", mp4(mp4Style{}, func(r *recording) { r.zero(r.segments[0], 0.5, 0.6) })},
		{"mp4_cut", "L", "an MP4 is cut at two thirds", mp4(mp4Style{}, func(r *recording) { r.cut(r.segments[0], 0.667, false) })},
		{"mp4_cut_no_tables", "L", "an MP4 is cut before its tables", mp4(mp4Style{behind: true}, func(r *recording) {
			r.cut(r.segments[0], 0.667, false)
			r.truth.unreadable = true
		})},
		{"fragmented_mp4_cut", "L", "a fragmented MP4 is cut within a fragment", mp4(mp4Style{fragments: 2}, func(r *recording) { r.cut(r.segments[0], 0.7, false) })},
		{"sound_mp4_garbage", "L", "other bytes in the middle of an MP4 with sound alone", garbage("aac")},
		{"sound_mp4_garbage_ac3", "L", "the same with AC-3", garbage("ac3")},
		{"fragmented_fragment_gone", "L", "a fragmented MP4 lacks a fragment in the middle", mp4(mp4Style{fragments: 2}, func(r *recording) { r.dropFragment(r.segments[0], 3) })},
		{"mp4_vp9_middle_zeroed", "L", "a part of an MP4 with VP9 is zeros", func() *recording {
			r := mp4File(with("vp9", "aac", 8), mp4Style{})
			r.zero(r.segments[0], 0.5, 0.53)
			return r.finish()
		}},
		{"mp4_second_header", "L", "an MP4 with another one behind it", mp4(mp4Style{}, func(r *recording) { r.append(mp4File(call(5), mp4Style{})) })},
		{"fragmented_second_header", "L", "a fragmented MP4 that goes on with another size behind a header of its own", mp4(mp4Style{fragments: 2}, func(r *recording) {
			r.append(mp4File(newTake().video("h264-big", 0, 100, every(0, 25)).sound("aac", 0, 4, 0), mp4Style{fragments: 2}))
		})},
		{"not_media", "L", "an MP4 that is a text", mp4(mp4Style{}, func(r *recording) {
			r.segments[0].data = []byte(strings.Repeat("this is no media\n", 100))
			r.lose(r.units...)
			r.truth.unreadable = true
		})},
	}
}

// headerShapes are kind N, and what only an archive can hold.
func headerShapes() []shape {
	named := func(object string, rename, line func(string) string) func() *recording {
		return func() *recording {
			r := newRecording()
			r.object = object
			r.playlist.rename = line
			names := func(i int) string { return rename(numbered(i)) }
			return r.add(call(6), joint{names: names}).finish()
		}
	}
	plain := func(name string) string { return name }
	playlist := func(change func(r *recording)) func() *recording {
		return func() *recording {
			r := newRecording().add(call(8), joint{})
			change(r)
			return r.finish()
		}
	}
	archiveOnly := func(change func(r *recording)) func() *recording {
		return playlist(func(r *recording) {
			change(r)
			r.truth.unreadable = true
			r.truth.states = []state{unknown, damaged}
		})
	}
	ranges := func(r *recording) {
		var all []byte
		for _, s := range r.segments {
			s.byteRange = itoa(len(s.data)) + "@" + itoa(len(all))
			s.name = "all.ts"
			all = append(all, s.data...)
		}
		r.files[path.Join(path.Dir(r.object), "all.ts")] = all
	}
	return []shape{
		{"header_too_long", "N", "an MP4's header claims 3 s too many", func() *recording { return mp4File(call(8), mp4Style{longer: 3}).finish() }},
		{"fragmented_header_too_long", "N", "the same, fragmented, the callback agrees with the samples", func() *recording {
			r := mp4File(call(8), mp4Style{fragments: 2, longer: 4}).finish()
			r.reported = 8
			return r
		}},
		{"mp4_box_too_long", "N", "an MP4's box of media claims 1000 bytes more than the file has", func() *recording {
			r := mp4File(call(8), mp4Style{})
			size := r.segments[0].data[bytes.Index(r.segments[0].data, []byte("mdat"))-4:]
			binary.BigEndian.PutUint32(size, binary.BigEndian.Uint32(size)+1000)
			return r.finish()
		}},
		{"mp4_media_unnamed", "N", "an MP4 whose tables end before its media does", func() *recording {
			r := mp4File(call(8), mp4Style{})
			s := r.segments[0]
			at := bytes.Index(s.data, []byte("mdat")) - 4
			behind := s.data[at+8 : at+20_000]
			s.data = slices.Concat(s.data, behind)
			binary.BigEndian.PutUint32(s.data[at:], uint32(len(s.data)-at))
			return r.finish().either(unknown)
		}},
		{"mp4_media_reserved", "N", "an MP4 with room of zeros behind its last sample", func() *recording {
			r := mp4File(call(8), mp4Style{})
			s := r.segments[0]
			at := bytes.Index(s.data, []byte("mdat")) - 4
			s.data = slices.Concat(s.data, make([]byte, 20_000))
			binary.BigEndian.PutUint32(s.data[at:], uint32(len(s.data)-at))
			return r.finish()
		}},
		{"mp3_zeros_in_front", "N", "an MP3 behind 5,000 zeros", func() *recording {
			r := muxed(with("", "mp3", 8), "call.mp4", "-map 0 -c copy -write_xing 0 -id3v2_version 0 -f mp3")
			r.files[r.object] = slices.Concat(make([]byte, 5000), r.files[r.object])
			return r
		}},
		{"edit_list_skips", "N", "an edit list hides the first 0.5 s", func() *recording {
			t := newTake().video("h264", 0, 240, every(0, 30)).sound("aac", 0, 8, 0)
			r := mp4File(t, mp4Style{skip: 0.5})
			return r.hideFirst(0.5).finish()
		}},
		{"edit_list_priming", "N", "the encoder's priming is cut by an edit list, as ffmpeg writes it", func() *recording {
			t := newTake().video("h264", 0, 240, every(0, 30)).sound("aac", -0.03, 8, 0)
			r := mp4File(t, mp4Style{skip: 1024.0 / 48000})
			return r.hideFirst(1024.0 / 48000).finish()
		}},
		{"edit_list_ends_early", "N", "edit lists end where the last picture and the last sound begin", func() *recording {
			t := newTake().video("h264", 0, 200, every(0, 25)).sound("aac", 0, 8, 0)
			r := mp4File(t, mp4Style{untimed: true}).finish()
			r.truth.frames[len(r.truth.frames)-1].optional = true
			return r
		}},
		{"edit_list_bframes_none", "N", "B-frames without edit list", func() *recording {
			t := with("h264-b", "aac", 8)
			r := mp4File(t, mp4Style{noEdits: true}).finish()
			r.truth.slack = 0.07
			return r
		}},
		{"name_colon", "N", "names with a colon, written with ./", named("call/index.m3u8", func(n string) string { return "12:30:" + n }, func(n string) string { return "./" + n })},
		{"name_colon_encoded", "N", "names with a colon, percent-encoded", named("call/index.m3u8", func(n string) string { return "12:30:" + n }, func(n string) string { return strings.ReplaceAll(n, ":", "%3A") })},
		{"name_dot_slash", "N", "lines that begin with ./", named("call/index.m3u8", plain, func(n string) string { return "./" + n })},
		{"name_unicode", "N", "names in Chinese", named("课堂/录制.m3u8", func(n string) string { return "片段-" + n }, plain)},
		{"name_unicode_encoded", "N", "the same, percent-encoded", named("call/index.m3u8", func(n string) string { return "é " + n }, func(n string) string {
			return strings.ReplaceAll(strings.ReplaceAll(n, "é", "%C3%A9"), " ", "%20")
		})},
		{"name_spaces", "N", "names with spaces", named("my call/index of.m3u8", func(n string) string { return "a b " + n }, plain)},
		{"name_folder", "N", "segments in a folder below", named("call/index.m3u8", func(n string) string { return "media/" + n }, plain)},
		{"name_query", "N", "lines with a query", named("call/index.m3u8", plain, func(n string) string { return n + "?token=a%2Fb" })},
		{"crlf", "N", "a playlist with CRLF", playlist(func(r *recording) { r.playlist.crlf = true })},
		{"byte_order_mark", "N", "a playlist with a byte order mark", playlist(func(r *recording) { r.playlist.mark = true })},
		{"unknown_tags", "N", "tags that nobody knows", playlist(func(r *recording) {
			r.playlist.head = []string{"#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-SOMETHING-NEW:A=1", "# a comment"}
		})},
		{"byte_ranges", "N", "all segments are ranges of one file", playlist(ranges)},
		{"no_ending", "N", "no EXT-X-ENDLIST: not complete", playlist(func(r *recording) {
			r.playlist.noEnding = true
			r.truth.unreadable, r.truth.archiveRefused = true, true
		})},
		{"encrypted", "N", "EXT-X-KEY: the key is elsewhere", archiveOnly(func(r *recording) {
			r.playlist.head = []string{"#EXT-X-KEY:METHOD=AES-128,URI=\"https://keys.example/k1\",IV=0x00000000000000000000000000000001"}
			for _, s := range r.segments {
				scramble(s.data)
			}
		})},
		{"gap_tag", "N", "EXT-X-GAP: the playlist says that a segment is lost", func() *recording {
			r := newRecording().add(call(8), joint{})
			s := r.inMiddle()
			s.tags, s.absent = []string{"#EXT-X-GAP"}, true
			r.lose(s.units...)
			r.truth.absent = true
			r.truth.archivable = true
			return r.finish()
		}},
		{"several_variants", "N", "a master playlist with two variants", variants},
		{"one_variant", "N", "a master playlist with one variant", func() *recording {
			r := newRecording().add(call(6), joint{}).finish()
			r.files["call/master.m3u8"] = []byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=160x90\nindex.m3u8\n")
			r.object = "call/master.m3u8"
			return r
		}},
		{"empty_segment_archive", "N", "a segment without bytes: an archive keeps it", func() *recording {
			r := longCall()
			r.replace(r.inMiddle(), nil)
			return r.finish()
		}},
		{"empty_mp4", "N", "an MP4 without bytes", func() *recording {
			r := mp4File(call(2), mp4Style{})
			r.segments[0].data = nil
			r.lose(r.units...)
			r.truth.unreadable, r.truth.archiveRefused = true, true
			r.files[r.object] = nil
			return r.finish()
		}},
		{"reported_too_long", "N", "the callback reports 30 s, there are 8", func() *recording {
			r := mp4File(call(8), mp4Style{}).finish()
			r.reported = 30
			return r.either(intact, unknown, damaged)
		}},
	}
}

// garbage has other bytes in the middle of a file of sound.
func garbage(sound string) func() *recording {
	return func() *recording {
		r := mp4File(newTake().sound(sound, 0, 12, 0), mp4Style{})
		s := r.segments[0]
		from, to := len(s.data)/2, len(s.data)*6/10
		s.data = slices.Clone(s.data)
		scramble(s.data[from:to])
		r.lose(s.touched(from, to)...)
		return r.finish()
	}
}

// scramble is what encrypted bytes look like.
func scramble(data []byte) {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
}

func variants() *recording {
	r := newRecording().add(call(6), joint{}).finish()
	for name, data := range maps.Clone(r.files) {
		r.files[strings.Replace(name, "call/", "call/high/", 1)] = data
	}
	r.files["call/master.m3u8"] = []byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=300000\nindex.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nhigh/index.m3u8\n")
	r.object = "call/master.m3u8"
	r.truth.choice = true
	return r.either(intact, unknown)
}
