// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// sweepMetrics are the collectors of sweeping. Only the leader sweeps.
type sweepMetrics struct {
	objects  *prometheus.CounterVec
	sweeps   *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newSweepMetrics() sweepMetrics {
	return sweepMetrics{
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_sweep_objects_total",
			Help: "Playlists and MP4s that sweeps looked at, by RecordingSource and outcome.",
		}, []string{"namespace", "source", "outcome"}),
		sweeps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_sweeps_total",
			Help: "Sweeps of a bucket that ended, by RecordingSource and outcome.",
		}, []string{"namespace", "source", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_sweep_duration_seconds",
			Help:    "Time from the beginning of a sweep to its end, by outcome.",
			Buckets: prometheus.ExponentialBuckets(.1, 4, 9),
		}, []string{"outcome"}),
	}
}

func (s sweepMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.objects, s.sweeps, s.duration}
}

func (s sweepMetrics) forget(namespace, source string) {
	labels := prometheus.Labels{"namespace": namespace, "source": source}
	s.objects.DeletePartialMatch(labels)
	s.sweeps.DeletePartialMatch(labels)
}

// SweepLooked counts objects that a sweep of a source looked at, by what became of them.
func (m *Metrics) SweepLooked(namespace, source, outcome string, objects int64) {
	m.sweep.objects.WithLabelValues(namespace, source, outcome).Add(float64(objects))
}

// SweepEnded counts one sweep of a source; took is the time since it began.
func (m *Metrics) SweepEnded(namespace, source string, succeeded bool, took time.Duration) {
	outcome := "failed"
	if succeeded {
		outcome = "succeeded"
	}
	m.sweep.sweeps.WithLabelValues(namespace, source, outcome).Inc()
	m.sweep.duration.WithLabelValues(outcome).Observe(took.Seconds())
}
