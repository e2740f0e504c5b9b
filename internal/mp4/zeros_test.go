// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"slices"
	"testing"

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
