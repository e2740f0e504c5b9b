// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// untimed is the decoding time of a fragment that does not say it.
const untimed = 1<<32 - 1

// numbered is a file of fragments with these numbers and decoding times, each a picture of 40 ms.
func numbered(fragments ...[2]uint32) []byte {
	file := fragmentedHead()
	for _, each := range fragments {
		time := box("tfdt", words(0, each[1]))
		if each[1] == untimed {
			time = nil
		}
		data := fragment(unit(20), func(data uint32) [][]byte {
			return [][]byte{box("traf", box("tfhd", words(0x020000, 1)), time, box("trun", words(0x201, 1, data, 20)))}
		})
		binary.BigEndian.PutUint32(data[20:], each[0]) // behind the heads of moof and mfhd
		file = append(file, data...)
	}
	return file
}

// TestIndex_NumbersOfFragments: a jump is a loss where the track pauses, and where the numbers do not jump elsewhere.
func TestIndex_NumbersOfFragments(t *testing.T) {
	for name, test := range map[string]struct {
		fragments [][2]uint32
		lost      []int // the packets before which something is lost
	}{
		"one lost":                 {[][2]uint32{{1, 0}, {2, 40}, {4, 120}, {5, 160}}, []int{2}},
		"two lost":                 {[][2]uint32{{7, 0}, {8, 40}, {10, 120}, {11, 160}, {14, 280}, {15, 320}}, []int{2, 4}},
		"a pause":                  {[][2]uint32{{1, 0}, {2, 40}, {3, 120}, {4, 160}}, nil},
		"a jump, and no pause":     {[][2]uint32{{1, 0}, {2, 40}, {4, 80}, {5, 120}}, nil},
		"every second number":      {[][2]uint32{{1, 0}, {3, 80}, {5, 160}, {7, 240}}, nil},
		"one of them lost":         {[][2]uint32{{1, 0}, {3, 40}, {7, 120}, {9, 160}}, []int{2}},
		"all the same":             {[][2]uint32{{1, 0}, {1, 80}, {1, 160}}, nil},
		"numbers that are times":   {[][2]uint32{{0, 0}, {40, 40}, {80, 80}, {160, 160}}, nil},
		"no times":                 {[][2]uint32{{1, 0}, {2, untimed}, {4, untimed}, {5, untimed}}, []int{2}},
		"no times, and none lost":  {[][2]uint32{{1, 0}, {3, untimed}, {5, untimed}, {7, untimed}}, nil},
		"two fragments":            {[][2]uint32{{1, 0}, {3, 80}}, nil},
		"counted again in a pause": {[][2]uint32{{5, 0}, {6, 40}, {1, 120}, {2, 160}}, nil},
		"a fragment out of order":  {[][2]uint32{{1, 0}, {3, 80}, {2, 40}, {4, 120}, {5, 160}}, nil},
		"the greatest number last": {[][2]uint32{{1<<32 - 2, 0}, {1<<32 - 1, 40}, {0, 80}, {1, 120}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := index(t, openBytes(t, numbered(test.fragments...)))
			var lost []int
			for _, damage := range file.Damage {
				if damage.Kind == media.FragmentMissing {
					lost = append(lost, damage.Packet)
				}
			}
			if !slices.Equal(lost, test.lost) {
				t.Errorf("lost before %v, want %v: %+v", lost, test.lost, file.Damage)
			}
			last := test.fragments[len(test.fragments)-1][0]
			if want := (media.FragmentNumbers{Known: true, First: test.fragments[0][0], Last: last}); file.Fragments != want {
				t.Errorf("%+v, want %+v", file.Fragments, want)
			}
		})
	}
}

// TestIndex_TrackThatEndsBeforeAJump: a track has lost its end where the numbers jump behind it, and others go on.
func TestIndex_TrackThatEndsBeforeAJump(t *testing.T) {
	for name, test := range map[string]struct {
		sound [][2]uint32 // of fragments of a track beside, each of a frame of 21 ms, and when they begin in samples
		want  int
	}{
		"the end is lost":            {[][2]uint32{{3, 1024}, {5, 2048}, {6, 5120}}, 1},
		"it ends before":             {[][2]uint32{{3, 1024}, {4, 2048}, {5, 5120}}, 0},
		"it does not end before":     {[][2]uint32{{3, 1024}, {5, 2048}, {6, 3072}}, 0},
		"numbers jump everywhere":    {[][2]uint32{{4, 1024}, {6, 2048}, {8, 5120}}, 0},
		"the other track has a hole": {[][2]uint32{{3, 1024}, {4, 2048}, {6, 5120}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			data := numbered([2]uint32{1, 0}, [2]uint32{2, 40})
			for _, each := range test.sound {
				next := fragment(make([]byte, 100), func(data uint32) [][]byte {
					return [][]byte{box("traf", box("tfhd", words(0x020000, 2)), box("tfdt", words(0, each[1])), box("trun", words(0x201, 1, data, 100)))}
				})
				binary.BigEndian.PutUint32(next[20:], each[0])
				data = append(data, next...)
			}
			if file := index(t, openBytes(t, data)); kinds(file)[media.FragmentMissing] != test.want {
				t.Errorf("%+v, want %d", file.Damage, test.want)
			}
		})
	}
}

func TestIndex_ShortFragmentHeaderIsDamage(t *testing.T) {
	data := numbered([2]uint32{1, 0}, [2]uint32{2, 40})
	mfhd := data[len(fragmentedHead())+8:]
	binary.BigEndian.PutUint32(mfhd, 8) // it has no number, and what is left is no box
	if file := index(t, openBytes(t, data)); kinds(file)[media.BoxTruncated] == 0 {
		t.Errorf("damage %+v", file.Damage)
	}
}
