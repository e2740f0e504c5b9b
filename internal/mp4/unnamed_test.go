// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestIndex_MediaBehindTheLastSample: more of the recording may lie there, unless it is little, or zeros.
func TestIndex_MediaBehindTheLastSample(t *testing.T) {
	data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	at := bytes.Index(data, []byte("mdat")) - 4
	for name, test := range map[string]struct {
		behind []byte
		want   int
	}{
		"nothing": {nil, 0},
		"a few":   {bytes.Repeat([]byte{1}, 1000), 0},
		"zeros":   {make([]byte, 10_000), 0},
		"media":   {data[at+8 : at+8+10_000], 1},
	} {
		grown := slices.Concat(data[:at], words(uint32(len(data)-at+len(test.behind))), data[at+4:], test.behind)
		if size := binary.BigEndian.Uint32(data[at:]); int(size) != len(data)-at {
			t.Fatal("the media is not the last box")
		}
		if found := kinds(index(t, openBytes(t, grown)))[media.MediaUnnamed]; found != test.want {
			t.Errorf("%s: %d found, want %d", name, found, test.want)
		}
	}
}
