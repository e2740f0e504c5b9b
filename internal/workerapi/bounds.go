// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
)

// What the API server takes of results, of a reference and of an artifact.
const (
	maxResults    = 8
	maxResultName = 32
	maxAPIVersion = 317
	maxName       = 63
	maxLanguage   = 35
	// maxReason is longer than every reason.
	maxReason = 48
	// maxMediaType is longer than the types of what steps publish, and than the names of containers and codecs.
	maxMediaType = 127
	// maxDigest is a SHA-256 in hexadecimal digits.
	maxDigest = 64
)

// isPlain says that a text has at most so many bytes and nothing that a terminal would act on.
func isPlain(text string, limit int) bool {
	return len(text) <= limit && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// boundedFailure is the failure with a reason that is a name, and a message on one line. A status cuts it.
func boundedFailure(failure *Failure) *Failure {
	if failure == nil {
		return nil
	}
	result := *failure
	if !isName(result.Reason, maxReason) {
		result.Reason = ReasonInternal
	}
	result.Message = bounded.Printable(result.Message)
	return &result
}

// boundedOutputs are the outputs that the API server takes and that say what they are in plain texts.
func boundedOutputs(outputs []v1alpha1.Artifact) []v1alpha1.Artifact {
	outputs = slices.DeleteFunc(outputs, func(output v1alpha1.Artifact) bool {
		for _, text := range []string{output.Name, output.URI, output.Bucket, output.Key} {
			if !isPlain(text, MaxTerminationMessage) {
				return true
			}
		}
		return false
	})
	outputs = outputs[:min(len(outputs), v1alpha1.MaxOutputs)]
	for i := range outputs {
		output := &outputs[i]
		output.StorageRef = v1alpha1.LocalReference{}
		declared(output)
		described := []*string{&output.MediaType}
		if media := output.Media; media != nil {
			described = append(described, &media.Container, &media.VideoCodec, &media.AudioCodec)
		}
		for _, text := range described {
			if !isPlain(*text, maxMediaType) {
				*text = ""
			}
		}
		if !isPlain(output.SHA256, maxDigest) {
			output.SHA256 = ""
		}
	}
	return outputs
}

// boundedManifest is the manifest if it says in plain text where it lies, and otherwise none.
func boundedManifest(manifest *v1alpha1.ManifestReference) *v1alpha1.ManifestReference {
	if manifest == nil || !isPlain(manifest.URI, MaxTerminationMessage) {
		return nil
	}
	if !isPlain(manifest.SHA256, maxDigest) {
		manifest.SHA256 = ""
	}
	return manifest
}

// boundedResults are the results that the API server takes: the first of each name, and as many as fit together. What a
// terminal would act on is a blank in them.
func boundedResults(results []v1alpha1.StepResult) []v1alpha1.StepResult {
	var taken []v1alpha1.StepResult
	for _, result := range results {
		fits := result.Name != "" && isPlain(result.Name, maxResultName) && len(result.Value) <= MaxResultValue && utf8.ValidString(result.Value)
		known := slices.ContainsFunc(taken, func(other v1alpha1.StepResult) bool { return other.Name == result.Name })
		result.Value = bounded.Printable(result.Value)
		if fits && !known && len(taken) < maxResults && fitTogether(append(slices.Clip(taken), result)) {
			taken = append(taken, result)
		}
	}
	return taken
}

func fitTogether(results []v1alpha1.StepResult) bool {
	encoded, err := json.Marshal(results)
	return err == nil && len(encoded) <= MaxResults
}

// boundedObject is the reference when the API server takes it, and otherwise none.
func boundedObject(object *v1alpha1.ObjectReference) *v1alpha1.ObjectReference {
	if object == nil || !isPlain(object.APIVersion, maxAPIVersion) || !isPlain(object.Kind, maxName) || !isPlain(object.Name, maxName) {
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
	if !isPlain(artifact.Language, maxLanguage) {
		artifact.Language = ""
	}
}
