// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"slices"
	"testing"

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
