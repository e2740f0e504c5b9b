// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

// TestIndex_OtherBytesAreNoSound: frames of sound that are other bytes are lost.
func TestIndex_OtherBytesAreNoSound(t *testing.T) {
	data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	random := rand.New(rand.NewPCG(1, 2))
	broken, touched := slices.Clone(data), 0
	sound := slices.IndexFunc(openBytes(t, data).Tracks(), func(track *mp4.Track) bool { return track.Kind == media.Audio })
	for s, err := range openBytes(t, data).Tracks()[sound].Samples() {
		if err != nil {
			t.Fatal(err)
		}
		if touched++; touched%3 == 0 {
			for i := range s.Size {
				broken[s.Offset+int64(i)] = byte(random.Uint32())
			}
		}
	}
	if found := kinds(index(t, openBytes(t, broken)))[media.FrameLost]; found < touched/24 || found > touched/3 {
		t.Errorf("%d of %d frames are lost", found, touched/3)
	}
	if damage := index(t, openBytes(t, data)).Damage; len(damage) > 0 {
		t.Errorf("the whole file has %+v", damage)
	}
}

// TestIndex_FirstSliceMissing: a picture does not begin with its first slice. Where most do not, that is the muxer's way.
func TestIndex_FirstSliceMissing(t *testing.T) {
	for _, name := range []string{"faststart.mp4", "base_moof.mp4"} {
		data := readFile(t, makeMedia(t, name, shapes[name]...))
		var pictures []mp4.Sample
		for s, err := range openBytes(t, data).Tracks()[0].Samples() {
			if err != nil {
				t.Fatal(err)
			}
			pictures = append(pictures, s)
		}
		for _, test := range []struct{ first, end, want int }{{9, 10, 1}, {9, 12, 3}, {1, len(pictures), 0}} {
			lacking := slices.Clone(data)
			for _, s := range pictures[test.first:test.end] {
				takeFirstSlice(lacking[s.Offset : s.Offset+int64(s.Size)])
			}
			found := 0
			for _, damage := range index(t, openBytes(t, lacking)).Damage {
				if damage.Kind == media.SliceMissing && damage.Packet >= test.first && damage.Packet < test.end {
					found += damage.Count
				}
			}
			if found != test.want {
				t.Errorf("%s: pictures %d to %d: %d lack their first slice, want %d", name, test.first, test.end, found, test.want)
			}
		}
	}
}

// TestIndex_PictureMissing: the numbers of the pictures jump, in a file as a whole and in one in fragments.
func TestIndex_PictureMissing(t *testing.T) {
	for name, args := range map[string][]string{"lost.mp4": nil, "lost_fragments.mp4": {"-movflags", "frag_keyframe+empty_moov"}} {
		args = append([]string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", "-an", "-bsf:v", `noise=drop=eq(n\,7)`}, args...)
		damage := index(t, open(t, makeMedia(t, name, args...))).Damage
		if len(damage) != 1 || damage[0].Kind != media.PictureMissing || damage[0].Packet != 7 {
			t.Errorf("%s: damage %+v", name, damage)
		}
	}
}

// takeFirstSlice makes the only slice of a picture one that begins behind its first macroblock.
func takeFirstSlice(sample []byte) {
	for len(sample) > 4 {
		size := int(binary.BigEndian.Uint32(sample))
		if kind := sample[4] & 0x1f; kind == 1 || kind == 5 {
			sample[5] = 0x04
		}
		sample = sample[4+size:]
	}
}
