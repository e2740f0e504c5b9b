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

// TestIndex_EmptyFramesAreDamage: no decoder makes a picture or sound of nothing.
func TestIndex_EmptyFramesAreDamage(t *testing.T) {
	for name, want := range map[string]map[media.DamageKind]int{
		"faststart.mp4": {media.NALInvalid: 1, media.FrameLost: 1},
		"vp9.mp4":       {media.FrameLost: 2},
		"qt.mov":        {media.NALInvalid: 1, media.FrameLost: 1},
	} {
		data := readFile(t, makeMedia(t, name, shapes[name]...))
		for at := 0; ; {
			next := bytes.Index(data[at:], []byte("stsz"))
			if next < 0 {
				break
			}
			at += next + 4
			const third = 2
			clear(data[at+12+third*4:][:4])
		}
		file := index(t, openBytes(t, data))
		for kind, count := range want {
			if kinds(file)[kind] < count {
				t.Errorf("%s: %+v, want %d of %s", name, file.Damage, count, kind)
			}
		}
	}
}

// TestIndex_EmptyFragmentSamplesAreDamage: a file whose media was taken out has tables that fit.
func TestIndex_EmptyFragmentSamplesAreDamage(t *testing.T) {
	data := slices.Concat(fragmentedHead(), fragment(nil, func(data uint32) [][]byte {
		return [][]byte{box("traf", box("tfhd", words(0x020010, 1, 0)), box("trun", words(1, 3, data)))}
	}))
	if found := kinds(index(t, openBytes(t, data))); found[media.NALInvalid] != 3 {
		t.Errorf("%v", found)
	}
}

// TestIndex_EmptyLastSampleIsNone: nothing is behind it that it could have been.
func TestIndex_EmptyLastSampleIsNone(t *testing.T) {
	data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	whole := index(t, openBytes(t, data))
	last := whole.Streams[0].Packets.Last
	table := data[bytes.Index(data, []byte("stsz"))+4:] // the first is that of the pictures
	count := binary.BigEndian.Uint32(table[8:])
	binary.BigEndian.PutUint32(table[12+4*(count-1):], 0)
	file := index(t, openBytes(t, data))
	if found := kinds(file); found[media.NALInvalid] > 0 {
		t.Errorf("damage %v", found)
	}
	if got := file.Streams[0].Packets; got.Count != whole.Streams[0].Packets.Count-1 || got.Last.DTS >= last.DTS {
		t.Errorf("%d packets, the last %+v", got.Count, got.Last)
	}
}
