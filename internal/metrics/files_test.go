// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestFileCounts_AddWhatIsDone: the gauge shows files in the cache and files that are done, whatever changes while the
// latter are counted.
func TestFileCounts_AddWhatIsDone(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := New(registry)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want map[string]float64) {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				if family.GetName() == "recording_files" {
					got[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("recording_files is %v, want %v", got, want)
		}
	}
	m.FileMoved("", "Pending")
	m.FileMoved("", "Failed") // it waits for a pipeline
	m.FileMoved("Pending", "Processing")
	m.DoneFiles("Succeeded", 1)
	shows(map[string]float64{"Failed": 1, "Pending": 0, "Processing": 1, "Succeeded": 1})

	count := m.CountDoneFiles()
	for range 3 {
		count.Add("Succeeded")
	}
	count.Add("Failed")
	m.FileMoved("Processing", "")
	m.DoneFiles("Succeeded", 1)
	count.End()
	shows(map[string]float64{"Failed": 2, "Pending": 0, "Processing": 0, "Succeeded": 4})

	m.CountDoneFiles().Add("Succeeded") // it never ends
	m.CountDoneFiles().End()            // they were all deleted
	shows(map[string]float64{"Failed": 1, "Pending": 0, "Processing": 0, "Succeeded": 0})
}
