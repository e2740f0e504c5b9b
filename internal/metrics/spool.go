// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// SpoolStats is what a spool says of itself: spool.Stats converts to it, and whoever imports this package needs no spool.
type SpoolStats struct {
	// Events and Bytes wait for the API server.
	Events int
	Bytes  uint64
	// Appended, Drained count events.
	Appended, Drained uint64
	// Letters are kept now; Invalid, Undecodable and Expired count those that were made, by cause, and Dropped those that
	// had to go for newer ones.
	Letters                       uint64
	Invalid, Undecodable, Expired uint64
	Dropped                       uint64
	// Corrupt counts records that could not be read.
	Corrupt uint64
	// BreakerOpen says that the API server is away.
	BreakerOpen bool
}

// spoolCollector reads what a spool says of itself when it is asked.
type spoolCollector struct {
	stats func() SpoolStats

	events, bytes, appended, drained, breaker *prometheus.Desc
	letters, buried, dropped, corrupt         *prometheus.Desc
}

// RegisterSpool registers the metrics of a spool.
func RegisterSpool(registry prometheus.Registerer, stats func() SpoolStats) error {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return registry.Register(&spoolCollector{
		stats:    stats,
		events:   describe("recording_spool_events", "Callbacks on disk that wait for the API server."),
		bytes:    describe("recording_spool_bytes", "Size of the callbacks on disk that wait for the API server."),
		appended: describe("recording_spool_appended_total", "Callbacks that went to disk."),
		drained:  describe("recording_spool_drained_total", "Callbacks on disk that were written to the API server."),
		breaker:  describe("recording_spool_breaker_open", "1 while the API server is away and callbacks go to disk at once."),
		letters:  describe("recording_dead_letters", "Dead letters that are kept."),
		buried:   describe("recording_dead_letters_total", "Callbacks that became dead letters, by reason.", "reason"),
		dropped:  describe("recording_dead_letters_dropped_total", "Dead letters that had to go for newer ones."),
		corrupt:  describe("recording_spool_corrupt_records_total", "Callbacks and dead letters that could not be read from disk."),
	})
}

// Describe implements prometheus.Collector.
func (c *spoolCollector) Describe(descriptions chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, descriptions)
}

// Collect implements prometheus.Collector.
func (c *spoolCollector) Collect(metrics chan<- prometheus.Metric) {
	s := c.stats()
	gauge := func(description *prometheus.Desc, value float64) {
		metrics <- prometheus.MustNewConstMetric(description, prometheus.GaugeValue, value)
	}
	counter := func(description *prometheus.Desc, value uint64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(description, prometheus.CounterValue, float64(value), labels...)
	}
	gauge(c.events, float64(s.Events))
	gauge(c.bytes, float64(s.Bytes))
	gauge(c.letters, float64(s.Letters))
	open := 0.0
	if s.BreakerOpen {
		open = 1
	}
	gauge(c.breaker, open)
	counter(c.appended, s.Appended)
	counter(c.drained, s.Drained)
	counter(c.dropped, s.Dropped)
	counter(c.corrupt, s.Corrupt)
	counter(c.buried, s.Invalid, "invalid")
	counter(c.buried, s.Undecodable, "undecodable")
	counter(c.buried, s.Expired, "expired")
}
