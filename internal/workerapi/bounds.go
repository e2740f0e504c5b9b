// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"slices"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// What the API server takes of results, of a reference and of an artifact.
const (
	maxResults    = 8
	maxResultName = 32
	maxAPIVersion = 317
	maxName       = 63
	maxLanguage   = 35
)

// boundedResults are the results that the API server takes: the first of each name.
func boundedResults(results []v1alpha1.StepResult) []v1alpha1.StepResult {
	var taken []v1alpha1.StepResult
	for _, result := range results {
		fits := len(result.Name) > 0 && len(result.Name) <= maxResultName && len(result.Value) <= MaxResultValue && utf8.ValidString(result.Value)
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

// declared drops a kind or a language that the API server does not take.
func declared(artifact *v1alpha1.Artifact) {
	switch artifact.Kind {
	case v1alpha1.ArtifactVideo, v1alpha1.ArtifactAudio, v1alpha1.ArtifactImage, v1alpha1.ArtifactSubtitles, v1alpha1.ArtifactData:
	default:
		artifact.Kind = ""
	}
	if utf8.RuneCountInString(artifact.Language) > maxLanguage {
		artifact.Language = ""
	}
}
