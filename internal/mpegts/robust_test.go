// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mpegts"
)

// TestRead_LostAndForeignBytesAreSeen drops bytes from a real stream, or puts some in, in its second half: there is evidence each
// time, and no more than three transport packets are lost.
func TestRead_LostAndForeignBytesAreSeen(t *testing.T) {
	data := testStream(t)
	whole, _ := read(t, data)
	const most = 3 * 188
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(len(data)/2, len(data)-188*20).Draw(t, "at")
		count := rapid.IntRange(1, 187).Draw(t, "count")
		damaged := slices.Delete(slices.Clone(data), at, at+count)
		if rapid.Bool().Draw(t, "insert") {
			damaged = slices.Insert(slices.Clone(data), at, bytes.Repeat([]byte{0x47}, count)...)
		}
		file, err := mpegts.Read(bytes.NewReader(damaged), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(file.Damage) == 0 {
			t.Fatal("no evidence")
		}
		for i, stream := range file.Streams {
			if lost := whole.Streams[i].Packets.Bytes - stream.Packets.Bytes; lost > most || lost < -most {
				t.Fatalf("%s: %d bytes lost", stream.Codec, lost)
			}
		}
	})
}

// TestRead_PiecesHaveThePacketsOfTheWhole cuts a stream where PES packets of video begin, as HLS does, and looks for each
// packet of the whole in one of the pieces.
func TestRead_PiecesHaveThePacketsOfTheWhole(t *testing.T) {
	data := testStream(t, "-bf", "2", "-pat_period", "0.05")
	whole, _ := read(t, data)
	var cuts []int
	for at := 0; at < len(data); at += 188 {
		if pid := int(data[at+1]&0x1f)<<8 | int(data[at+2]); pid == videoPID && data[at+1]&0x40 != 0 {
			cuts = append(cuts, at)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		cut := cuts[rapid.IntRange(5, len(cuts)-5).Draw(t, "cut")]
		var pieces [2]media.File
		for i, piece := range [][]byte{data[:cut], data[cut:]} {
			file, err := mpegts.Read(bytes.NewReader(piece), nil)
			if err != nil {
				t.Fatal(err)
			}
			pieces[i] = file
		}
		video := slices.Concat(packets(pieces[0].Streams[0]), packets(pieces[1].Streams[0]))
		for i, packet := range packets(whole.Streams[0]) {
			packet.Params = video[i].Params
			if video[i] != packet {
				t.Fatalf("packet %d is %+v, want %+v", i, video[i], packet)
			}
		}
		counters := [2]media.Counters{pieces[0].Streams[0].Counters, pieces[1].Streams[0].Counters}
		if (counters[0].Last+1)&0xf != counters[1].First {
			t.Fatalf("the counters do not go on: %+v", counters)
		}
	})
}

// TestRead_TakesTimeInProportion reads a stream of nothing but start codes, and one of nothing but sync bytes.
func TestRead_TakesTimeInProportion(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry, aacEntry)
	codes := bytes.Repeat([]byte{0, 0, 1, 9}, 4<<20)
	b.payload(videoPID, pes(0xe0, 9000, -1, codes))
	for range 200 {
		b.payload(audioPID, pes(0xc0, 9000, -1, bytes.Repeat([]byte{0xff, 0xf1, 0x4c, 0x80}, 15000)))
	}
	data := slices.Concat(b.data, bytes.Repeat([]byte{0x47}, 4<<20), []byte{1}, bytes.Repeat([]byte{0x47, 0}, 4<<20))
	if _, err := mpegts.Read(bytes.NewReader(data), func(media.Sample) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// TestRead_PESPacketsMayBeginAnywhere puts a stream of pictures into PES packets that begin anywhere in it. Each has the
// time of the first picture that begins in it, and the others are found between.
func TestRead_PESPacketsMayBeginAnywhere(t *testing.T) {
	data := testStream(t, "-bf", "0", "-x264-params", "slices=3")
	whole, samples := read(t, data)
	var bytestream []byte
	begins := make([]int, 0, len(samples[0]))
	for _, sample := range samples[0] {
		begins = append(begins, len(bytestream)+1) // the start code without the zero in front of it
		for rest := sample.Data; len(rest) > 0; {
			size := int(binary.BigEndian.Uint32(rest))
			bytestream = append(append(bytestream, 0, 0, 0, 1), rest[4:4+size]...)
			rest = rest[4+size:]
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		b := newBuilder()
		b.tables(h264Entry)
		next := 0
		for at := 0; at < len(bytestream); {
			size := min(rapid.IntRange(1, 5000).Draw(t, "size"), len(bytestream)-at)
			pts, dts := int64(-1), int64(-1)
			if next < len(begins) && begins[next] < at+size {
				pts, dts = samples[0][next].PTS, samples[0][next].DTS
			}
			for next < len(begins) && begins[next] < at+size {
				next++
			}
			b.payload(videoPID, pes(0xe0, pts, dts, bytestream[at:at+size]))
			at += size
		}
		file, err := mpegts.Read(bytes.NewReader(b.data), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(file.Damage) > 0 {
			t.Fatalf("damage %+v", file.Damage)
		}
		if got, want := packets(file.Streams[0]), packets(whole.Streams[0]); !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("packet %d is %+v, want %+v", i, got[i], want[i])
				}
			}
			t.Fatalf("%d packets, want %d", len(got), len(want))
		}
	})
}
