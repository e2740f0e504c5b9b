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
	seedFlag   = flag.Uint64("media.seed", 1, "seed of the drawn recordings")
	decodeFlag = flag.Bool("media.decode", false, "decode the result of each drawn recording")
	countFlag  = flag.Int("media.count", 60, "how many recordings are drawn")
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
				j := drawnJudge(*seedFlag, n)
				result := tryShape(t, s, r, j)
				if !result.Outcome.isRight() {
					t.Error(s.says, result.complaint())
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

// drawnJudge tries Remux most of the time, since H264 costs thirty times as much. The packets of its results are known
// by their bytes; of one in ten, they are decoded as well.
func drawnJudge(seed, n uint64) *judge {
	j := &judge{preset: presetRemux}
	switch k := rand.New(rand.NewPCG(seed, n+1<<32)).IntN(40); {
	case k == 0:
		j.preset = presetH264
	case k < 6:
		j.preset = presetArchive
	default:
		j.byBytes = k >= 10 && !*decodeFlag
	}
	return j
}
