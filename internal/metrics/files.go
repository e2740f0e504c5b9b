// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
)

// OpenFile is what the metrics know of a RecordingFile that is not done. The zero value is no file.
type OpenFile struct {
	// Reason is that of its Ready condition, its STATUS; it is never empty.
	Reason string
	// Created is the creation time of the object, in whole seconds as the API server writes it.
	Created time.Time
}

// fileCounts count RecordingFiles by the reason of their Ready condition: those that are not done as the cache has them,
// and those that are done as they were counted last, and what has changed since.
type fileCounts struct {
	gauge *prometheus.GaugeVec
	mu    sync.Mutex
	// open and done are by reason, and since is how done has changed since the count that goes on began.
	open, done, since map[string]int
	// created says how many open files of a reason were created in which Unix second. So the oldest is found without their
	// names, and a burst of callbacks takes as many entries as it lasts seconds.
	created map[string]map[int64]int

	oldest *prometheus.Desc
	clock  clock.PassiveClock
}

func newFileCounts(now clock.PassiveClock) *fileCounts {
	return &fileCounts{
		gauge: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "recording_files",
			Help: "RecordingFiles that exist, by the reason of their Ready condition. The leader counts those that are done, every hour.",
		}, []string{"reason"}),
		open: map[string]int{}, done: map[string]int{}, since: map[string]int{},
		created: map[string]map[int64]int{},
		oldest:  describe("recording_oldest_file_seconds", "Age of the oldest RecordingFile that is not done, by the reason of its Ready condition.", "reason"),
		clock:   now,
	}
}

// Describe implements prometheus.Collector.
func (f *fileCounts) Describe(descriptions chan<- *prometheus.Desc) {
	f.gauge.Describe(descriptions)
	descriptions <- f.oldest
}

// Collect implements prometheus.Collector.
func (f *fileCounts) Collect(collected chan<- prometheus.Metric) {
	f.gauge.Collect(collected)
	now := f.clock.Now()
	for reason, second := range f.oldestByReason() {
		age := max(0, now.Sub(time.Unix(second, 0))) // the API server's clock may be ahead
		collected <- prometheus.MustNewConstMetric(f.oldest, prometheus.GaugeValue, age.Seconds(), reason)
	}
}

// oldestByReason is the second in which the oldest open file of each reason was created. Where there is no file, there is
// no reason.
func (f *fileCounts) oldestByReason() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	oldest := map[string]int64{}
	for reason, seconds := range f.created {
		for second := range seconds {
			if first, found := oldest[reason]; !found || second < first {
				oldest[reason] = second
			}
		}
	}
	return oldest
}

// count adds to the open files of a reason, or takes from them.
func (f *fileCounts) count(file OpenFile, by int) {
	if file == (OpenFile{}) {
		return
	}
	f.open[file.Reason] += by
	f.show(file.Reason)
	seconds, second := f.created[file.Reason], file.Created.Unix()
	if seconds == nil {
		seconds = map[int64]int{}
		f.created[file.Reason] = seconds
	}
	seconds[second] += by
	if seconds[second] == 0 {
		delete(seconds, second)
	}
}

func (f *fileCounts) show(reason string) {
	f.gauge.WithLabelValues(reason).Set(float64(max(0, f.open[reason]+f.done[reason])))
}

// FileMoved counts that a file which is not done was one and is another. The zero value is none.
func (m *Metrics) FileMoved(from, to OpenFile) {
	if from == to {
		return
	}
	f := m.files
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count(from, -1)
	f.count(to, 1)
}

// DoneFiles counts files that became done with a reason, or, below zero, that were taken back or deleted.
func (m *Metrics) DoneFiles(reason string, by int) {
	f := m.files
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
	f := m.files
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
