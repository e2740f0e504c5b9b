// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench measures the worker on large recordings: how long fetch, process and publish take on volumes beside bare
// ffmpeg, how fast segments are indexed, and how much memory each container needs. `make bench-media` runs it.
//
// The recordings are made once and kept in ${XDG_CACHE_HOME:-~/.cache}/recording-operator/bench-media. FFMPEG, or ffmpeg in
// PATH, makes them and is what the worker is compared with; WORKER_FFMPEG, or else the same, is what the worker runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
)

// scenario is a recording and what the worker does with it.
type scenario struct {
	name string
	// make writes index.m3u8 and its segments into a folder.
	make   func(ctx context.Context, dir string) error
	preset v1alpha1.Preset
	// runs is how often it is measured, at most.
	runs int
	// want are bounds; 0: none.
	want bounds
}

// bounds are what is wanted of a measurement.
type bounds struct {
	// total time of the three containers.
	total time.Duration
	// ratio of process and publish to bare ffmpeg.
	ratio float64
	// memory of each container in bytes, without ffmpeg's.
	memory int64
}

const mib = 1 << 20

var scenarios = []scenario{
	{"10min-720p", tenMinutes, v1alpha1.PresetRemux, 3, bounds{ratio: 1.5, memory: 64 * mib}},
	{"600-segments", sixHundred, v1alpha1.PresetRemux, 3, bounds{total: time.Second, memory: 64 * mib}},
	{"5000-segments", fiveThousand, v1alpha1.PresetRemux, 3, bounds{total: 4 * time.Second, memory: 64 * mib}},
	{"day", day, v1alpha1.PresetRemux, 1, bounds{memory: 64 * mib}},
	{"2min-720p-h264", twoMinutes, v1alpha1.PresetH264, 5, bounds{ratio: 1.04, memory: 64 * mib}},
}

func main() {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case sandbox.Subcommand:
			fmt.Fprintln(os.Stderr, sandbox.Run(os.Args[2:]))
			os.Exit(sandbox.ExitCode)
		case containerCommand:
			debug.SetMemoryLimit(worker.MemoryLimit)
			exit(runContainer(context.Background(), os.Args[2], os.Args[3]))
		}
	}
	runs := flag.Int("runs", 5, "how often each is measured, at most")
	only := flag.String("only", "", "the one recording to measure, for example day")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(benchmark(ctx, *runs, *only))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func benchmark(ctx context.Context, runs int, only string) error {
	// Nothing is removed before the end: ext4 makes files slowly while it has just removed thousands, since it looks for
	// inodes that were not in use a moment ago.
	base, err := os.MkdirTemp("", "bench-media-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(base) }()
	found := false
	for _, each := range scenarios {
		if only != "" && only != each.name {
			continue
		}
		found = true
		each.runs = min(runs, each.runs)
		if err := each.measure(ctx, base); err != nil {
			return fmt.Errorf("%s: %w", each.name, err)
		}
	}
	if !found {
		return fmt.Errorf("there is no recording %q", only)
	}
	return nil
}

// measure measures one scenario in a folder and prints it.
func (s scenario) measure(ctx context.Context, base string) error {
	recording, err := kept(ctx, s.name, s.make)
	if err != nil {
		return err
	}
	speed, err := indexSpeed(recording, s.runs)
	if err != nil {
		return err
	}
	result := result{scenario: s, recording: recording, indexSpeed: speed}
	measured := []func() error{
		func() error { return result.runBare(ctx) },
		func() error { return result.runWorker(ctx, base) },
	}
	for range s.runs {
		for _, measure := range measured {
			syscall.Sync() // what was written before is not to be paid for
			if err := measure(); err != nil {
				return err
			}
		}
		slices.Reverse(measured) // what comes first may have it easier
	}
	result.print()
	return nil
}
