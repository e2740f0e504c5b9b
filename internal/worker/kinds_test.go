// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// sampleSettings are the settings of a kind's step in config/samples.
func sampleSettings(t *testing.T, kind string) json.RawMessage {
	t.Helper()
	paths, err := filepath.Glob("../../config/samples/recordingpipeline_*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var sample struct {
			Spec struct {
				Steps []map[string]json.RawMessage `json:"steps"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal(data, &sample); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, step := range sample.Spec.Steps {
			settings, ok := step[kind]
			if ok && kind == "container" {
				return containerSettings(t, settings)
			}
			if ok {
				return settings
			}
		}
	}
	t.Fatalf("no pipeline in config/samples has a step of kind %s", kind)
	return nil
}

// containerSettings are what the worker gets of a step of kind container.
func containerSettings(t *testing.T, step json.RawMessage) json.RawMessage {
	t.Helper()
	var container v1alpha1.Container
	if err := json.Unmarshal(step, &container); err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(workerapi.ContainerSettings{Outputs: container.Outputs, Results: container.Results})
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// TestKinds_Conform runs every registered kind: what it makes is whole, listed, and the same the second time.
func TestKinds_Conform(t *testing.T) {
	for _, kind := range worker.Kinds() {
		t.Run(kind, func(t *testing.T) {
			settings := sampleSettings(t, kind)
			t.Run("publishes what its manifest lists", func(t *testing.T) { publishesWhole(t, kind, settings) })
			t.Run("publishes nothing of what is not media", func(t *testing.T) { publishesNothing(t, kind, settings) })
		})
	}
}

func newKind(t *testing.T, kind string, settings json.RawMessage, object string) *bench {
	t.Helper()
	b := newBench(t, nil, object)
	b.Step.Kind, b.Step.Settings = kind, settings
	if kind == "container" {
		b.image = func(dir string) error {
			return errors.Join(
				os.WriteFile(filepath.Join(dir, "output", "captions.vtt"), []byte("WEBVTT\n"), 0o600),
				os.WriteFile(filepath.Join(dir, "results", "language"), []byte("en\n"), 0o600))
		}
	}
	return b
}

func publishesWhole(t *testing.T, kind string, settings json.RawMessage) {
	t.Helper()
	b := newKind(t, kind, settings, "calls/index.m3u8")
	hlsRecording(t, filepath.Join(b.source, "calls"))
	result, failed, err := b.run(t)
	if err != nil {
		t.Fatalf("%s: %v", failed, err)
	}
	folder := filepath.Join(b.destination, "room", "stream")
	manifest := readManifest(t, filepath.Join(folder, "manifest.json"))
	if result.Integrity == nil || result.Integrity.State != v1alpha1.IntegrityIntact {
		t.Errorf("integrity %+v", result.Integrity)
	}
	if manifest.Kind != kind || len(manifest.Outputs) == 0 || int(result.Manifest.Outputs) != len(manifest.Outputs) || int(result.Manifest.Files) != len(manifest.Files) {
		t.Errorf("%+v, manifest %+v", result.Manifest, manifest)
	}
	listed := int32(0)
	for i, output := range manifest.Outputs {
		listed += output.Files
		if output.MediaType == "" || output.MediaType == "application/octet-stream" || output.SHA256 == "" {
			t.Errorf("output %+v", output)
		}
		if output.Media == nil && output.Kind == "" && holdsMedia(output.MediaType) {
			t.Errorf("output %+v says nothing of what is in it", output)
		}
		if got := result.Outputs[i]; got.Name != output.Name || got.SHA256 != output.SHA256 || got.Key == "" || got.URI != "pvc://archive/"+got.Key {
			t.Errorf("the result has %+v, the manifest %+v", got, output)
		}
	}
	// The manifest itself is the one file that it does not list.
	if found := files(t, folder); int(listed) != len(manifest.Files) || len(found) != len(manifest.Files)+1 {
		t.Errorf("%d files in outputs, %d in the manifest, published %v", listed, len(manifest.Files), found)
	}
	again, failed, err := b.run(t)
	if err != nil {
		t.Fatalf("again: %s: %v", failed, err)
	}
	if diff := cmp.Diff(result, again); diff != "" {
		t.Errorf("the second time it makes something else (-first +second):\n%s", diff)
	}
	message, err := result.Encode()
	if err != nil || len(message) > workerapi.MaxTerminationMessage {
		t.Errorf("a termination message of %d bytes, %v", len(message), err)
	}
}

// holdsMedia says that an output of a media type has streams or pixels that its manifest describes. Playlists do not.
func holdsMedia(mediaType string) bool {
	class, _, _ := strings.Cut(mediaType, "/")
	return class == "video" || class == "audio" || class == "image"
}

func publishesNothing(t *testing.T, kind string, settings json.RawMessage) {
	t.Helper()
	b := newKind(t, kind, settings, "calls/index.m3u8")
	dir := filepath.Join(b.source, "calls")
	hlsRecording(t, dir)
	for _, name := range []string{"seg0.ts", "seg1.ts", "seg2.ts"} {
		edit(t, filepath.Join(dir, name), func(data []byte) []byte { return make([]byte, len(data)) })
	}
	_, _, err := b.run(t)
	manifest := filepath.Join(b.destination, "room", "stream", "manifest.json")
	if err == nil {
		// A kind that keeps what there is says so.
		if found := readManifest(t, manifest); found.Integrity.State == v1alpha1.IntegrityIntact {
			t.Errorf("zeros are published as %+v", found)
		}
		return
	}
	if !failure.Of(err).Permanent {
		t.Errorf("another attempt cannot succeed: %v", err)
	}
	if _, err := os.Stat(manifest); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a manifest was published: %v", err)
	}
}
