// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// queue reads its values when it is scraped.
type queue struct {
	waiting, active *prometheus.Desc
	counts          func() (waiting map[string]int, active int)
}

// RegisterQueue registers the metrics of steps that wait for a limit. counts says how many wait, by the reason, and how many
// Jobs run; it is called for every scrape.
func RegisterQueue(registry prometheus.Registerer, counts func() (waiting map[string]int, active int)) error {
	return registry.Register(&queue{
		waiting: describe("recording_queue_waiting_steps", "Steps that could start and wait for a limit, by the reason in the status of the step.", "reason"),
		active:  describe("recording_queue_active_jobs", "Jobs of steps that count for the limits: those that run, or are about to."),
		counts:  counts,
	})
}

// Describe implements prometheus.Collector.
func (q *queue) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- q.waiting
	descriptions <- q.active
}

// Collect implements prometheus.Collector.
func (q *queue) Collect(metrics chan<- prometheus.Metric) {
	waiting, active := q.counts()
	for reason, n := range waiting {
		metrics <- prometheus.MustNewConstMetric(q.waiting, prometheus.GaugeValue, float64(n), reason)
	}
	metrics <- prometheus.MustNewConstMetric(q.active, prometheus.GaugeValue, float64(active))
}
