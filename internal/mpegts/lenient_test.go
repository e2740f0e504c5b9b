// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mpegts"
)

// TestRead_LongStreamsOf192And204BytesStayInStep: what belongs between packets may lie where one read ends and the next
// begins.
func TestRead_LongStreamsOf192And204BytesStayInStep(t *testing.T) {
	null := slices.Concat([]byte{0x47, 0x1f, 0xff, 0x10}, bytes.Repeat([]byte{0xff}, 184))
	want, _ := read(t, testStream(t))
	for name, extra := range map[string]struct{ before, behind int }{"192": {4, 0}, "204": {0, 16}, "204, parity is zero": {0, 16}} {
		filler := byte(0x47)
		if name == "204, parity is zero" {
			filler = 0
		}
		var other []byte
		for packet := range slices.Chunk(testStream(t), 188) {
			for _, each := range append([][]byte{packet}, slices.Repeat([][]byte{null}, 20)...) {
				other = append(other, make([]byte, extra.before)...)
				other = append(append(other, each...), bytes.Repeat([]byte{filler}, extra.behind)...)
			}
		}
		if len(other) < 1<<20 {
			t.Fatalf("%d bytes are read at once", len(other))
		}
		file, err := mpegts.Read(bytes.NewReader(other), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(file.Damage) > 0 {
			t.Errorf("%s: %+v", name, file.Damage)
		}
		for i := range want.Streams {
			if !bytes.Equal(want.Streams[i].Packets.Encoded, file.Streams[i].Packets.Encoded) {
				t.Errorf("%s: stream %d differs", name, i)
			}
		}
	}
}

// TestRead_AACThatIsNamedMPEGAudio: some encoders give AAC the stream type of MPEG audio.
func TestRead_AACThatIsNamedMPEGAudio(t *testing.T) {
	layer3 := slices.Concat([]byte{0xff, 0xfb, 0x14, 0xc4}, bytes.Repeat([]byte{0x21}, 92)) // 32 kbit/s at 48 kHz: 96 bytes
	for name, test := range map[string]struct {
		streamType byte
		payload    []byte
		want       media.Codec
	}{
		"AAC as MPEG-1 audio":  {0x03, adtsOf(3, 2, 50), media.AAC},
		"AAC as MPEG-2 audio":  {0x04, adtsOf(3, 2, 50), media.AAC},
		"MPEG audio as itself": {0x03, layer3, media.MP3},
	} {
		b := newBuilder()
		b.tables(entry{pid: audioPID, streamType: test.streamType})
		for i := range int64(10) {
			b.payload(audioPID, pes(0xc0, 9000+2160*i, -1, test.payload))
		}
		file, _ := read(t, b.data)
		if len(file.Streams) != 1 || file.Streams[0].Codec != test.want || file.Streams[0].Packets.Count != 10 {
			t.Errorf("%s: %+v", name, file.Streams)
		}
		wantNoDamage(t, file)
	}
}
