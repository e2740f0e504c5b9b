// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Every metric of the spool and of rejected callbacks has its value, and a line in the reference.
func TestCollectors_HaveValuesAndDocs(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	err := errors.Join(
		RegisterSpool(registry, func() SpoolStats {
			return SpoolStats{Events: 1, Bytes: 2, Segments: 3, Appended: 4, Drained: 5, Rejected: 6, Corrupt: 7, BreakerOpen: true}
		}),
		RegisterRejected(registry, func() RejectedStats {
			return RejectedStats{Undecodable: 8, Invalid: 9, UnknownEvent: 10, Expired: 11, Dropped: 12, NameTaken: 13}
		}),
	)
	if err != nil {
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
		"recording_spool_events": 1, "recording_spool_bytes": 2, "recording_spool_segments": 3, "recording_spool_appended_total": 4,
		"recording_spool_drained_total": 5, "recording_spool_rejected_total": 6, "recording_spool_corrupt_records_total": 7,
		"recording_spool_breaker_open": 1, "recording_rejected_callbacks_total reason=Undecodable": 8,
		"recording_rejected_callbacks_total reason=Invalid": 9, "recording_rejected_callbacks_total reason=UnknownEvent": 10,
		"recording_rejected_callbacks_total reason=Expired": 11, "recording_rejected_callbacks_dropped_total": 12,
		"recording_rejected_callbacks_total reason=NameTaken": 13,
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
