// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"slices"
	"testing"
)

// smoothBox is the box in which Smooth Streaming has the time of a fragment.
func smoothBox(fields ...uint32) []byte {
	return box("uuid", words(0x6d1d9b05, 0x42d544e6, 0x80e2141d, 0xaff757b2), words(fields...))
}

// TestTrackSamples_TimeBehindTheRuns: files of Smooth Streaming say there when a fragment begins.
func TestTrackSamples_TimeBehindTheRuns(t *testing.T) {
	file := fragmentedHead()
	for _, behind := range [][]byte{
		smoothBox(1<<24, 1<<32-1, 1<<32-7, 0, 40),
		smoothBox(0, 4000, 40),
		box("uuid", make([]byte, 16), words(0, 5000, 40)),
	} {
		file = append(file, fragment(unit(20), func(data uint32) [][]byte {
			return [][]byte{box("traf", box("tfhd", words(0x020000, 1)), box("trun", words(0x201, 1, data, 20)), behind)}
		})...)
	}
	want := []place{{-7, -7, 40, 20, false}, {4000, 4000, 40, 20, false}, {4040, 4040, 40, 20, false}}
	if got := places(t, openBytes(t, file), 0); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// smoothFragment has two pictures of 40 units, shown so many units behind their decoding, and a time of Smooth Streaming.
func smoothFragment(time, first, second uint32) []byte {
	return fragment(bytes.Repeat(unit(20), 2), func(data uint32) [][]byte {
		return [][]byte{box("traf", box("tfhd", words(0x020000, 1)), box("trun", words(1<<24|0xa01, 2, data, 20, first, 20, second)),
			smoothBox(0, time, 80))}
	})
}

// TestTrackSamples_SmoothTimeOfShowing: the time is when the first picture is shown, or when it is decoded: whichever follows the
// fragment before. Once the first is seen, it holds for the fragments behind a lost one, too.
func TestTrackSamples_SmoothTimeOfShowing(t *testing.T) {
	var back uint32
	back -= 40
	for name, test := range map[string]struct {
		fragments [][]byte
		want      []int64
	}{
		"shown": {[][]byte{smoothFragment(1000, 0, 40), smoothFragment(1160, 80, back), smoothFragment(1120, back, 0), smoothFragment(1480, 80, 0)},
			[]int64{1000, 1040, 1080, 1120, 1160, 1200, 1400, 1440}},
		"decoded": {[][]byte{smoothFragment(1000, 80, 40), smoothFragment(1080, 80, back), smoothFragment(1160, back, 0), smoothFragment(1480, 80, 0)},
			[]int64{1000, 1040, 1080, 1120, 1160, 1200, 1480, 1520}},
	} {
		var got []int64
		for _, each := range places(t, openBytes(t, slices.Concat(fragmentedHead(), slices.Concat(test.fragments...))), 0) {
			got = append(got, each.dts)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
