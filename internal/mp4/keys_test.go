// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestIsKey_BytesTell, whatever the container says: of files without a table of key frames it says that all are.
func TestIsKey_BytesTell(t *testing.T) {
	// Slice headers: first_mb_in_slice 0, then slice_type 7 (I) or 5 (P), then pps 0.
	const intra, predicted = "\x41\x88\x80", "\x41\x9a\x00"
	const recovery = "\x06\x06\x01\xc4\x80"
	tests := map[string]struct {
		codec        media.Codec
		units        []string
		said, unsaid bool
	}{
		"IDR":                         {media.H264, []string{"\x65\x88\x80"}, true, true},
		"IDR behind parameter sets":   {media.H264, []string{"\x67\x42", "\x68\xce", "\x65\x88\x80"}, true, true},
		"I behind a recovery point":   {media.H264, []string{recovery, intra}, true, true},
		"I alone":                     {media.H264, []string{intra}, true, false},
		"P behind a recovery point":   {media.H264, []string{recovery, predicted}, true, false},
		"P":                           {media.H264, []string{predicted}, false, false},
		"P behind another message":    {media.H264, []string{"\x06\x05\x01\xc4\x80", predicted}, false, false},
		"no slice":                    {media.H264, []string{"\x09\xf0"}, true, false},
		"HEVC IDR":                    {media.HEVC, []string{"\x26\x01\xaf"}, true, true},
		"HEVC clean random access":    {media.HEVC, []string{"\x2a\x01\xaf"}, true, true},
		"HEVC trailing":               {media.HEVC, []string{"\x02\x01\xd0"}, false, false},
		"HEVC parameter sets, no IDR": {media.HEVC, []string{"\x40\x01\x0c", "\x02\x01\xd0"}, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var sample []byte
			for _, unit := range test.units {
				sample = append(binary.BigEndian.AppendUint32(sample, uint32(len(unit))), unit...)
			}
			if said, unsaid := isKey(sample, 4, test.codec, true), isKey(sample, 4, test.codec, false); said != test.said || unsaid != test.unsaid {
				t.Errorf("%v when the container says so, %v when not; want %v, %v", said, unsaid, test.said, test.unsaid)
			}
		})
	}
}
