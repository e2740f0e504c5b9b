// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_MediaInNoRange: somebody may have cut the recording with its playlist, or a line is lost.
func TestBuild_MediaInNoRange(t *testing.T) {
	for name, c := range map[string]struct {
		change func(segments []Segment)
		at     int64
		said   string
	}{
		"before the first": {func(s []Segment) { s[0].Before = 9400 }, 0, "segment 0 (seg0.ts) at 0s: its file has 9400 bytes of media before it"},
		"behind the last":  {func(s []Segment) { s[7].Behind = 9400 }, 16 * second, "segment 7 (seg7.ts) at 16s: its file has 9400 bytes of media behind it"},
		"at another clock": {func(s []Segment) { s[3].Behind = 188 }, 8 * second, "segment 3 (seg3.ts) at 8s: its file has 188 bytes of media behind it"},
	} {
		t.Run(name, func(t *testing.T) {
			segments := twoClocks(false)
			c.change(segments)
			built := Build(Recording{Segments: segments})
			wantState(t, built, Unknown, UnknownHole)
			if found := built.Findings[0]; distance(found.At, c.at) > second/20 || !strings.HasPrefix(found.Message, c.said) {
				t.Errorf("at %d: %s", found.At, found.Message)
			}
		})
	}
}

// TestBuild_PlaylistOfAWindow: a recorder that keeps a window for those who watch removes the lines of the beginning.
func TestBuild_PlaylistOfAWindow(t *testing.T) {
	for name, c := range map[string]struct {
		number   int64
		names    string
		reported int64
		want     []Type
	}{
		"nine were removed":                 {9, "seg9.ts", 0, []Type{UnknownHole}},
		"their names have no number":        {9, "first.ts", 0, []Type{UnknownHole}},
		"numbers begin with 1":              {1, "seg1.ts", 0, nil},
		"names begin, numbers do not":       {9, "seg0.ts", 0, nil},
		"numbers are times":                 {1_700_000_000, "seg1700000000.ts", 0, nil},
		"the callback reports as much":      {9, "seg9.ts", 16 * second, nil},
		"the callback reports less":         {9, "seg9.ts", 10 * second, nil},
		"the callback reports what is lost": {9, "seg9.ts", 34 * second, []Type{UnknownHole, DurationMismatch}},
	} {
		t.Run(name, func(t *testing.T) {
			segments := twoClocks(false)
			segments[0].Name = c.names
			state := Unknown
			if c.want == nil {
				state = Intact
			}
			wantState(t, Build(Recording{Segments: segments, Number: c.number, Reported: c.reported}), state, c.want...)
		})
	}
}

// TestBuild_CountersDoNotBegin: a recorder counts the packets of each stream and of the tables from one number on, and fragments from 0,
// 1 or 2. Behind lines that are missing, the numbers are those of the middle.
func TestBuild_CountersDoNotBegin(t *testing.T) {
	for name, c := range map[string]struct {
		layout   layout
		drop     int
		reported int64
		want     State
	}{
		"nothing is missing":          {layout{running: true}, 0, 0, Intact},
		"the first line is":           {layout{running: true}, 1, 0, Unknown},
		"the callback reports less":   {layout{running: true}, 1, 14 * second, Intact},
		"counters begin again":        {layout{}, 1, 0, Intact},
		"no fragment is missing":      {layout{running: true, container: media.FragmentMP4}, 0, 0, Intact},
		"the first two fragments are": {layout{running: true, container: media.FragmentMP4}, 1, 0, Unknown},
		"fragments begin again":       {layout{container: media.FragmentMP4}, 1, 0, Intact},
	} {
		t.Run(name, func(t *testing.T) {
			segments := c.layout.record(pictures(0, 16*second, pal, 50), tones(0, 16*second), each(0, 2*second, 8)...)[c.drop:]
			built := Build(Recording{Segments: segments, Reported: c.reported})
			wantState(t, built, c.want)
			if c.want == Unknown && (len(built.Findings) != 1 || !strings.Contains(built.Findings[0].Message, "whether the beginning is lost")) {
				t.Error(list(built))
			}
		})
	}
}
