// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/json"
	"fmt"
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// manifestName is the file that says that a folder is complete, and with what. It is written last.
const manifestName = "manifest.json"

// manifestVersion is the manifest's format; a field may be added to it, none changed.
const manifestVersion = "recording.sparkrtc.dev/manifest.v1"

// maxManifestBytes bounds a manifest: 100 000 files with names of 1 KiB.
const maxManifestBytes = 128 << 20

// Manifest says what a folder holds. Without it, the folder is not complete.
type Manifest struct {
	// Version of the format: manifestVersion.
	Version string `json:"version"`
	// Recording is the RecordingFile whose output this is, and Step the pipeline's step.
	Recording ManifestRecording `json:"recording"`
	Step      string            `json:"step"`
	// CreatedBy is the worker's version.
	CreatedBy string `json:"createdBy"`
	// Files in the order in which they were published.
	Files []ProductFile `json:"files"`
	// Media is what is inside the first output; absent when it cannot be read.
	Media *v1alpha1.Media `json:"media,omitempty"`
	// Integrity says whether the recording is whole, with all findings.
	Integrity *Integrity `json:"integrity,omitempty"`
}

// ManifestRecording names a RecordingFile. UID tells it from another of the same name.
type ManifestRecording struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}

func newManifest(todo workerapi.Task, product Product, version string) Manifest {
	return Manifest{
		Version:   manifestVersion,
		Recording: ManifestRecording{Namespace: todo.Namespace, Name: todo.File, UID: todo.UID},
		Step:      todo.Step,
		CreatedBy: version,
		Files:     product.Files,
		Media:     product.Outputs[0].Media,
		Integrity: product.Integrity,
	}
}

// encode writes a manifest for people, too.
func (m Manifest) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the manifest: %w", err)
	}
	return append(data, '\n'), nil
}

// checkOwn says whether the manifest in the folder is of the same recording and step. A file that is called so but is
// no manifest belongs to somebody else.
func (m Manifest) checkOwn(found []byte, uri string) (Manifest, error) {
	var other Manifest
	if err := json.Unmarshal(found, &other); err != nil || other.Version == "" {
		return Manifest{}, failure.Permanent(workerapi.ReasonDestinationTaken, "%s is there and is no manifest of a recording", uri)
	}
	if other.Recording.UID != m.Recording.UID || other.Step != m.Step {
		return Manifest{}, failure.Permanent(workerapi.ReasonDestinationTaken,
			"the folder holds step %.40q of recording %.80q (uid %.40q), says %s; choose another path for this step's output",
			other.Step, other.Recording.Namespace+"/"+other.Recording.Name, other.Recording.UID, uri)
	}
	return other, nil
}

// sameFiles says whether two manifests list the same contents.
func (m Manifest) sameFiles(other Manifest) bool { return slices.Equal(m.Files, other.Files) }
