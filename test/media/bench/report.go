// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"
)

// result is what was measured of a scenario.
type result struct {
	scenario
	recording  *recording
	indexSpeed float64
	bare       []time.Duration
	// runs are the times of fetch, process and publish.
	runs [][3]time.Duration
	// memory is the peak of each, in bytes.
	memory [3]int64
}

// spread is the least and the median of some times.
func spread(times []time.Duration) string {
	sorted := slices.Sorted(slices.Values(times))
	return fmt.Sprintf("%.2f/%.2f s", sorted[0].Seconds(), sorted[len(sorted)/2].Seconds())
}

// column are the times of some of the containers together.
func (r *result) column(from, to int) []time.Duration {
	var times []time.Duration
	for _, run := range r.runs {
		var sum time.Duration
		for _, each := range run[from : to+1] {
			sum += each
		}
		times = append(times, sum)
	}
	return times
}

// print writes the figures, times as least/median, and which of the bounds were missed.
func (r *result) print() {
	fmt.Printf("%s: %d segments, %.1f MB, %d run(s)\n", r.name, len(r.recording.segments), float64(r.recording.bytes)/1e6, len(r.runs))
	fmt.Printf("  index      %.0f MB/s\n", r.indexSpeed/1e6)
	for i, name := range containers {
		fmt.Printf("  %-10s %s, %.1f MiB%s\n", name, spread(r.column(i, i)), float64(r.memory[i])/mib,
			missed(r.want.memory > 0 && r.memory[i] > r.want.memory, "at most %d MiB", r.want.memory/mib))
	}
	total := r.column(0, 2)
	fmt.Printf("  total      %s%s\n", spread(total), missed(r.want.total > 0 && slices.Min(total) > r.want.total, "at most %s", r.want.total))
	ratio := slices.Min(r.column(1, 2)).Seconds() / slices.Min(r.bare).Seconds()
	fmt.Printf("  bare       %s; process and publish take %.2f times as long%s\n", spread(r.bare), ratio,
		missed(r.want.ratio > 0 && ratio > r.want.ratio, "at most %.2f", r.want.ratio))
}

func missed(is bool, format string, args ...any) string {
	if !is {
		return ""
	}
	return " (MISSED: " + fmt.Sprintf(format, args...) + ")"
}
