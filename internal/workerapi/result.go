// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"bytes"
	"encoding/json"
	"fmt"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
)

// ManifestName is the file that says that a folder of the destination is complete, and with what. It is written last.
const ManifestName = "manifest.json"

// Result is what a container reports in the end.
type Result struct {
	// Manifest says where the list of everything that was published lies; only the publish container has it.
	Manifest *v1alpha1.ManifestReference `json:"manifest,omitempty"`
	// Outputs are the first artifacts that were published, at most v1alpha1.MaxOutputs; only the publish container has
	// any.
	Outputs []v1alpha1.Artifact `json:"outputs,omitempty"`
	// Object is the one that a step of kind trigger has created. Results are what was read from it, or what a container has
	// written; they have at most MaxResults bytes as JSON.
	Object  *v1alpha1.ObjectReference `json:"object,omitempty"`
	Results []v1alpha1.StepResult     `json:"results,omitempty"`
	// Failure says why the container failed; nil when it did not.
	Failure *Failure `json:"failure,omitempty"`
	// Integrity says whether the recording is whole, and what was found in it, for a step that failed as well as for one
	// that succeeded; nil when the recording was not read to its end. Of the containers that succeed only the last,
	// publish, is heard.
	Integrity *v1alpha1.Integrity `json:"integrity,omitempty"`
}

const (
	// MaxResults is the most that the results of a step may have together, in bytes of JSON.
	MaxResults = 2048
	// MaxResultValue is the most that one of them may have, in bytes.
	MaxResultValue = 1024
)

// Failure says why a step failed.
type Failure struct {
	// Reason is a CamelCase name, one of the Reason constants.
	Reason string `json:"reason"`
	// Message says what and where, for a person; it holds no secret and no query of a URL.
	Message string `json:"message"`
	// Permanent says that another attempt cannot succeed.
	Permanent bool `json:"permanent,omitempty"`
	// NothingToDo says that the step has nothing to do for this recording and is skipped, for example because it makes
	// pictures of what is sound alone. The container exits with ExitSkipped.
	NothingToDo bool `json:"nothingToDo,omitempty"`
}

// Encode writes the result as a termination message of at most MaxTerminationMessage bytes, in all cases. When it is too
// long, the last findings are left out (Integrity.More counts them) and the last outputs, since the manifest lists them
// all; then the failure's message is cut.
func (r Result) Encode() ([]byte, error) {
	said := ""
	if r.Failure != nil {
		failure := *r.Failure
		said, r.Failure = failure.Message, &failure
	}
	r.Integrity = boundIntegrity(r.Integrity)
	r.Outputs = r.Outputs[:min(len(r.Outputs), v1alpha1.MaxOutputs)]
	limit := MaxTerminationMessage / 4
	for {
		if r.Failure != nil {
			r.Failure.Message = bounded.Bytes(said, max(limit, len(bounded.Mark)))
		}
		message, err := encode(r)
		if err != nil {
			return nil, err
		}
		switch {
		case len(message) <= MaxTerminationMessage:
			return message, nil
		case r.leaveOutOne():
		case limit == 0:
			return nil, fmt.Errorf("encode result: %d bytes do not fit into a termination message of %d", len(message), MaxTerminationMessage)
		default:
			limit /= 2
		}
	}
}

// encode writes JSON. Keys of objects may hold what is escaped for HTML, six bytes for one.
func encode(r Result) ([]byte, error) {
	var message bytes.Buffer
	encoder := json.NewEncoder(&message)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return bytes.TrimSuffix(message.Bytes(), []byte{'\n'}), nil
}

// leaveOutOne leaves out the last finding, the last output or, after all of them, the manifest; false: nothing is left.
// The first findings and the first output are the last to go: the first damage is what a person wants to know, and the
// first output is the input of a step that follows.
func (r *Result) leaveOutOne() bool {
	for _, keep := range []struct{ findings, outputs int }{{4, v1alpha1.MaxOutputs}, {1, 1}, {0, 0}} {
		if r.Integrity != nil && len(r.Integrity.Findings) > keep.findings {
			r.Integrity = WithFindings(r.Integrity, len(r.Integrity.Findings)-1)
			return true
		}
		if len(r.Outputs) > keep.outputs {
			r.Outputs = r.Outputs[:len(r.Outputs)-1]
			return true
		}
	}
	left := r.Manifest != nil
	r.Manifest = nil
	return left
}

// DecodeResult reads a termination message. Users who may create pods can write one, so that it is cut to what the API
// server takes. Which StorageLocation an output lies in is left out: the step's output says it.
func DecodeResult(message string) (Result, error) {
	var result Result
	if len(message) > MaxTerminationMessage {
		return Result{}, fmt.Errorf("decode termination message: %d bytes, at most %d", len(message), MaxTerminationMessage)
	}
	if err := json.Unmarshal([]byte(message), &result); err != nil {
		return Result{}, fmt.Errorf("decode termination message: %w", err)
	}
	result.Failure = boundedFailure(result.Failure)
	result.Integrity = boundIntegrity(result.Integrity)
	result.Outputs = boundedOutputs(result.Outputs)
	result.Manifest = boundedManifest(result.Manifest)
	result.Results = boundedResults(result.Results)
	result.Object = boundedObject(result.Object)
	return result, nil
}
