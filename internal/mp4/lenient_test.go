// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestIndex_BytesBehindTheLastBoxLoseNothing: the tables name every sample, as where a box is cut. Behind fragments, and
// where the movie box announces some, others may have been among those bytes.
func TestIndex_BytesBehindTheLastBoxLoseNothing(t *testing.T) {
	whole := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	fragments := readFile(t, makeMedia(t, "base_moof.mp4", shapes["base_moof.mp4"]...))
	for name, test := range map[string]struct {
		data []byte
		lost int
	}{
		"whole":     {whole, 0},
		"fragments": {fragments, 1},
		"announced": {fragments[:bytes.Index(fragments, []byte("moof"))-4], 1},
	} {
		want := index(t, openBytes(t, test.data))
		for rest, junk := range map[string][]byte{"four bytes": {0, 0, 0, 4}, "no header": {0, 0, 0, 4, 12, 0, 0, 0}, "zeros": make([]byte, 5000)} {
			file := index(t, openBytes(t, slices.Concat(test.data, junk)))
			for i, stream := range file.Streams {
				if stream.Packets.Count != want.Streams[i].Packets.Count {
					t.Errorf("%s, %s: %d packets of %d", name, rest, stream.Packets.Count, want.Streams[i].Packets.Count)
				}
			}
			if found := kinds(file); found[media.BoxTruncated] != test.lost || len(found) != test.lost {
				t.Errorf("%s, %s: %+v", name, rest, file.Damage)
			}
		}
	}
}
