// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"
)

// start is when the tests begin.
var start = time.Date(2026, 4, 28, 9, 0, 0, 0, time.UTC)

// shown is a gauge by its one label.
func shown(t interface {
	Helper()
	Fatal(args ...any)
}, registry prometheus.Gatherer, name string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == name {
				values[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
			}
		}
	}
	return values
}

// TestFileCounts_AddWhatIsDone: the gauge shows files in the cache and files that are done, whatever changes while the
// latter are counted.
func TestFileCounts_AddWhatIsDone(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m, err := New(registry, clocktesting.NewFakePassiveClock(start))
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want map[string]float64) {
		t.Helper()
		if got := shown(t, registry, "recording_files"); !maps.Equal(got, want) {
			t.Errorf("recording_files is %v, want %v", got, want)
		}
	}
	none, pending, processing := OpenFile{}, OpenFile{Reason: "Pending"}, OpenFile{Reason: "Processing"}
	m.FileMoved(none, pending)
	m.FileMoved(none, OpenFile{Reason: "Failed"}) // it waits for a pipeline
	m.FileMoved(pending, processing)
	m.DoneFiles("Succeeded", 1)
	shows(map[string]float64{"Failed": 1, "Pending": 0, "Processing": 1, "Succeeded": 1})

	count := m.CountDoneFiles()
	for range 3 {
		count.Add("Succeeded")
	}
	count.Add("Failed")
	m.FileMoved(processing, none)
	m.DoneFiles("Succeeded", 1)
	count.End()
	shows(map[string]float64{"Failed": 2, "Pending": 0, "Processing": 0, "Succeeded": 4})

	m.CountDoneFiles().Add("Succeeded") // it never ends
	m.CountDoneFiles().End()            // they were all deleted
	shows(map[string]float64{"Failed": 1, "Pending": 0, "Processing": 0, "Succeeded": 0})
}

// TestOldestFile_IsTheOneThatWaitsLongest: whatever files come, move and go, each reason shows the age of its oldest.
func TestOldestFile_IsTheOneThatWaitsLongest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		registry := prometheus.NewPedanticRegistry()
		clock := clocktesting.NewFakePassiveClock(start)
		m, err := New(registry, clock)
		if err != nil {
			t.Fatal(err)
		}
		reason := rapid.SampledFrom([]string{"Pending", "Queued", "Processing"})
		// Few seconds, so that files share one; some of them after the manager's clock.
		created := rapid.Map(rapid.Int64Range(-3, 3), func(second int64) time.Time { return start.Add(time.Duration(second) * time.Second) })
		var files []OpenFile
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			i := rapid.IntRange(0, len(files)).Draw(t, "file")
			switch {
			case i == len(files):
				files = append(files, OpenFile{Reason: reason.Draw(t, "reason"), Created: created.Draw(t, "created")})
				m.FileMoved(OpenFile{}, files[i])
			case rapid.Bool().Draw(t, "moves"):
				before := files[i]
				files[i].Reason = reason.Draw(t, "reason")
				m.FileMoved(before, files[i])
			default:
				m.FileMoved(files[i], OpenFile{})
				files = append(files[:i], files[i+1:]...)
			}
			clock.SetTime(clock.Now().Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "milliseconds")) * time.Millisecond))
			want := map[string]float64{}
			for _, file := range files {
				want[file.Reason] = max(want[file.Reason], clock.Since(file.Created).Seconds())
			}
			if got := shown(t, registry, "recording_oldest_file_seconds"); !maps.Equal(got, want) {
				t.Fatalf("recording_oldest_file_seconds is %v, want %v", got, want)
			}
		}
	})
}

// BenchmarkOldestFile_Scrape is a scrape with 100,000 files that are not done, each of a second of its own.
func BenchmarkOldestFile_Scrape(b *testing.B) {
	registry := prometheus.NewRegistry()
	m, err := New(registry, clocktesting.NewFakePassiveClock(start))
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100_000 {
		m.FileMoved(OpenFile{}, OpenFile{Reason: "Queued", Created: start.Add(-time.Duration(i) * time.Second)})
	}
	for b.Loop() {
		if got := shown(b, registry, "recording_oldest_file_seconds"); got["Queued"] != 99_999 {
			b.Fatal(got)
		}
	}
}
