// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	defaultRetries = 3
	defaultTimeout = 6 * time.Hour

	// The bounds of a timeout that is a multiple of the recording's duration. A short recording too needs its pods
	// scheduled and its images pulled.
	leastTimeout = 10 * time.Minute
	maxTimeout   = 168 * time.Hour
)

// settings are the step's own, and where it says nothing the pipeline's.
func (w *Work) settings() v1alpha1.StepSettings {
	settings := w.Step.StepSettings
	defaults := w.Defaults
	if defaults == nil {
		return settings
	}
	if settings.Retries == nil {
		settings.Retries = defaults.Retries
	}
	if settings.Timeout == nil && settings.TimeoutFactor == nil {
		settings.Timeout, settings.TimeoutFactor = defaults.Timeout, defaults.TimeoutFactor
	}
	if settings.Resources == nil {
		settings.Resources = defaults.Resources
	}
	if settings.NodeSelector == nil {
		settings.NodeSelector = defaults.NodeSelector
	}
	if settings.Tolerations == nil {
		settings.Tolerations = defaults.Tolerations
	}
	if settings.PriorityClassName == "" {
		settings.PriorityClassName = defaults.PriorityClassName
	}
	return settings
}

func (w *Work) retries() int32 {
	if retries := w.settings().Retries; retries != nil {
		return *retries
	}
	return defaultRetries
}

func (w *Work) timeout() time.Duration {
	settings := w.settings()
	switch {
	case settings.Timeout != nil:
		return settings.Timeout.Duration
	case settings.TimeoutFactor != nil && w.Facts.DurationSeconds > 0:
		duration := min(w.Facts.Duration(), maxTimeout) // so that the product does not overflow
		return min(max(time.Duration(*settings.TimeoutFactor)*duration, leastTimeout), maxTimeout)
	}
	return defaultTimeout
}
