// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"errors"
	"fmt"
	"iter"
)

// errStop ends a walk whose caller has enough.
var errStop = errors.New("enough")

// Samples yields the samples of the track in the order of decoding, without their bytes, as the tables have them: their
// sizes are those in the file also where NAL units have lengths of fewer than four bytes. Frames of sound that have one
// time in the tables follow one another. It takes a few KiB of memory, however many samples there are. Uniform sound of
// at most 64 bytes a sample (PCM) comes in groups of up to 1024 samples, which Movie.Index and Movie.Samples report as
// one packet each.
//
// An error comes last: of reading, or ErrSampleMissing after the samples that are in the file.
func (t *Track) Samples() iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		index := -1
		for i, track := range t.movie.tracks {
			if track == t {
				index = i
			}
		}
		missing, cut := int64(0), t.cut > 0
		err := t.movie.walk([]int{index}, visitor{
			sample: func(_ int, s *Sample) error {
				if !yield(*s, nil) {
					return errStop
				}
				return nil
			},
			missing: func(_ int, _, count int64) { missing += count },
			damaged: func(int64) { cut = true },
			unknown: func(uint32) {},
		})
		switch {
		case errors.Is(err, errStop):
		case err != nil:
			yield(Sample{}, err)
		case missing > 0:
			yield(Sample{}, fmt.Errorf("track %d: %d %w", t.ID, missing, ErrSampleMissing))
		case cut:
			yield(Sample{}, fmt.Errorf("track %d: a table is cut: %w", t.ID, ErrSampleMissing))
		}
	}
}
