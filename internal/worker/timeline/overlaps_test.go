// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_SoundOfOneStreamAtOneTime: there is no room for what has the time of other sound of its stream, so that its time is wrong.
func TestBuild_SoundOfOneStreamAtOneTime(t *testing.T) {
	segments := layout{container: media.MP4}.record(pictures(0, 4*second, pal, 50), tones(0, 4*second))
	change(&segments[0], media.Audio, func(packets []media.Packet) []media.Packet {
		for i := range packets {
			packets[i].Size = 100 + i
			if i >= 40 && i < 100 {
				packets[i].DTS, packets[i].PTS = packets[i].DTS-second/10, packets[i].PTS-second/10
			}
		}
		return packets
	})
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, TimestampOutlier)
	if found := firstOf(made, TimestampOutlier); !strings.Contains(found.Message, "others of their stream have the same time") {
		t.Error(found.Message)
	}
}

// TestBuild_SoundInBunches: packets that all have the time of the first are away from the picture. A few of them are jitter.
func TestBuild_SoundInBunches(t *testing.T) {
	for count, want := range map[int]State{5: Intact, 15: Damaged} {
		segments := layout{}.record(pictures(0, 4*second, pal, 50), tones(0, 4*second), 2*second)
		change(&segments[1], media.Audio, func(packets []media.Packet) []media.Packet {
			for i := range packets {
				first := packets[i/count*count]
				packets[i].Size, packets[i].DTS, packets[i].PTS = 100+i, first.DTS, first.PTS
			}
			return packets
		})
		made := Build(Recording{Segments: segments})
		wantState(t, made, want)
		if found := firstOf(made, TimestampOutlier); want == Damaged && (found.Segment != 1 || !strings.Contains(found.Message, "14 audio packet(s), 299ms of sound")) {
			t.Errorf("%d: %s", found.Segment, found.Message)
		}
	}
}
