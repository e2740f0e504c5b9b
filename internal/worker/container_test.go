// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// imageStep is a step of kind container.
func imageStep(t *testing.T, settings workerapi.ContainerSettings, object string, image func(dir string) error) *bench {
	t.Helper()
	b := newBench(t, nil, object)
	b.useImage(t, settings, image)
	return b
}

// useImage makes the step one of kind container.
func (b *bench) useImage(t *testing.T, settings workerapi.ContainerSettings, image func(dir string) error) {
	t.Helper()
	encoded, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	b.Step.Kind, b.Step.Settings, b.image = "container", encoded, image
}

// readJSON reads a document and checks it against its published schema.
func readJSON(t *testing.T, path, schema string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
	if err := conforms(t, schema, data); err != nil {
		t.Errorf("%s: %v\n%s", filepath.Base(path), err, data)
	}
}

// conforms checks a document against a schema in docs/reference/schemas.
func conforms(t *testing.T, schema string, document []byte) error {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiled, err := compiler.Compile(filepath.Join("..", "..", "docs", "reference", "schemas", schema))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonschema.UnmarshalJSON(strings.NewReader(string(document)))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(decoded)
}

// TestContainer_FindsWhatTheContractSays: the recording under its own names, the documents as their schemas have them, and
// params byte for byte.
func TestContainer_FindsWhatTheContractSays(t *testing.T) {
	const room = "}}'\"; rm -rf / # {{x}} $(HOME)\n语"
	settings := workerapi.ContainerSettings{
		Outputs: []v1alpha1.ContainerOutput{{Path: "captions.vtt", Kind: v1alpha1.ArtifactSubtitles, Language: "en"}},
		Results: []v1alpha1.ContainerResult{{Name: "language"}},
		Params:  []workerapi.ParamValue{{Name: "room", Value: room}},
		Recording: workerapi.RecordingDocument{Version: workerapi.RecordingDocumentVersion, Namespace: "school", Name: "math-0", UID: "uid-1", Step: "captions",
			Source: "classroom", Room: room, TaskIDs: []string{"task"}, Bucket: "calls", Key: "calls/index.m3u8", DurationSeconds: 6},
	}
	b := imageStep(t, settings, "calls/index.m3u8", func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "output", "captions.vtt"), []byte("WEBVTT\n"), 0o600),
			os.WriteFile(filepath.Join(dir, "results", "language"), []byte("en\n"), 0o600))
	})
	hlsRecording(t, filepath.Join(b.source, "calls"))
	result, failed, err := b.run(t)
	if err != nil {
		t.Fatalf("%s: %v", failed, err)
	}

	var recording workerapi.RecordingDocument
	readJSON(t, filepath.Join(b.RecordingDir, "recording.json"), "recording.v1.json", &recording)
	if diff := cmp.Diff(settings.Recording, recording); diff != "" {
		t.Errorf("recording.json (-want +got):\n%s", diff)
	}
	var inputs workerapi.InputsDocument
	readJSON(t, filepath.Join(b.RecordingDir, "inputs.json"), "inputs.v1.json", &inputs)
	input := inputs.Inputs[0]
	if len(inputs.Inputs) != 1 || input.Step != "recording" || input.Path != "input/0-recording/index.m3u8" || len(input.Files) != 4 ||
		input.MediaType != "application/vnd.apple.mpegurl" || input.Integrity != v1alpha1.IntegrityIntact || input.Media == nil || input.Media.Container != "hls" {
		t.Errorf("inputs.json: %+v", inputs)
	}
	found := files(t, b.RecordingDir)
	want := []string{"input/0-recording/index.m3u8", "input/0-recording/seg0.ts", "input/0-recording/seg1.ts", "input/0-recording/seg2.ts",
		"inputs.json", "output/captions.vtt", "params/room", "recording.json", "results/language"}
	if !slices.Equal(found, want) {
		t.Errorf("the image finds %q", found)
	}
	if data, err := os.ReadFile(filepath.Join(b.RecordingDir, "params", "room")); err != nil || string(data) != room {
		t.Errorf("params/room holds %q, %v", data, err)
	}
	if diff := cmp.Diff([]v1alpha1.StepResult{{Name: "language", Value: "en"}}, result.Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	output := result.Outputs[0]
	if output.Kind != v1alpha1.ArtifactSubtitles || output.Language != "en" || output.MediaType != "text/vtt" || output.Key != "room/stream/captions.vtt" {
		t.Errorf("%+v", output)
	}
}

// TestContainer_ReadsWhatAStepHasPublished, media or not, each in a folder of its own.
func TestContainer_ReadsWhatAStepHasPublished(t *testing.T) {
	settings := workerapi.ContainerSettings{Outputs: []v1alpha1.ContainerOutput{{Path: "burnt.mp4", Kind: v1alpha1.ArtifactVideo}}}
	b := imageStep(t, settings, "out/words.vtt", func(dir string) error {
		return os.Link(filepath.Join(dir, "input", "1-captions", "call.mp4"), filepath.Join(dir, "output", "burnt.mp4"))
	})
	hlsRecording(t, filepath.Join(b.source, "calls"))
	video := newBench(t, remux, "calls/index.m3u8")
	hlsRecording(t, filepath.Join(video.source, "calls"))
	made := video.mustRun(t)
	if err := errors.Join(os.MkdirAll(filepath.Join(b.source, "out"), 0o750), os.WriteFile(filepath.Join(b.source, "out", "words.vtt"), []byte("WEBVTT\n"), 0o600),
		os.Link(filepath.Join(video.destination, made.Key), filepath.Join(b.source, "out", "call.mp4"))); err != nil {
		t.Fatal(err)
	}
	words := b.Step.Inputs[0]
	words.Step, words.Format, words.Artifact.Kind, words.Artifact.Language = "captions", workerapi.FormatFile, v1alpha1.ArtifactSubtitles, "en"
	mp4 := words
	mp4.Format, mp4.Artifact = "MP4", v1alpha1.Artifact{Key: "out/call.mp4"}
	b.Step.Inputs = []workerapi.Input{words, mp4}
	result, failed, err := b.run(t)
	if err != nil {
		t.Fatalf("%s: %v", failed, err)
	}
	var inputs workerapi.InputsDocument
	readJSON(t, filepath.Join(b.RecordingDir, "inputs.json"), "inputs.v1.json", &inputs)
	want := []workerapi.InputDocument{
		{Step: "captions", Path: "input/0-captions/words.vtt", Files: []string{"input/0-captions/words.vtt"}, MediaType: "text/vtt", Kind: v1alpha1.ArtifactSubtitles, Language: "en"},
		{Step: "captions", Path: "input/1-captions/call.mp4", Files: []string{"input/1-captions/call.mp4"}, MediaType: "video/mp4", Media: made.Media, Integrity: v1alpha1.IntegrityIntact},
	}
	if diff := cmp.Diff(want, inputs.Inputs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if result.Integrity == nil || result.Integrity.State != v1alpha1.IntegrityIntact || result.Outputs[0].SHA256 != made.SHA256 {
		t.Errorf("%+v", result)
	}
}

// TestContainer_ReadsWhatSeveralStepsHavePublished, each in a StorageLocation of its own.
func TestContainer_ReadsWhatSeveralStepsHavePublished(t *testing.T) {
	settings := workerapi.ContainerSettings{Outputs: []v1alpha1.ContainerOutput{{Path: "all.txt", Kind: v1alpha1.ArtifactData}}}
	b := imageStep(t, settings, "out/a.txt", func(dir string) error {
		var all []byte
		for _, name := range []string{"0-words/a.txt", "1-more/a.txt", "2-words/b.txt"} {
			text, err := os.ReadFile(filepath.Join(dir, "input", name))
			if err != nil {
				return err
			}
			all = append(all, text...)
		}
		return os.WriteFile(filepath.Join(dir, "output", "all.txt"), all, 0o600)
	})
	input := func(step, key string, place int) workerapi.Input {
		made := b.Step.Inputs[0]
		made.Step, made.Format, made.Artifact, made.Place = step, workerapi.FormatFile, v1alpha1.Artifact{Key: key}, place
		return made
	}
	for folder, text := range map[string]string{b.source + "/out/a.txt": "one ", b.source + "-1/out/a.txt": "two ", b.source + "/out/b.txt": "three"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(folder), 0o750), os.WriteFile(folder, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	b.Step.Inputs = []workerapi.Input{input("words", "out/a.txt", 0), input("more", "out/a.txt", 1), input("words", "out/b.txt", 0)}
	if err := worker.CheckStep(&b.Step); err != nil {
		t.Fatal(err)
	}
	made := b.mustRun(t)
	if text, err := os.ReadFile(filepath.Join(b.destination, made.Key)); err != nil || string(text) != "one two three" {
		t.Errorf("published %q, %v", text, err)
	}
	b.Step.Inputs[1].Place = -1
	if err := worker.CheckStep(&b.Step); err == nil || !strings.Contains(err.Error(), "inputs[1].place") {
		t.Errorf("a place that cannot be: %v", err)
	}
}

// TestContainer_ReadsTheRecordingBesideAnOutput: the recording has its own names, and is read from where it lies.
func TestContainer_ReadsTheRecordingBesideAnOutput(t *testing.T) {
	settings := workerapi.ContainerSettings{Outputs: []v1alpha1.ContainerOutput{{Path: "a.vtt", Kind: v1alpha1.ArtifactSubtitles}}}
	b := imageStep(t, settings, "calls/index.m3u8", func(dir string) error {
		return os.Link(filepath.Join(dir, "input", "0-captions", "a.vtt"), filepath.Join(dir, "output", "a.vtt"))
	})
	hlsRecording(t, filepath.Join(b.source, "calls"))
	if err := errors.Join(os.MkdirAll(b.source+"-1", 0o750), os.WriteFile(b.source+"-1/a.vtt", []byte("WEBVTT\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	recording := b.Step.Inputs[0]
	words := recording
	words.Step, words.Format, words.Artifact, words.Place = "captions", workerapi.FormatFile, v1alpha1.Artifact{Key: "a.vtt"}, 1
	b.Step.Inputs = []workerapi.Input{words, recording}
	result, failed, err := b.run(t)
	if err != nil {
		t.Fatalf("%s: %v", failed, err)
	}
	var inputs workerapi.InputsDocument
	readJSON(t, filepath.Join(b.RecordingDir, "inputs.json"), "inputs.v1.json", &inputs)
	if len(inputs.Inputs) != 2 || inputs.Inputs[0].Path != "input/0-captions/a.vtt" ||
		inputs.Inputs[1].Step != v1alpha1.InputRecording || inputs.Inputs[1].Path != "input/1-recording/index.m3u8" || len(inputs.Inputs[1].Files) != 4 {
		t.Errorf("inputs.json: %+v", inputs)
	}
	if result.Integrity == nil || result.Integrity.State != v1alpha1.IntegrityIntact {
		t.Errorf("the recording was not surveyed: %+v", result.Integrity)
	}
}

// TestSchemas_RefuseOtherDocuments: a check that takes everything checks nothing.
func TestSchemas_RefuseOtherDocuments(t *testing.T) {
	for schema, document := range map[string]string{
		"recording.v1.json": `{"version": "recording.sparkrtc.dev/recording.v1", "namespace": "a", "name": "b", "uid": "c", "step": "d"}`,
		"inputs.v1.json":    `{"version": "recording.sparkrtc.dev/inputs.v1", "inputs": [{"step": "a", "path": "/etc/passwd", "files": ["/etc/passwd"], "mediaType": "text/plain"}]}`,
	} {
		if err := conforms(t, schema, []byte(document)); err == nil {
			t.Errorf("%s takes %s", schema, document)
		}
	}
}
