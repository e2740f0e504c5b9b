// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package metrics holds the collectors of the receiver and of the controller manager. Every label is bounded: by the
// sources that exist and by the outcomes, reasons and step kinds that the code knows, never by a file.
package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
)

// Metrics are the controller manager's metrics.
type Metrics struct {
	files        *fileCounts
	steps        *prometheus.CounterVec
	stepDuration *prometheus.HistogramVec
	patches      *prometheus.CounterVec
	discovery    discoveryMetrics

	notifications notificationMetrics
}

// New registers the controller manager's metrics. The clock tells how old files are when they are scraped.
func New(registry prometheus.Registerer, now clock.PassiveClock) (*Metrics, error) {
	m := &Metrics{
		files: newFileCounts(now),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_steps_total",
			Help: "Steps that ended, by kind and outcome.",
		}, []string{"kind", "outcome"}),
		stepDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_step_duration_seconds",
			Help:    "Time from the creation of a step's Job to its end, by kind and outcome.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 16),
		}, []string{"kind", "outcome"}),
		patches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_file_status_patches_total",
			Help: "Statuses of RecordingFiles that were written: for the progress of running steps alone, or for more than that.",
		}, []string{"content"}),
	}
	m.discovery, m.notifications = newDiscoveryMetrics(), newNotificationMetrics()
	collectors := []prometheus.Collector{m.files, m.steps, m.stepDuration, m.patches}
	for _, collector := range slices.Concat(collectors, m.discovery.collectors(), m.notifications.collectors()) {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// SourceDeleted removes the series of a RecordingSource.
func (m *Metrics) SourceDeleted(namespace, source string) {
	m.discovery.forget(namespace, source)
	m.notifications.forget(namespace, source)
}

// StatusPatched counts a status of a RecordingFile that was written.
func (m *Metrics) StatusPatched(onlyProgress bool) {
	content := "state"
	if onlyProgress {
		content = "progress"
	}
	m.patches.WithLabelValues(content).Inc()
}

// StepEnded counts one step that ended; took is 0 when it never ran.
func (m *Metrics) StepEnded(kind, outcome string, took time.Duration) {
	m.steps.WithLabelValues(kind, outcome).Inc()
	if took > 0 {
		m.stepDuration.WithLabelValues(kind, outcome).Observe(took.Seconds())
	}
}
