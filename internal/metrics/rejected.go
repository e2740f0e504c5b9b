// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// RejectedStats counts rejected callbacks. rejected.Stats converts to it.
type RejectedStats struct {
	// Undecodable, Invalid, NameTaken, UnknownEvent and Expired were kept, by reason.
	Undecodable, Invalid, NameTaken, UnknownEvent, Expired uint64
	// Dropped were not kept: there were too many, or the API server refused them.
	Dropped uint64
}

type rejectedCollector struct {
	stats         func() RejectedStats
	kept, dropped *prometheus.Desc
}

// RegisterRejected registers the metrics of rejected callbacks.
func RegisterRejected(registry prometheus.Registerer, stats func() RejectedStats) error {
	return registry.Register(&rejectedCollector{
		stats:   stats,
		kept:    describe("recording_rejected_callbacks_total", "Callbacks that were kept as RejectedCallbacks, by reason.", "reason"),
		dropped: describe("recording_rejected_callbacks_dropped_total", "Rejected callbacks that were not kept, because there were too many or the API server refused them."),
	})
}

// Describe implements prometheus.Collector.
func (c *rejectedCollector) Describe(descriptions chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, descriptions)
}

// Collect implements prometheus.Collector.
func (c *rejectedCollector) Collect(metrics chan<- prometheus.Metric) {
	s := c.stats()
	for reason, value := range map[string]uint64{
		"Undecodable": s.Undecodable, "Invalid": s.Invalid, "NameTaken": s.NameTaken, "UnknownEvent": s.UnknownEvent, "Expired": s.Expired,
	} {
		metrics <- prometheus.MustNewConstMetric(c.kept, prometheus.CounterValue, float64(value), reason)
	}
	metrics <- prometheus.MustNewConstMetric(c.dropped, prometheus.CounterValue, float64(s.Dropped))
}
