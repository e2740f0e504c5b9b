// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

// readerShapes are what formats allow and few recorders write.
func readerShapes() []shape {
	return slices.Concat(transportShapes(), boxShapes(), lineShapes(), openGroupShapes())
}

// openGroupShapes have pictures that are shown before the key picture of their group, where the pictures before are not there.
func openGroupShapes() []shape {
	// The camera is off from 5 to 10 s, then the stream goes on with a key picture, and those that are shown before it need others.
	apart := func(name string) func() *recording {
		return func() *recording {
			t := changingTake().sound("aac", 0, 15, 0).video(name, 0, 150, every(0, 30))
			again := newTake().video(name, 156, 145, every(10, 30)).fromKey()
			for _, u := range again.units {
				u.slot = 1
			}
			t.units = append(t.units, again.units...)
			r := hls(t).either(unknown)
			r.truth.dark = nil // the decoder goes on, and may not show the black picture in front of such pictures
			return r
		}
	}
	radl := func() *take {
		return newTake().video("hevc-radl", 156, 145, every(0, 30)).cutToKey().sound("aac", 0.3, 5, 5)
	}
	return []shape{
		{"camera_off_open_group", "A", "H.265, camera off, and on within an open group", apart("hevc-open")},
		{"begins_within_group_open_hevc", "S", "H.265 begins within an open group", func() *recording {
			return hls(with("hevc-open", "aac", 8).beginsWithin(4)).either(unknown)
		}},
		{"begins_with_leading_hevc", "Q", "H.265 begins with a closed group, with pictures shown before the key picture", func() *recording {
			return hls(radl())
		}},
		{"begins_with_leading_hevc_mp4", "Q", "the same in MP4", func() *recording { return mp4File(radl(), mp4Style{}).finish() }},
		{"reset_with_leading_hevc", "Q", "H.265, reset, and the second clock begins with a closed group that has pictures before its key picture", func() *recording {
			return newRecording().add(with("hevc-radl", "aac", 5), joint{}).add(radl(), joint{tag: true}).finish()
		}},
		{"ts_open_gop_hevc", "Q", "open groups of pictures, H.265", func() *recording { return hls(with("hevc-open", "aac", 8)) }},
	}
}

// cutToKey leaves out the pictures before the first key picture.
func (t *take) cutToKey() *take {
	i := slices.IndexFunc(t.units, func(u *unit) bool { return u.sample().key })
	t.units = t.units[i:]
	return t
}

// fromKey leaves out the pictures before the first key picture. Up to the next one, nobody knows what a decoder shows that
// goes on from other pictures.
func (t *take) fromKey() *take {
	t.cutToKey()
	next := slices.IndexFunc(t.units[1:], func(u *unit) bool { return u.sample().key })
	for _, u := range t.units[1 : 1+next] {
		u.tainted = true // by what a decoder has kept of the pictures before
	}
	return t
}

// taintLeading says that pictures behind the key picture of this index cannot be decoded that are shown before it.
func (t *take) taintLeading(key int) {
	for _, u := range t.units[key+1:] {
		u.tainted = u.tainted || u.source.video && u.time < t.units[key].time
	}
}

// transportShapes are transport streams.
func transportShapes() []shape {
	styled := func(style tsStyle) func() *recording {
		return func() *recording {
			t := call(8)
			t.style = style
			return hls(t)
		}
	}
	sections := func() *recording {
		t := call(8)
		t.extra = func(m *tsMux, tracks []tsTrack, _ float64) {
			tracks[len(tracks)-1].streamType = 0x86
			m.tables(tracks)
			// SCTE 35, splice_null: it has no PES packets.
			m.section(dataPID, 0xfc, 0x00, []byte{0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0})
		}
		return hls(t)
	}
	return []shape{
		{"ts_scte_35", "codec", "a stream of splice messages (SCTE 35)", sections},
		{"ts_pcr_alone", "Q", "the clock on a PID of its own, in packets without payload", styled(tsStyle{clockAlone: true})},
		{"ts_messages_alone", "Q", "PES packets with a delimiter and a message and no picture between", styled(tsStyle{messages: true})},
		{"ts_adaptation_alone", "Q", "packets of the picture's PID that have no payload", styled(tsStyle{hollow: true})},
		{"ts_carried", "Q", "pictures that end in the PES packet of the next one", styled(tsStyle{carried: true, bare: true})},
		{"ts_carried_mpeg2", "Q", "the same with MPEG-2", func() *recording {
			t := with("mpeg2", "aac", 8)
			t.style.carried = true
			return hls(t)
		}},
		{"ts_uncleared", "Q", "an adaptation field in each packet, stuffed with what was there before", styled(tsStyle{uncleared: true})},
		{"ts_tables_with_zeros", "Q", "tables that are followed by zeros", styled(tsStyle{zeros: true})},
		{"ts_eac3", "codec", "H.264 with eac3 in MPEG-TS", func() *recording { return hls(with("h264", "eac3", 8)) }},
		{"mp4_eac3", "codec", "H.264 with eac3 in MP4", func() *recording { return mp4File(with("h264", "eac3", 8), mp4Style{}).finish() }},
		{"ts_hevc_layers", "codec", "H.265 with temporal sublayers in MPEG-TS", func() *recording { return hls(with("hevc-layers", "aac", 8)) }},
		{"mp4_hevc_layers", "codec", "the same in MP4", func() *recording { return mp4File(with("hevc-layers", "aac", 8), mp4Style{}).finish() }},
	}
}

// boxShapes are MP4s.
func boxShapes() []shape {
	one := func(name string, style mp4Style) func() *recording {
		return func() *recording { return mp4File(with(name, "aac", 8), style).finish() }
	}
	written := func(says, name, args string) shape {
		return shape{"ffmpeg_" + name, "R", says, func() *recording { return muxed(with("h264-b", "aac", 8), "call.mp4", "-map 0 -c copy "+args) }}
	}
	return []shape{
		{"mp4_scale_one", "Q", "MP4 whose clock of pictures counts seconds", func() *recording {
			t := newTake().video("h264", 0, 12, every(0, 1)).sound("aac", 0, 12, 0)
			r := mp4File(t, mp4Style{scale: 1}).finish()
			r.truth.openEnd = 1
			return r
		}},
		{"mp4_scale_large", "Q", "MP4 whose clock of pictures counts nanoseconds", one("h264-b", mp4Style{scale: 1_000_000_000})},
		{"mp4_compact_sizes", "Q", "MP4 with sizes of 16 bits (stz2)", one("h264", mp4Style{compact: true})},
		{"mp4_large_chunks", "Q", "MP4 with many samples in a chunk", one("h264", mp4Style{chunk: 7})},
		{"mp4_version_one", "Q", "MP4 whose headers have times of 64 bits", one("h264-b", mp4Style{version: 1})},
		{"mp4_zero_durations", "Q", "MP4 with two pictures that last for no time", func() *recording {
			at := every(0, 30)
			t := newTake().video("h264", 0, 240, func(i int) float64 { return at(i - i%40/39) }).sound("aac", 0, 8, 0)
			return mp4File(t, mp4Style{}).finish()
		}},
		written("fragmented MP4, a fragment for each track", "fragmented_tracks_apart", "-movflags frag_keyframe+empty_moov+separate_moof"),
		written("the same with offsets that count from before", "fragmented_no_base", "-movflags frag_keyframe+empty_moov+separate_moof+omit_tfhd_offset"),
		written("fragmented MP4, fragments of 0.1 s", "fragmented_short", "-movflags empty_moov -frag_duration 100000"),
		written("fragmented MP4 for DASH, an index before each fragment", "fragmented_dash", "-movflags frag_keyframe+dash+empty_moov"),
		written("fragmented MP4 with the producer's times (prft)", "fragmented_prft", "-movflags frag_keyframe+empty_moov+cmaf -write_prft wallclock"),
		written("MP4 with a clock of 10 MHz and of 7 Hz", "mp4_scales", "-video_track_timescale 10000000 -movie_timescale 7"),
		written("3GPP", "3gp", "-f 3gp"),
		written("iPod", "ipod", "-f ipod"),
	}
}

// lineShapes are playlists, and what ffmpeg's HLS muxer writes with other options.
func lineShapes() []shape {
	hls := "-map 0 -c copy -f hls -hls_list_size 0 -hls_time 2 "
	written := func(name, says, from, args string) shape {
		return shape{"ffmpeg_hls_" + name, "R", says, func() *recording { return muxed(with(from, "aac", 10), "index.m3u8", hls+args) }}
	}
	return []shape{
		{"event_type", "N", "EXT-X-PLAYLIST-TYPE:EVENT, and ENDLIST", func() *recording {
			r := newRecording().add(call(6), joint{})
			r.playlist.event = true
			return r.finish()
		}},
		written("fmp4_single_file", "fragmented MP4, all in one file, and EXT-X-MAP a part of it", "h264-b", "-hls_segment_type fmp4 -hls_flags single_file"),
		written("event", "EXT-X-PLAYLIST-TYPE:EVENT", "h264", "-hls_playlist_type event"),
		written("small_pes", "PES packets of at most 100 bytes of sound", "h264", "-hls_segment_options pes_payload_size=100"),
		written("pes_lengths", "PES packets of pictures say their length", "h264-b", "-hls_segment_options omit_video_pes_length=0"),
		written("often_clock", "a clock each 5 ms", "h264-b", "-hls_segment_options pcr_period=5"),
	}
}

// between writes what the style has in front of a PES packet.
func (m *tsMux) between(tracks []tsTrack, unit tsUnit, i int) {
	if m.style.clockAlone {
		m.hollow(clockPID, pcrField(unit.dts-ticks(0.5), false))
	}
	if unit.track != 0 || i == 0 {
		return
	}
	if m.style.hollow {
		m.hollow(tracks[0].pid, []byte{0})
	}
	if m.style.messages && i%7 == 0 {
		message := []byte{0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1, 0x06, 0xff, 0x01, 0x00, 0x80} // of a type that is not defined
		m.pes(tracks, tsUnit{track: 0, pts: unit.pts - ticks(0.01), dts: unit.dts - ticks(0.01), payload: message}, false)
	}
}

// hollow is a transport packet without payload, which has the counter of the one before.
func (m *tsMux) hollow(pid uint16, adaptation []byte) {
	packet := append(append([]byte{0x47}, u16(pid)...), 0x20|(m.counters[pid]-1)&15, 183)
	packet = append(packet, adaptation...)
	m.out = append(m.out, packet...)
	m.out = append(m.out, bytes.Repeat([]byte{0xff}, 188-len(packet))...)
}

// sizes16 is the table of sizes of a track in 16 bits each.
func (tr *track) sizes16() []byte {
	sizes := []byte{0, 0, 0, 16}
	sizes = append(sizes, u32(uint32(len(tr.units)))...)
	for _, u := range tr.units {
		sizes = binary.BigEndian.AppendUint16(sizes, uint16(min(len(u.sample().data), math.MaxUint16)))
	}
	return fullBox("stz2", 0, 0, sizes)
}

// chunkTables are the tables of chunks of so many samples, but for the last.
func (tr *track) chunkTables(count int, base int64) (stsc, places []byte, chunks uint32) {
	stsc = u32(1, uint32(count), 1)
	for i := 0; i < len(tr.units); i += count {
		places = append(places, u32(uint32(tr.places[i]+base))...)
		if chunks++; i+count > len(tr.units) {
			stsc = append(stsc, u32(chunks, uint32(len(tr.units)-i), 1)...)
		}
	}
	return stsc, places, chunks
}

// timedBox is a box that begins with the times at which it was made and changed, of 64 bits in version 1.
func timedBox(kind string, version byte, flags uint32, between []byte, duration uint64, rest ...[]byte) []byte {
	times, length := u32(0, 0), u32(uint32(duration))
	if version == 1 {
		times, length = u64(0, 0), u64(duration)
	}
	return fullBox(kind, version, flags, append([][]byte{times, between, length}, rest...)...)
}

// withClock has the times of pictures in another unit.
func withClock(all []*track, scale int64) {
	for _, tr := range all {
		if tr.source.video {
			tr.scale, tr.dts, tr.offsets, tr.lengths = scale, nil, nil, nil
			tr.time()
		}
	}
}
