// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"encoding/json"
	"fmt"
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

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
	// Kind of the step.
	Kind string `json:"kind"`
	// CreatedBy is the worker's version.
	CreatedBy string `json:"createdBy"`
	// Outputs are the artifacts that were published. Their names are relative to the manifest's folder.
	Outputs []v1alpha1.Artifact `json:"outputs"`
	// Files that the artifacts are made of, in the order in which they were published.
	Files []step.File `json:"files"`
	// Integrity says whether the recording is whole, with all findings.
	Integrity *step.Integrity `json:"integrity,omitempty"`
}

// ManifestRecording names a RecordingFile. UID tells it from another of the same name.
type ManifestRecording struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}

func newManifest(spec *workerapi.StepSpec, product *step.Product, version string) Manifest {
	return Manifest{
		Version:   manifestVersion,
		Recording: ManifestRecording{Namespace: spec.Namespace, Name: spec.File, UID: spec.UID},
		Step:      spec.Step,
		Kind:      spec.Kind,
		CreatedBy: version,
		Outputs: product.Artifacts(func(name string) v1alpha1.Artifact {
			return v1alpha1.Artifact{Name: name, MediaType: storage.MediaType(name)}
		}),
		Files:     product.Files,
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
