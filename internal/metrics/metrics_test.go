// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	clocktesting "k8s.io/utils/clock/testing"
)

// described keeps what is registered.
type described struct{ names []string }

func (d *described) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc, 16)
	c.Describe(descs)
	close(descs)
	for desc := range descs {
		d.names = append(d.names, regexp.MustCompile(`fqName: "([^"]*)"`).FindStringSubmatch(desc.String())[1])
	}
	return nil
}

func (d *described) MustRegister(...prometheus.Collector) {}

func (d *described) Unregister(prometheus.Collector) bool { return false }

func TestMetrics_AreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	var registered described
	_, managerErr := New(&registered, clocktesting.NewFakePassiveClock(time.Time{}))
	_, receiverErr := NewCallbacks(&registered)
	if err := errors.Join(managerErr, receiverErr); err != nil {
		t.Fatal(err)
	}
	for _, name := range registered.names {
		if !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("docs/reference/metrics.md does not have %s", name)
		}
	}
	if len(registered.names) == 0 {
		t.Error("nothing is registered")
	}
}

func TestSourceDeleted_RemovesItsSeriesAlone(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, managerErr := New(registry, clocktesting.NewFakePassiveClock(time.Time{}))
	c, receiverErr := NewCallbacks(registry)
	if err := errors.Join(managerErr, receiverErr); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"a", "b"} {
		c.CallbackHandled("media", source, "created", time.Millisecond)
		c.TimestampObserved("media", source, "Seconds", -time.Second)
		c.TimestampObserved("media", source, "Unknown", 0)
		m.DiscoveryLooked("media", source, "created", 1)
		m.DiscoveryLooked("media", source, "known", 2)
		m.DiscoveryEnded("media", source, true, time.Second)
	}
	m.SourceDeleted("media", "a")
	c.SourceDeleted("media", "a")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]int{}
	for _, family := range families {
		series[family.GetName()] = len(family.GetMetric())
	}
	for name, want := range map[string]int{
		"recording_callbacks_total": 1, "recording_callback_timestamps_total": 2, "recording_callback_timestamp_skew_seconds": 1,
		"recording_discovery_objects_total": 2, "recording_discovery_scans_total": 1, "recording_discovery_scan_duration_seconds": 1,
	} {
		if series[name] != want {
			t.Errorf("%d series of %s, want %d", series[name], name, want)
		}
	}
}
