// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// notificationMetrics are the collectors of notifications. Only the leader sends them.
type notificationMetrics struct {
	outcomes *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newNotificationMetrics() notificationMetrics {
	return notificationMetrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_notifications_total",
			Help: "Events that were sent to a sink or given up, by RecordingSource and outcome. An event that is sent again counts each time.",
		}, []string{"namespace", "source", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_notification_duration_seconds",
			Help:    "Time from the beginning of a request to a sink to its response or failure, by outcome.",
			Buckets: prometheus.ExponentialBuckets(.01, 3, 7),
		}, []string{"outcome"}),
	}
}

func (s notificationMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.outcomes, s.duration}
}

func (s notificationMetrics) forget(namespace, source string) {
	s.outcomes.DeletePartialMatch(prometheus.Labels{"namespace": namespace, "source": source})
}

// Notified counts what became of events of a source; took is how long the request took, and 0 when there was none.
func (m *Metrics) Notified(namespace, source, outcome string, events int, took time.Duration) {
	m.notifications.outcomes.WithLabelValues(namespace, source, outcome).Add(float64(events))
	if took > 0 {
		m.notifications.duration.WithLabelValues(outcome).Observe(took.Seconds())
	}
}
