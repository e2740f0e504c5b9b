// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

// TestIndex_ZerosWithinPicturesAreAHole: no encoder writes zeros in a row. Those at the very end of a picture are a hole when they go
// on behind it.
func TestIndex_ZerosWithinPicturesAreAHole(t *testing.T) {
	for _, name := range []string{"faststart.mp4", "base_moof.mp4"} {
		data := readFile(t, makeMedia(t, name, shapes[name]...))
		var largest mp4.Sample
		for s, err := range openBytes(t, data).Tracks()[0].Samples() {
			if err != nil {
				t.Fatal(err)
			}
			if s.Size > largest.Size {
				largest = s
			}
		}
		from, end := int(largest.Offset), int(largest.Offset)+largest.Size
		for _, test := range []struct {
			what     string
			from, to int
			want     bool
		}{
			{"within", end - 200, end - 100, true},
			{"a few", end - 200, end - 200 + 10, false},
			{"at the end", end - 100, end, false},
			{"over the end", end - 100, end + 40, true},
			{"all", from, end, true},
		} {
			zeroed := slices.Clone(data)
			clear(zeroed[test.from:test.to])
			found := false
			for _, damage := range index(t, openBytes(t, zeroed)).Damage {
				found = found || damage.Offset == largest.Offset
			}
			if found != test.want {
				t.Errorf("%s: zeros %s: damaged %v, want %v", name, test.what, found, test.want)
			}
		}
	}
}

// videoEntry is a sample entry of pictures.
func videoEntry(name string, boxes ...[]byte) []byte {
	return box(name, append([][]byte{make([]byte, 78)}, boxes...)...)
}

// esds names an encoding by its object type.
func esds(objectType byte) []byte {
	return box("esds", words(0), []byte{3, 18, 0, 1, 0, 4, 13, objectType, 0x11}, make([]byte, 11))
}

// TestIndex_ZerosWithinPicturesWithoutUnits: so many zeros in a row are a hole, but before a start code and at the end.
func TestIndex_ZerosWithinPicturesWithoutUnits(t *testing.T) {
	picture := func(zeros int, behind ...byte) []byte {
		return slices.Concat(bytes.Repeat([]byte{0x82}, 300), make([]byte, zeros), behind, bytes.Repeat([]byte{0x81}, 300))
	}
	const mpeg2 = 0x61
	for name, test := range map[string]struct {
		entry  []byte
		sample []byte
		behind int // zeros that follow it
		want   bool
	}{
		"VP9":                            {videoEntry("vp09"), picture(256), 0, true},
		"VP9, fewer":                     {videoEntry("vp09"), picture(200), 0, false},
		"AV1":                            {videoEntry("av01"), picture(400), 0, true},
		"MPEG-2":                         {videoEntry("mp4v", esds(mpeg2)), picture(16), 0, true},
		"MPEG-2, before a start code":    {videoEntry("mp4v", esds(mpeg2)), picture(600, 1), 0, false},
		"MPEG-2, and then in a slice":    {videoEntry("mp4v", esds(mpeg2)), append(picture(600, 1), picture(40)...), 0, true},
		"MPEG-4":                         {videoEntry("mp4v"), picture(40), 0, true},
		"MPEG-4, at the end":             {videoEntry("mp4v"), picture(40)[:340], 0, false},
		"MPEG-4, at the end, and behind": {videoEntry("mp4v"), picture(40)[:340], 100, true},
		"MPEG-4, nothing but zeros":      {videoEntry("mp4v"), make([]byte, 300), 0, true},
		"AAC":                            {soundEntry("mp4a"), picture(600), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			kind := media.Video
			if string(test.entry[4:8]) == "mp4a" {
				kind = media.Audio
			}
			track := mp4.OutTrack{Kind: kind, Timescale: 1000, Entries: [][]byte{test.entry}, Samples: slices.Values([]mp4.OutSample{
				{Duration: 40, Size: len(test.sample), Key: true}, {DTS: 40, PTS: 40, Duration: 40, Size: 2 + test.behind},
			})}
			var file memory
			if _, err := mp4.Write(&file, []mp4.OutTrack{track}, func(emit func(int, []byte) error) error {
				return errors.Join(emit(0, test.sample), emit(0, append(make([]byte, test.behind), 0x82, 0x83)))
			}); err != nil {
				t.Fatal(err)
			}
			first := func(d media.Damage) bool { return d.Kind == media.FrameLost && d.Packet == 0 }
			if damage := index(t, openBytes(t, file.data)).Damage; slices.ContainsFunc(damage, first) != test.want {
				t.Errorf("damage %+v, want some %v", damage, test.want)
			}
		})
	}
}
