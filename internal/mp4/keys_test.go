// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestJudgeKey_BytesTell, whatever the container says: of files without a table of key frames it says that all are.
func TestJudgeKey_BytesTell(t *testing.T) {
	// Slice headers: first_mb_in_slice 0, then slice_type 7 (I) or 5 (P), then pps 0.
	const intra, predicted = "\x41\x88\x80", "\x41\x9a\x00"
	const recovery = "\x06\x06\x01\xc4\x80"
	tests := map[string]struct {
		codec        media.Codec
		units        []string
		said, unsaid bool // what is a key frame when the container says so, and when it does not
		closed       bool
	}{
		"IDR":                         {media.H264, []string{"\x65\x88\x80"}, true, true, true},
		"IDR behind parameter sets":   {media.H264, []string{"\x67\x42", "\x68\xce", "\x65\x88\x80"}, true, true, true},
		"I behind a recovery point":   {media.H264, []string{recovery, intra}, true, true, false},
		"I alone":                     {media.H264, []string{intra}, true, false, false},
		"P behind a recovery point":   {media.H264, []string{recovery, predicted}, true, false, false},
		"P":                           {media.H264, []string{predicted}, false, false, false},
		"P behind another message":    {media.H264, []string{"\x06\x05\x01\xc4\x80", predicted}, false, false, false},
		"no slice":                    {media.H264, []string{"\x09\xf0"}, true, false, false},
		"HEVC IDR":                    {media.HEVC, []string{"\x26\x01\xaf"}, true, true, true},
		"HEVC clean random access":    {media.HEVC, []string{"\x2a\x01\xaf"}, true, true, false},
		"HEVC trailing":               {media.HEVC, []string{"\x02\x01\xd0"}, false, false, false},
		"HEVC leading, decodable":     {media.HEVC, []string{"\x0c\x01\xd0"}, false, false, true},
		"HEVC leading, skipped":       {media.HEVC, []string{"\x10\x01\xd0"}, false, false, false},
		"HEVC broken link, leading":   {media.HEVC, []string{"\x20\x01\xaf"}, true, true, false},
		"HEVC parameter sets, no IDR": {media.HEVC, []string{"\x40\x01\x0c", "\x02\x01\xd0"}, false, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var sample []byte
			for _, unit := range test.units {
				sample = append(binary.BigEndian.AppendUint32(sample, uint32(len(unit))), unit...)
			}
			for _, said := range []bool{true, false} {
				packet, want := media.Packet{Key: said}, media.Packet{Key: said && test.said || test.unsaid, Closed: test.closed}
				if judgeKey(&packet, sample, 4, test.codec); packet != want {
					t.Errorf("the container says %v: %+v, want %+v", said, packet, want)
				}
			}
		})
	}
}

// TestJudgeKey_FramesWithoutUnits: of VP8 the first bit tells, of others the container.
func TestJudgeKey_FramesWithoutUnits(t *testing.T) {
	for _, said := range []bool{true, false} {
		for name, test := range map[string]struct {
			codec media.Codec
			frame string
			want  bool
		}{
			"VP8, key frame": {media.VP8, "\x10\x02\x00\x9d\x01\x2a", true},
			"VP8, other":     {media.VP8, "\x31\x02\x00", false},
			"VP8, nothing":   {media.VP8, "", false},
			"VP9":            {media.VP9, "\x82\x49\x83", said},
			"AV1":            {media.AV1, "\x12\x00\x0a", said},
		} {
			packet := media.Packet{Key: said}
			if fills := judgeKey(&packet, []byte(test.frame), 0, test.codec); !fills || packet.Key != test.want {
				t.Errorf("%s, the container says %v: %v, %v, want %v", name, said, packet.Key, fills, test.want)
			}
		}
	}
}
