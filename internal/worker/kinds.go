// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/json"
	"maps"
	"slices"

	"sparkrtc.dev/recording-operator/internal/worker/archive"
	"sparkrtc.dev/recording-operator/internal/worker/container"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/thumbnails"
	"sparkrtc.dev/recording-operator/internal/worker/transcode"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// kinds are the kinds of steps that this worker can do, by their names, with what reads their settings.
var kinds = map[string]func(settings json.RawMessage) (step.Kind, error){
	"archive":    archive.New,
	"thumbnails": thumbnails.New,
	"transcode":  transcode.New,
}

// external are those whose result an image of the tenant's makes.
var external = map[string]func(settings json.RawMessage) (step.External, error){
	"container": container.New,
}

// Kinds are the names of the kinds of steps that this worker can do, sorted. Kind trigger has a program of its own.
func Kinds() []string {
	names := slices.Concat(slices.Collect(maps.Keys(kinds)), slices.Collect(maps.Keys(external)))
	slices.Sort(names)
	return names
}

// kindOf is the step's kind with its settings.
func kindOf(spec *workerapi.StepSpec) (step.Kind, error) {
	read, ok := kinds[spec.Kind]
	if !ok {
		return nil, failure.Permanent(workerapi.ReasonInvalidStep,
			"this worker has no step kind %.40q; the operator and the worker image must be of the same version", spec.Kind)
	}
	return read(spec.Settings)
}

// externalOf is the step's kind with its settings when an image of the tenant's makes the result; nil: the worker does.
func externalOf(spec *workerapi.StepSpec) (step.External, error) {
	read, ok := external[spec.Kind]
	if !ok {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	return read(spec.Settings)
}
