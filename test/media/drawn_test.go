// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

var (
	seedFlag  = flag.Uint64("media.seed", 1, "seed of the drawn recordings")
	countFlag = flag.Int("media.count", 60, "how many recordings are drawn")
)

// TestDrawn draws recordings, good and damaged, and runs them through the worker. A failure names its seed and number:
// -media.seed=S -media.only=drawn_S_N draws it again.
func TestDrawn(t *testing.T) {
	requireCorpus(t)
	var report report
	t.Run("recordings", func(t *testing.T) {
		for n := range uint64(*countFlag) {
			if name := fmt.Sprintf("drawn_%d_%d", *seedFlag, n); *onlyFlag != "" && name != *onlyFlag {
				continue
			}
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				s := draw(*seedFlag, n)
				r := s.make()
				keepRecording(t, r, s.name)
				preset := drawnPreset(*seedFlag, n)
				result := runShape(t, s, r, preset)
				if t.Failed() {
					t.Log(preset, s.says)
				}
				report.add(result)
			})
		}
	})
	report.summarize(t)
	if *reportFlag != "" {
		if err := report.write(*reportFlag); err != nil {
			t.Fatal(err)
		}
	}
}

// drawnPreset is Remux most of the time: it costs a tenth of H264.
func drawnPreset(seed, n uint64) string {
	switch rand.New(rand.NewPCG(seed, n+1<<32)).IntN(10) {
	case 0:
		return presetH264
	case 1, 2:
		return presetArchive
	}
	return presetRemux
}
