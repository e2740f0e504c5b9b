/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package media

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// steady are packets of 40 ms each.
func steady(count int) []Span {
	spans := make([]Span, count)
	for i := range spans {
		spans[i] = Span{Start: int64(i) * 40_000, End: int64(i+1) * 40_000}
	}
	return spans
}

// reset marks the first packet as the first one after a reset of the clock.
func reset(spans []Span) []Span {
	spans[0].Reset = true
	return spans
}

func TestGaps(t *testing.T) {
	tests := map[string]struct {
		spans []Span
		want  []Gap
	}{
		"none":           {spans: steady(100)},
		"empty":          {},
		"one packet":     {spans: steady(1)},
		"lost second":    {spans: slices.Concat(steady(100)[:25], steady(100)[50:]), want: []Gap{{From: 1_000_000, To: 2_000_000}}},
		"lost frames":    {spans: slices.Concat(steady(100)[:25], steady(100)[30:])},
		"B-frames":       {spans: []Span{{Start: 0, End: 0}, {Start: 160_000, End: 0}, {Start: 80_000, End: 0}, {Start: 40_000, End: 0}, {Start: 120_000, End: 0}, {Start: 200_000, End: 0}}},
		"clock reset":    {spans: slices.Concat(steady(100), reset(steady(100)))},
		"long packet":    {spans: []Span{{Start: 0, End: 5_000_000}, {Start: 1000, End: 2000}, {Start: 5_100_000, End: 5_200_000}}},
		"before a reset": {spans: slices.Concat(steady(1000)[:25], steady(1000)[500:], reset(steady(100))), want: []Gap{{From: 1_000_000, To: 20_000_000}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Gaps(test.spans, GapBound(test.spans))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGapBound(t *testing.T) {
	for _, test := range []struct {
		interval, want time.Duration
	}{
		{16 * time.Millisecond, 500 * time.Millisecond},
		{200 * time.Millisecond, time.Second},
		{10 * time.Second, 5 * time.Second},
	} {
		var spans []Span
		for i := range 10 {
			spans = append(spans, Span{Start: (time.Duration(i) * test.interval).Microseconds()})
		}
		if got := GapBound(spans); got != test.want {
			t.Errorf("interval %s: bound %s, want %s", test.interval, got, test.want)
		}
	}
}

// Removing a stretch of a steady stream, wherever it is and however the rest is ordered within reach of B-frames, is
// found when and only when it is longer than the bound.
func TestGapsFindsWhatWasRemoved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := steady(rapid.IntRange(50, 500).Draw(t, "packets"))
		from := rapid.IntRange(1, len(spans)-2).Draw(t, "from")
		count := rapid.IntRange(0, len(spans)-1-from).Draw(t, "count")
		cut := slices.Concat(spans[:from], spans[from+count:])
		for i := 0; i+3 < len(cut); i += 4 {
			if rapid.Bool().Draw(t, "swap") {
				cut[i], cut[i+3] = cut[i+3], cut[i]
			}
		}
		bound := GapBound(spans)
		gaps := Gaps(cut, bound)
		removed := time.Duration(count) * 40 * time.Millisecond
		if found := len(gaps) == 1; found != (removed > bound) {
			t.Fatalf("removed %s at %d, bound %s: %v", removed, from, bound, gaps)
		}
		if len(gaps) == 1 && (gaps[0].Length() != removed || gaps[0].From != spans[from].Start) {
			t.Fatalf("removed %s at %d: %v", removed, spans[from].Start, gaps)
		}
	})
}

func TestNewGaps(t *testing.T) {
	gap := func(from, seconds int64) Gap { return Gap{From: from * 1e6, To: (from + seconds) * 1e6} }
	tests := map[string]struct {
		source, result, want []Gap
	}{
		"same":             {source: []Gap{gap(1, 2), gap(9, 3)}, result: []Gap{gap(2, 2), gap(8, 3)}},
		"new":              {result: []Gap{gap(5, 2)}, want: []Gap{gap(5, 2)}},
		"longer":           {source: []Gap{gap(1, 1)}, result: []Gap{gap(1, 9)}, want: []Gap{gap(1, 9)}},
		"one explains one": {source: []Gap{gap(1, 9)}, result: []Gap{gap(1, 9), gap(20, 2)}, want: []Gap{gap(20, 2)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, NewGaps(test.source, test.result, 250*time.Millisecond)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPacketReader(t *testing.T) {
	reader := &PacketReader{Video: &Stream{Index: 0}, Audio: &Stream{Index: 1}}
	for _, line := range []string{
		"0,1.400000,1.400000,0.040000", "1,1.300000,1.300000,0.021333", "2,9,9,9", "0,N/A,1.44,N/A,", "0,N/A,N/A,0.04", "rubbish", "",
	} {
		reader.Line([]byte(line))
	}
	packets, err := reader.Packets()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Span{{Start: 1_400_000, End: 1_440_000}, {Start: 1_440_000, End: 1_440_000}, {Start: 1_440_000, End: 1_480_000}}, packets.Video()); diff != "" {
		t.Errorf("video (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Span{{Start: 1_300_000, End: 1_321_333}}, packets.Audio()); diff != "" {
		t.Errorf("sound (-want +got):\n%s", diff)
	}
	if packets.Duration() != 180*time.Millisecond || packets.Begin() != 1_300_000 || !packets.Steady() {
		t.Errorf("lasts %s from %d, steady %v", packets.Duration(), packets.Begin(), packets.Steady())
	}
	reader.Line([]byte("0,0.1,0.1,0.04"))
	if packets, _ = reader.Packets(); packets.Steady() || packets.Duration() != 120*time.Millisecond {
		t.Errorf("after a reset: lasts %s, steady %v", packets.Duration(), packets.Steady())
	}
}

func TestSegmentsAt(t *testing.T) {
	playlist := Playlist{Segments: make([]Segment, 5)}
	for i := range playlist.Segments {
		playlist.Segments[i].Seconds = 2
	}
	for _, test := range []struct {
		from, to int64
		want     string
	}{
		{2_500_000, 3_500_000, "[0 1 2]"}, {3_000_000, 4_000_000, "[0 1 2 3]"}, {9_000_000, 12_000_000, "[3 4]"}, {50_000_000, 60_000_000, "[]"},
	} {
		if got := fmt.Sprint(playlist.SegmentsAt(Gap{From: test.from, To: test.to})); got != test.want {
			t.Errorf("%d to %d: %s, want %s", test.from, test.to, got, test.want)
		}
	}
}
