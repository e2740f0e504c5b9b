// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
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
