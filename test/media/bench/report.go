// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"
)

// result is what was measured of a scenario.
type result struct {
	scenario
	recording  *recording
	indexSpeed float64
	bare       []timing
	// runs are the times of fetch, process and publish.
	runs [][3]timing
	// memory is the peak of each, in bytes.
	memory [3]int64
}

// timing is how long programs ran, and how long processors worked for them.
type timing struct{ wall, cpu time.Duration }

// timed measures what do runs and waits for.
func timed(do func() error) (timing, error) {
	before, began := childrenCPU(), time.Now()
	err := do()
	return timing{wall: time.Since(began), cpu: childrenCPU() - before}, err
}

// childrenCPU is the processor time of all programs that were waited for, and of theirs.
func childrenCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		panic(err) // the kernel knows this process
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func wall(t timing) time.Duration { return t.wall }

func cpu(t timing) time.Duration { return t.cpu }

// spread is the least and the median of some times.
func spread(times []time.Duration) string {
	sorted := slices.Sorted(slices.Values(times))
	return fmt.Sprintf("%.2f/%.2f s", sorted[0].Seconds(), sorted[len(sorted)/2].Seconds())
}

// pick gives one time of each, wall or cpu.
func pick(timings []timing, of func(timing) time.Duration) []time.Duration {
	times := make([]time.Duration, len(timings))
	for i, each := range timings {
		times[i] = of(each)
	}
	return times
}

// column are the times of some of the containers together, wall or cpu.
func (r *result) column(from, to int, of func(timing) time.Duration) []time.Duration {
	var times []time.Duration
	for _, run := range r.runs {
		var sum time.Duration
		for _, each := range pick(run[from:to+1], of) {
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
		fmt.Printf("  %-10s %s, %.1f MiB%s\n", name, spread(r.column(i, i, wall)), float64(r.memory[i])/mib,
			missed(r.want.memory > 0 && r.memory[i] > r.want.memory, "at most %d MiB", r.want.memory/mib))
	}
	total := r.column(0, 2, wall)
	fmt.Printf("  total      %s%s\n", spread(total), missed(r.want.total > 0 && slices.Min(total) > r.want.total, "at most %s", r.want.total))
	bare, worked := pick(r.bare, wall), pick(r.bare, cpu)
	ratio := slices.Min(r.column(1, 2, wall)).Seconds() / slices.Min(bare).Seconds()
	fmt.Printf("  bare       %s; process and publish take %.3f times as long%s\n", spread(bare), ratio,
		missed(r.want.ratio > 0 && ratio > r.want.ratio, "at most %.2f", r.want.ratio))
	fmt.Printf("  cpu        %s; process and publish take %.3f times as much\n", spread(worked),
		slices.Min(r.column(1, 2, cpu)).Seconds()/slices.Min(worked).Seconds())
}

func missed(is bool, format string, args ...any) string {
	if !is {
		return ""
	}
	return " (MISSED: " + fmt.Sprintf(format, args...) + ")"
}
