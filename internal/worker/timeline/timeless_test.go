// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// timeless are five segments of sound without times: each begins at 0. The sizes of its packets vary.
func timeless(names string) []Segment {
	segments := layout{container: media.PackedAudio, names: names}.record(nil, tones(0, 10*second), each(0, 2*second, 5)...)
	for i := range segments {
		change(&segments[i], media.Audio, func(packets []media.Packet) []media.Packet {
			from := packets[0].DTS
			for k := range packets {
				packets[k].DTS, packets[k].PTS = packets[k].DTS-from, packets[k].PTS-from
				packets[k].Size = 100 + (i*7+k)%11
			}
			return packets
		})
	}
	return segments
}

// TestBuild_NamesOfSoundWithoutTimes: no clock tells that a line of the playlist is missing, or that two are exchanged; the numbers in
// the names do.
func TestBuild_NamesOfSoundWithoutTimes(t *testing.T) {
	wantState(t, Build(Recording{Segments: timeless("seg%d.aac")}), Intact)
	wantState(t, Build(Recording{Segments: drop(timeless("seg%d.aac"), 2)}), Unknown, UnknownHole)
	segments := timeless("seg%d.aac")
	segments[1], segments[2] = segments[2], segments[1]
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
	segments = drop(timeless("seg%d.aac"), 2)
	segments[2].Discontinuity = true
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
	segments = timeless("seg%d.aac")
	for i := 2; i < len(segments); i++ {
		segments[i].Name = timeless("seg%d.aac")[i-2].Name
	}
	segments[2].Discontinuity = true // a recorder that begins again may count from its beginning
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_CopyOfSoundWithoutTimes: one file is a copy of another one. Files of silence are alike, and lose nothing.
func TestBuild_CopyOfSoundWithoutTimes(t *testing.T) {
	segments := timeless("seg%d.aac")
	segments[3].File = segments[1].File
	wantState(t, Build(Recording{Segments: segments}), Unknown, UnknownHole)
	silent := func(packets []media.Packet) []media.Packet {
		for k := range packets {
			packets[k].Size = 23
		}
		return packets
	}
	for i := range segments {
		change(&segments[i], media.Audio, func(packets []media.Packet) []media.Packet { return silent(slices.Clone(packets)) })
	}
	wantState(t, Build(Recording{Segments: segments}), Intact)
}
