// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"fmt"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
)

// join makes one segment of those that cannot be read alone: a recorder cut them within a packet, whose rest is in the
// next segment, or wrote the tables of the transport stream into the first one only.
func (f *fetcher) join(segments []recording.Segment) ([]recording.Segment, error) {
	var joined []recording.Segment
	for i := 0; i < len(segments); {
		end := i + 1
		for end < len(segments) && f.splitBetween(&segments[end-1], &segments[end]) {
			end++
		}
		segment := segments[i]
		if end > i+1 {
			var err error
			if segment, err = f.joinGroup(segments[i:end]); err != nil {
				return nil, err
			}
		}
		joined = append(joined, segment)
		i = end
	}
	return joined, nil
}

// joinGroup indexes segments as one.
func (f *fetcher) joinGroup(group []recording.Segment) (recording.Segment, error) {
	whole := group[0]
	whole.Behind = group[len(group)-1].Behind
	for _, segment := range group[1:] {
		whole.Seconds += segment.Seconds
		whole.Source.More = append(whole.Source.More, segment.Source)
	}
	found, err := index.Read(recording.Within(f.dir, whole.Source))
	if err != nil {
		return recording.Segment{}, fmt.Errorf("index %d joined segments from %.80s on: %w", len(group), whole.Name, err)
	}
	whole.Index = len(f.indexes)
	f.indexes = append(f.indexes, found)
	return whole, nil
}

// splitBetween says that the continuity counters go on from one segment to the next, and that a packet begins in one and
// ends in the other, or that the second one has no tables.
func (f *fetcher) splitBetween(x, y *recording.Segment) bool {
	if x.Lost || y.Lost || x.Encrypted || y.Encrypted || y.Discontinuity {
		return false
	}
	from, to := f.indexes[x.Index], f.indexes[y.Index]
	if from.Container != media.MPEGTS || to.Container != media.MPEGTS {
		return false
	}
	noTables := slices.ContainsFunc(to.Damage, func(d media.Damage) bool { return d.Kind == media.TablesMissing })
	return slices.ContainsFunc(from.Streams, func(before media.Stream) bool {
		return slices.ContainsFunc(to.Streams, func(after media.Stream) bool {
			return goesOn(&before, &after) && (noTables || before.Tail != media.TailWhole && after.HeadBytes > 0)
		})
	})
}

// goesOn says that the continuity counters of a stream of picture or sound go on from one segment to the next.
func goesOn(before, after *media.Stream) bool {
	return before.ID == after.ID && before.Kind != media.Data &&
		before.Counters.Known && after.Counters.Known && after.Counters.First == (before.Counters.Last+1)&15
}
