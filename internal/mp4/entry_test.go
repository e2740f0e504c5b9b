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

// TestOpen_OpusConfiguration: numbers with the least byte first are turned around, and nothing else is.
func TestOpen_OpusConfiguration(t *testing.T) {
	right := []byte{0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 2, 1, 0}
	for name, test := range map[string]struct{ config, want []byte }{
		"of OpusHead":      {[]byte{0, 2, 0x38, 1, 0x80, 0xbb, 0, 0, 1, 2, 0}, right},
		"as it must be":    {right, right},
		"no rate":          {config: []byte{0, 2, 1, 0x38, 0, 0, 0, 0, 2, 1, 0}},
		"a rate of no use": {config: []byte{0, 2, 1, 0x38, 9, 9, 9, 9, 2, 1, 0}},
		"cut":              {config: []byte{0, 2, 0x38, 1, 0x80, 0xbb, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			entry := append(soundEntry("Opus"), box("dOps", test.config)...)
			binary.BigEndian.PutUint32(entry, uint32(len(entry)))
			var file memory
			track := mp4.OutTrack{Kind: media.Audio, Timescale: 48000, Entries: [][]byte{entry}, Samples: slices.Values([]mp4.OutSample{{Duration: 960, Size: 9}})}
			if _, err := mp4.Write(&file, []mp4.OutTrack{track}, func(emit func(int, []byte) error) error { return emit(0, make([]byte, 9)) }); err != nil {
				t.Fatal(err)
			}
			params := openBytes(t, file.data).Tracks()[0].Params[0]
			read := params.Entry
			want := test.want
			if want == nil {
				want = test.config
			}
			if !bytes.HasSuffix(read, want) {
				t.Errorf("got %x, want %x", read, want)
			}
			if preSkip := int(binary.BigEndian.Uint16(want[2:])); params.PreSkip != preSkip {
				t.Errorf("a pre-skip of %d, want %d", params.PreSkip, preSkip)
			}
		})
	}
}
