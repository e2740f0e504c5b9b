// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestRead_PicturesWithoutTablesAreToldByTheirFirstBytes: a slice of H.265 that no other picture needs has the start code of a
// picture of MPEG-2.
func TestRead_PicturesWithoutTablesAreToldByTheirFirstBytes(t *testing.T) {
	rest := bytes.Repeat([]byte{0x9a}, 30)
	tests := map[string]struct {
		units [][]byte
		want  media.Codec
	}{
		"H.264, a delimiter":            {[][]byte{{0x09, 0xf0}, rest}, media.H264},
		"H.264, a slice":                {[][]byte{append([]byte{0x41, 0x9a}, rest...)}, media.H264},
		"H.265, a slice":                {[][]byte{append([]byte{0x02, 0x01, 0xd0}, rest...)}, media.HEVC},
		"H.265, nothing refers to it":   {[][]byte{append([]byte{0x00, 0x01, 0xe0, 0xe6}, rest...)}, media.HEVC},
		"the same, two slices":          {[][]byte{append([]byte{0x00, 0x01, 0xe0, 0xe6}, rest...), append([]byte{0x00, 0x01, 0x60}, rest...)}, media.HEVC},
		"MPEG-2, a sequence":            {[][]byte{{0xb3, 0x14, 0x00, 0xf0, 0x13, 0xff, 0xff}, rest}, media.MPEG2},
		"MPEG-2, a group":               {[][]byte{{0xb8, 0x00, 0x08, 0x00, 0x40}, {0x00, 0x00, 0x0f, 0xff, 0xf8}, rest}, media.MPEG2},
		"MPEG-2, the first picture":     {[][]byte{{0x00, 0x00, 0x0f, 0xff, 0xf8}, {0xb5, 0x8f, 0xff, 0xf3, 0x41, 0x80}, rest}, media.MPEG2},
		"MPEG-2, the fifth picture":     {[][]byte{{0x00, 0x01, 0x17, 0xff, 0xf8}, {0xb5, 0x8f, 0xff, 0xf3, 0x41, 0x80}, rest}, media.MPEG2},
		"MPEG-1, the seventh picture":   {[][]byte{{0x00, 0x01, 0x97, 0xff, 0xf8}, append([]byte{0x01}, rest...)}, media.MPEG2},
		"MPEG-2, a picture with a note": {[][]byte{{0x00, 0x01, 0x97, 0xff, 0xf8}, append([]byte{0xb2}, rest...)}, media.MPEG2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			for i := range int64(6) {
				b.picture(9000+i*3600, -1, test.units...)
			}
			file, _ := read(t, b.data)
			if len(file.Streams) != 1 || file.Streams[0].Codec != test.want {
				t.Errorf("%+v, want %s", file.Streams, test.want)
			}
		})
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
