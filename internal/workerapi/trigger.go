// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"slices"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// What the API server takes of results and of a reference.
const (
	maxResults     = 8
	maxResultName  = 32
	maxResultValue = 1024
	maxAPIVersion  = 317
	maxName        = 63
)

// boundedResults are the results that the API server takes: the first of each name.
func boundedResults(results []v1alpha1.StepResult) []v1alpha1.StepResult {
	var taken []v1alpha1.StepResult
	for _, result := range results {
		fits := len(result.Name) > 0 && len(result.Name) <= maxResultName && len(result.Value) <= maxResultValue && utf8.ValidString(result.Value)
		known := slices.ContainsFunc(taken, func(other v1alpha1.StepResult) bool { return other.Name == result.Name })
		if fits && !known && len(taken) < maxResults {
			taken = append(taken, result)
		}
	}
	return taken
}

// boundedObject is the reference when the API server takes it, and otherwise none.
func boundedObject(object *v1alpha1.ObjectReference) *v1alpha1.ObjectReference {
	if object == nil || len(object.APIVersion) > maxAPIVersion || len(object.Kind) > maxName || len(object.Name) > maxName {
		return nil
	}
	return object
}
