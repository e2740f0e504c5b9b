// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// uneven gives packets sizes that differ.
func uneven(packets []media.Packet) []media.Packet {
	changed := slices.Clone(packets)
	for i := range changed {
		changed[i].Size += i * 37 % 101
	}
	return changed
}

// TestBuild_SegmentWrittenTwice: a file has its packets twice, or was begun before it was written as a whole. The result has them
// once.
func TestBuild_SegmentWrittenTwice(t *testing.T) {
	for name, part := range map[string]struct{ before, behind float64 }{
		"as a whole": {before: 1}, "begun before": {before: 0.4}, "begun behind": {behind: 0.7}, "three times": {before: 1, behind: 1},
	} {
		t.Run(name, func(t *testing.T) {
			video := uneven(pictures(0, 8*second, pal, 50))
			for _, form := range []struct {
				container media.Container
				sound     []media.Packet
			}{{media.MPEGTS, uneven(tones(0, 8*second))}, {media.FragmentMP4, uneven(tones(0, 8*second))}, {media.FragmentMP4, tones(0, 8*second)}} {
				sound := form.sound
				segments := layout{container: form.container}.record(video, sound, each(0, 2*second, 4)...)
				for _, kind := range kinds {
					change(&segments[2], kind, func(packets []media.Packet) []media.Packet {
						count := float64(len(packets))
						return slices.Concat(packets[:int(part.before*count)], packets, packets[:int(part.behind*count)])
					})
				}
				made := Build(Recording{Segments: segments})
				wantState(t, made, Damaged, SegmentDuplicated)
				wantTimes(t, made, media.Video, video, 0)
				wantTimes(t, made, media.Audio, sound, 0)
			}
		})
	}
}

// TestBuild_ClockGoesBackToAnotherTake: a clock that begins again within a file is no copy, whatever it begins with: other packets,
// fewer kinds, or black pictures and silence, which are alike.
func TestBuild_ClockGoesBackToAnotherTake(t *testing.T) {
	other := uneven(uneven(pictures(0, 2*second, pal, 50)))
	for name, test := range map[string]struct{ first, second []media.Packet }{
		"other packets": {uneven(pictures(0, 2*second, pal, 50)), other},
		"black":         {pictures(0, 2*second, pal, 50), pictures(0, 2*second, pal, 50)},
		"another rate":  {uneven(pictures(0, 2*second, pal, 50)), uneven(pictures(0, 2*second, 2*pal, 50))},
	} {
		t.Run(name, func(t *testing.T) {
			segments := layout{container: media.FragmentMP4}.record(test.first, nil)
			change(&segments[0], media.Video, func(packets []media.Packet) []media.Packet { return slices.Concat(packets, test.second) })
			made := Build(Recording{Segments: segments})
			wantState(t, made, Intact, ClockStep)
			if got, want := len(times(made, media.Video)), len(test.first)+len(test.second); got != want {
				t.Errorf("%d pictures, want %d", got, want)
			}
		})
	}
}
