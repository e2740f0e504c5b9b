// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

// topBox is the first box of a kind in a file.
func topBox(t *testing.T, file []byte, kind string) []byte {
	t.Helper()
	for at := 0; at < len(file); {
		size := int(binary.BigEndian.Uint32(file[at:]))
		if string(file[at+4:at+8]) == kind {
			return file[at : at+size]
		}
		at += size
	}
	t.Fatalf("no box %s", kind)
	return nil
}

// renamed is a file whose sample entries of H.264 are others.
func renamed(file []byte) []byte { return bytes.ReplaceAll(file, []byte("avc1"), []byte("avc3")) }

// TestIndex_SecondMovieHeader: a file that goes on behind another movie header has what the first one describes.
func TestIndex_SecondMovieHeader(t *testing.T) {
	whole := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	fragments := numbered([2]uint32{1, 0}, [2]uint32{2, 40})
	for name, test := range map[string]struct {
		first, rest []byte
		times       int // as many packets as the first part has
		want        int
	}{
		"fragments of the same":        {fragments, slices.Concat(fragments, fragments), 3, 0},
		"fragments of another":         {fragments, slices.Concat(fragments, renamed(fragments), fragments), 2, 1},
		"another file":                 {whole, fragments, 1, 1},
		"the header of the whole file": {whole, topBox(t, whole, "moov"), 1, 0},
		"many headers":                 {fragments, bytes.Repeat(fragmentedHead(), 70), 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			first, file := index(t, openBytes(t, test.first)), index(t, openBytes(t, slices.Concat(test.first, test.rest)))
			if found := kinds(file)[media.SecondMovie]; found != test.want {
				t.Errorf("%d headers are damage, want %d", found, test.want)
			}
			if got, want := file.Streams[0].Packets.Count, first.Streams[0].Packets.Count*test.times; got != want {
				t.Errorf("%d packets, want %d", got, want)
			}
		})
	}
}

// TestOpenSegment_MovieHeaderInTheSegment: a segment may repeat that of its initialization section.
func TestOpenSegment_MovieHeaderInTheSegment(t *testing.T) {
	init, segment := openBytes(t, fragmentedHead()), numbered([2]uint32{1, 0}, [2]uint32{2, 40})
	for name, test := range map[string]struct {
		segment []byte
		want    int
	}{"the same": {segment, 0}, "another": {renamed(segment), 1}} {
		t.Run(name, func(t *testing.T) {
			movie, err := mp4.OpenSegment(init, bytes.NewReader(test.segment), int64(len(test.segment)))
			if err != nil {
				t.Fatal(err)
			}
			if found := kinds(index(t, movie))[media.SecondMovie]; found != test.want {
				t.Errorf("%d headers are damage, want %d", found, test.want)
			}
		})
	}
}
