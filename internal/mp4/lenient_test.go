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

// TestIndex_EditListWithoutMediaShowsAll: an edit list of pauses alone would show nothing of the track. Players that keep
// to it play nothing; what was recorded is there.
func TestIndex_EditListWithoutMediaShowsAll(t *testing.T) {
	for name, test := range map[string]struct {
		duration uint32
		want     []media.Edit
	}{
		"nothing": {0, nil},
		"a pause": {500, []media.Edit{{Duration: media.Clock / 2, Start: -1}, {}}},
	} {
		data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
		entry := data[bytes.Index(data, []byte("elst"))+12:]
		binary.BigEndian.PutUint32(entry, test.duration)
		binary.BigEndian.PutUint32(entry[4:], 1<<32-1)
		if got := index(t, openBytes(t, data)).Streams[0].Edits; !slices.Equal(got, test.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}
