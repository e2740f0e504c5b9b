// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// unknownUnit is the unit of a timestamp that is neither seconds nor milliseconds; it has no skew.
const unknownUnit = "Unknown"

// Callbacks are the receiver's metrics.
type Callbacks struct {
	callbacks     *prometheus.CounterVec
	latency       *prometheus.HistogramVec
	timestamps    *prometheus.CounterVec
	timestampSkew *prometheus.HistogramVec
}

// NewCallbacks registers the receiver's metrics.
func NewCallbacks(registry prometheus.Registerer) (*Callbacks, error) {
	c := &Callbacks{
		callbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_callbacks_total",
			Help: "Callbacks that were answered, by RecordingSource and outcome. The source is empty for a callback that names no existing source.",
		}, []string{"namespace", "source", "outcome"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_callback_duration_seconds",
			Help:    "Time from the request to its response, by outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"outcome"}),
		timestamps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_callback_timestamps_total",
			Help: "Timestamps of verified callbacks, by RecordingSource and detected unit. Known replays do not count.",
		}, []string{"namespace", "source", "unit"}),
		timestampSkew: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_callback_timestamp_skew_seconds",
			Help:    "Timestamps of verified callbacks minus the receiver's clock, by unit: negative for the past.",
			Buckets: []float64{-86400, -3600, -900, -300, -60, -10, -1, 0, 1, 10, 60, 300, 900, 3600, 43200, 86400},
		}, []string{"unit"}),
	}
	for _, collector := range []prometheus.Collector{c.callbacks, c.latency, c.timestamps, c.timestampSkew} {
		if err := registry.Register(collector); err != nil {
			return nil, fmt.Errorf("register the callback metrics: %w", err)
		}
	}
	return c, nil
}

// CallbackHandled counts a response. Namespace and source are those of an existing RecordingSource, or empty.
func (c *Callbacks) CallbackHandled(namespace, source, outcome string, took time.Duration) {
	c.callbacks.WithLabelValues(namespace, source, outcome).Inc()
	c.latency.WithLabelValues(outcome).Observe(took.Seconds())
}

// TimestampObserved counts the timestamp of a verified callback. The skew is negative for the past.
func (c *Callbacks) TimestampObserved(namespace, source, unit string, skew time.Duration) {
	c.timestamps.WithLabelValues(namespace, source, unit).Inc()
	if unit != unknownUnit {
		c.timestampSkew.WithLabelValues(unit).Observe(skew.Seconds())
	}
}

// SourceDeleted removes the series of a RecordingSource.
func (c *Callbacks) SourceDeleted(namespace, source string) {
	of := prometheus.Labels{"namespace": namespace, "source": source}
	c.callbacks.DeletePartialMatch(of)
	c.timestamps.DeletePartialMatch(of)
}
