// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// discoveryMetrics are the collectors of discovery. Only the leader scans buckets.
type discoveryMetrics struct {
	objects  *prometheus.CounterVec
	scans    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newDiscoveryMetrics() discoveryMetrics {
	return discoveryMetrics{
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_discovery_objects_total",
			Help: "Playlists and MP4s that discovery looked at, by RecordingSource and outcome.",
		}, []string{"namespace", "source", "outcome"}),
		scans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_discovery_scans_total",
			Help: "Scans of a bucket that ended, by RecordingSource and outcome.",
		}, []string{"namespace", "source", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_discovery_scan_duration_seconds",
			Help:    "Time from the beginning of a scan to its end, by outcome.",
			Buckets: prometheus.ExponentialBuckets(.1, 4, 9),
		}, []string{"outcome"}),
	}
}

func (s discoveryMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.objects, s.scans, s.duration}
}

func (s discoveryMetrics) forget(namespace, source string) {
	labels := prometheus.Labels{"namespace": namespace, "source": source}
	s.objects.DeletePartialMatch(labels)
	s.scans.DeletePartialMatch(labels)
}

// DiscoveryLooked counts objects that a scan of a source looked at, by what became of them.
func (m *Metrics) DiscoveryLooked(namespace, source, outcome string, objects int64) {
	m.discovery.objects.WithLabelValues(namespace, source, outcome).Add(float64(objects))
}

// DiscoveryEnded counts one scan of a source; took is the time since it began.
func (m *Metrics) DiscoveryEnded(namespace, source string, succeeded bool, took time.Duration) {
	outcome := "failed"
	if succeeded {
		outcome = "succeeded"
	}
	m.discovery.scans.WithLabelValues(namespace, source, outcome).Inc()
	m.discovery.duration.WithLabelValues(outcome).Observe(took.Seconds())
}
