// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// SpoolStats is what a spool says of itself. spool.Stats converts to it, so that importing this package needs no spool.
type SpoolStats struct {
	// Events wait for the API server, in Segments of 4 MiB with Bytes of them in use.
	Events, Segments int
	Bytes            int64
	// Appended, Drained and Rejected count events: those that went to disk, and what became of them.
	Appended, Drained, Rejected uint64
	// Corrupt counts records that could not be read.
	Corrupt uint64
	// BreakerOpen says that the API server is away.
	BreakerOpen bool
}

// spoolCollector reads what a spool says of itself when it is asked.
type spoolCollector struct {
	stats func() SpoolStats

	events, bytes, segments, appended, drained, rejected, corrupt, breaker *prometheus.Desc
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// RegisterSpool registers the metrics of a spool.
func RegisterSpool(registry prometheus.Registerer, stats func() SpoolStats) error {
	return registry.Register(&spoolCollector{
		stats:    stats,
		events:   describe("recording_spool_events", "Callbacks on disk that wait for the API server."),
		bytes:    describe("recording_spool_bytes", "Size of the callbacks on disk that wait for the API server."),
		segments: describe("recording_spool_segments", "Segments of 4 MiB that hold callbacks. --spool-max-bytes bounds them."),
		appended: describe("recording_spool_appended_total", "Callbacks that went to disk."),
		drained:  describe("recording_spool_drained_total", "Callbacks on disk that were written to the API server."),
		rejected: describe("recording_spool_rejected_total", "Callbacks on disk that were rejected."),
		corrupt:  describe("recording_spool_corrupt_records_total", "Callbacks that could not be read from disk."),
		breaker:  describe("recording_spool_breaker_open", "1 while the API server is away and callbacks go to disk at once."),
	})
}

// Describe implements prometheus.Collector.
func (c *spoolCollector) Describe(descriptions chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, descriptions)
}

// Collect implements prometheus.Collector.
func (c *spoolCollector) Collect(metrics chan<- prometheus.Metric) {
	s := c.stats()
	open := 0.0
	if s.BreakerOpen {
		open = 1
	}
	for description, value := range map[*prometheus.Desc]float64{
		c.events: float64(s.Events), c.bytes: float64(s.Bytes), c.segments: float64(s.Segments), c.breaker: open,
	} {
		metrics <- prometheus.MustNewConstMetric(description, prometheus.GaugeValue, value)
	}
	for description, value := range map[*prometheus.Desc]uint64{
		c.appended: s.Appended, c.drained: s.Drained, c.rejected: s.Rejected, c.corrupt: s.Corrupt,
	} {
		metrics <- prometheus.MustNewConstMetric(description, prometheus.CounterValue, float64(value))
	}
}
