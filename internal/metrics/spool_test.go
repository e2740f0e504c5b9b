// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Every metric of the spool has its value, and a line in the reference.
func TestSpool(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	stats := SpoolStats{
		Events: 1, Bytes: 2, Appended: 3, Drained: 4, Letters: 5, Dropped: 6, Corrupt: 7, BreakerOpen: true,
		Invalid: 8, Undecodable: 9, Expired: 10,
	}
	if err := RegisterSpool(registry, func() SpoolStats { return stats }); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	reference, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		if !strings.Contains(string(reference), "`"+family.GetName()+"`") {
			t.Errorf("docs/reference/metrics.md does not have %s", family.GetName())
		}
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += " " + label.GetName() + "=" + label.GetValue()
			}
			got[name] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	want := map[string]float64{
		"recording_spool_events": 1, "recording_spool_bytes": 2, "recording_spool_appended_total": 3,
		"recording_spool_drained_total": 4, "recording_dead_letters": 5, "recording_dead_letters_dropped_total": 6,
		"recording_spool_corrupt_records_total": 7, "recording_spool_breaker_open": 1,
		"recording_dead_letters_total reason=invalid": 8, "recording_dead_letters_total reason=undecodable": 9,
		"recording_dead_letters_total reason=expired": 10,
	}
	if len(got) != len(want) {
		t.Errorf("%d metrics, want %d", len(got), len(want))
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
}
