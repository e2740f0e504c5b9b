// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// fileCounts count RecordingFiles by the reason of their Ready condition: those that are not done as the cache has them,
// and those that are done as they were counted last, and what has changed since.
type fileCounts struct {
	gauge *prometheus.GaugeVec
	mu    *sync.Mutex
	// open and done are by reason, and since is how done has changed since the count that goes on began.
	open, done, since map[string]int
}

func newFileCounts() fileCounts {
	return fileCounts{
		gauge: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "recording_files",
			Help: "RecordingFiles that exist, by the reason of their Ready condition. The leader counts those that are done, every hour.",
		}, []string{"reason"}),
		mu: &sync.Mutex{}, open: map[string]int{}, done: map[string]int{}, since: map[string]int{},
	}
}

func (f *fileCounts) show(reason string) {
	f.gauge.WithLabelValues(reason).Set(float64(max(0, f.open[reason]+f.done[reason])))
}

// FileMoved counts a file that is not done from one reason to another; an empty reason is none.
func (m *Metrics) FileMoved(from, to string) {
	if from == to {
		return
	}
	f := &m.files
	f.mu.Lock()
	defer f.mu.Unlock()
	if from != "" {
		f.open[from]--
		f.show(from)
	}
	if to != "" {
		f.open[to]++
		f.show(to)
	}
}

// DoneFiles counts files that became done with a reason, or, below zero, that were taken back or deleted.
func (m *Metrics) DoneFiles(reason string, by int) {
	f := &m.files
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done[reason] += by
	f.since[reason] += by
	f.show(reason)
}

// DoneCount is a count of all files that are done.
type DoneCount struct {
	files   *fileCounts
	counted map[string]int
}

// CountDoneFiles begins a count. It counts the state that the API server is in now; what changes meanwhile is added in the
// end. One count goes on at a time.
func (m *Metrics) CountDoneFiles() *DoneCount {
	f := &m.files
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.since)
	return &DoneCount{files: f, counted: map[string]int{}}
}

// Add counts one file.
func (c *DoneCount) Add(reason string) { c.counted[reason]++ }

// End replaces what was counted before. A count that does not end changes nothing.
func (c *DoneCount) End() {
	f := c.files
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.done
	f.done = maps.Clone(c.counted)
	for reason, by := range f.since {
		f.done[reason] += by
	}
	for reason := range before {
		f.show(reason)
	}
	for reason := range f.done {
		f.show(reason)
	}
}
