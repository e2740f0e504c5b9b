// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package metrics holds the operator's collectors. Every label is bounded: by the sources that exist, by the outcomes,
// reasons and kinds of step that the code knows; never by a file.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the operator's collectors.
type Metrics struct {
	callbacks       *prometheus.CounterVec
	callbackLatency *prometheus.HistogramVec
	timestamps      *prometheus.CounterVec
	timestampSkew   *prometheus.HistogramVec
	files           *prometheus.GaugeVec
	steps           *prometheus.CounterVec
	stepDuration    *prometheus.HistogramVec
	sweep           sweepMetrics
}

// New makes the collectors and registers them.
func New(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		callbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_callbacks_total",
			Help: "Callbacks that were answered, by RecordingSource and outcome. The source of a callback that names none is empty.",
		}, []string{"namespace", "source", "outcome"}),
		callbackLatency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_callback_duration_seconds",
			Help:    "Time from a callback's first byte to its answer, by outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"outcome"}),
		timestamps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_callback_timestamps_total",
			Help: "Timestamps of verified callbacks, by RecordingSource and by what their unit seems to be. Known replays do not count.",
		}, []string{"namespace", "source", "unit"}),
		timestampSkew: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_callback_timestamp_skew_seconds",
			Help:    "Timestamps of verified callbacks minus the operator's clock, by unit: below zero for the past.",
			Buckets: []float64{-86400, -3600, -900, -300, -60, -10, -1, 0, 1, 10, 60, 300, 900, 3600, 43200, 86400},
		}, []string{"unit"}),
		files: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "recording_files",
			Help: "RecordingFiles that exist, by the reason of their Ready condition.",
		}, []string{"reason"}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recording_steps_total",
			Help: "Steps that ended, by kind and outcome.",
		}, []string{"kind", "outcome"}),
		stepDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "recording_step_duration_seconds",
			Help:    "Time from the creation of a step's Job to its end, by kind and outcome.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 16),
		}, []string{"kind", "outcome"}),
	}
	m.sweep = newSweepMetrics()
	collectors := []prometheus.Collector{m.callbacks, m.callbackLatency, m.timestamps, m.timestampSkew, m.files, m.steps, m.stepDuration}
	for _, collector := range append(collectors, m.sweep.collectors()...) {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// CallbackHandled counts one answer. Namespace and source are those of an existing RecordingSource, or empty.
func (m *Metrics) CallbackHandled(namespace, source, outcome string, took time.Duration) {
	m.callbacks.WithLabelValues(namespace, source, outcome).Inc()
	m.callbackLatency.WithLabelValues(outcome).Observe(took.Seconds())
}

// unknownUnit is that of a timestamp whose skew means nothing.
const unknownUnit = "Unknown"

// TimestampObserved counts one timestamp of a verified callback. Unit is Seconds, Milliseconds or Unknown.
func (m *Metrics) TimestampObserved(namespace, source, unit string, skew time.Duration) {
	m.timestamps.WithLabelValues(namespace, source, unit).Inc()
	if unit != unknownUnit {
		m.timestampSkew.WithLabelValues(unit).Observe(skew.Seconds())
	}
}

// SourceGone forgets the series of a source that was deleted.
func (m *Metrics) SourceGone(namespace, source string) {
	of := prometheus.Labels{"namespace": namespace, "source": source}
	m.callbacks.DeletePartialMatch(of)
	m.timestamps.DeletePartialMatch(of)
	m.sweep.forget(namespace, source)
}

// FileMoved counts a file from one reason to another; an empty reason is none.
func (m *Metrics) FileMoved(from, to string) {
	if from == to {
		return
	}
	if from != "" {
		m.files.WithLabelValues(from).Dec()
	}
	if to != "" {
		m.files.WithLabelValues(to).Inc()
	}
}

// StepEnded counts one step that ended; took is 0 when it never ran.
func (m *Metrics) StepEnded(kind, outcome string, took time.Duration) {
	m.steps.WithLabelValues(kind, outcome).Inc()
	if took > 0 {
		m.stepDuration.WithLabelValues(kind, outcome).Observe(took.Seconds())
	}
}
