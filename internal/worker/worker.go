// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package worker is what runs in a step's pod: Fetch, Process and Publish, one in each container, which hand files and
// facts to each other through a shared folder.
//
// Work folder:
//
//	source/       what was fetched, under names of our own
//	source.json   what it is: the recording.Recording
//	source.index  the indexes of its files
//	render/       the one folder that ffmpeg may write to
//	output/       what is to be published, under its final names
//	output.json   what it is: the step.Product
//	tmp/          what is on its way
//
// An image of the tenant's has no part of the work folder. It has a folder of its own, RecordingDir, and between fetch and
// publish there is one more file:
//
//	inputs.json   what was handed over: the inputs' integrity
package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// MemoryLimit is what a worker's process keeps to, in bytes, by collecting garbage more often when a recording is long:
// the index of a day takes about 32 MiB. ffmpeg is a process of its own.
const MemoryLimit = 48 << 20

// Worker does one step's work.
type Worker struct {
	// Step says what to do.
	Step workerapi.StepSpec
	// WorkDir is the folder that the step's containers share.
	WorkDir string
	// RecordingDir is the folder that an image of the tenant's reads and writes.
	RecordingDir string
	// Source and Destination are where the containers' mounts are.
	Source, Destination storage.Paths
	// FFmpeg and Self are absolute paths of programs; Self is this one, which confines ffmpeg.
	FFmpeg, Self string
	// Patience is how long Fetch waits for what may be uploaded late: a playlist's end, or a segment. 0: not at all.
	Patience time.Duration
	// Wait waits for a while, or until ctx ends, whose cause it then returns.
	Wait func(ctx context.Context, pause time.Duration) error
	// Version of the worker, for the manifest.
	Version string
	// Now is the clock that progress is logged by.
	Now func() time.Time
	// Meter counts how far the container is; nil: nobody asks.
	Meter *progress.Meter
	// Log gets what happens.
	Log *slog.Logger
}

// Files in the work folder.
const (
	recordingFile = "source.json"
	indexFile     = "source.index"
	productFile   = "output.json"
	integrityFile = "inputs.json"
)

// CheckStep says why no container can do a step.
func CheckStep(spec *workerapi.StepSpec) error {
	external, err := externalOf(spec)
	if err == nil && external == nil {
		_, err = kindOf(spec)
	}
	switch {
	case err != nil:
		return err
	case spec.UID == "" || spec.Step == "":
		return invalidStep("uid and step must be set")
	case len(spec.Inputs) == 0 || len(spec.Inputs) > 1 && external == nil:
		return invalidStep("inputs: this worker reads exactly one")
	}
	for i := range spec.Inputs {
		if err := checkInput(i, &spec.Inputs[i], external != nil); err != nil {
			return err
		}
	}
	return nil
}

func invalidStep(format string, args ...any) error {
	return failure.Permanent(workerapi.ReasonInvalidStep, format, args...)
}

// checkInput says why an input cannot be read. files says that any file can.
func checkInput(number int, input *workerapi.Input, files bool) error {
	isFile := files && input.Format == workerapi.FormatFile
	switch {
	case input.Place < 0:
		return invalidStep("inputs[%d].place must not be negative", number)
	case input.MaxBytes <= 0:
		return invalidStep("inputs[%d].maxBytes must be positive", number)
	case input.Format != workerapi.FormatHLS && input.Format != workerapi.FormatMP4 && !isFile:
		return failure.Permanent(workerapi.ReasonUnsupported, "format %.20q cannot be processed, only HLS and MP4", input.Format)
	case input.Storage == nil && (input.URL == "" || isFile):
		return invalidStep("inputs[%d]: storage or url must be set", number)
	case input.Storage != nil && input.Artifact.Key == "":
		return invalidStep("inputs[%d].artifact.key must be set", number)
	}
	return nil
}

func (w *Worker) sourceDir() string { return filepath.Join(w.WorkDir, "source") }
func (w *Worker) renderDir() string { return filepath.Join(w.WorkDir, "render") }
func (w *Worker) outputDir() string { return filepath.Join(w.WorkDir, "output") }

// TempDir is the folder, in a work folder, for what is on its way.
func TempDir(workDir string) string { return filepath.Join(workDir, "tmp") }

// freshDirs empties folders, so that nothing of an earlier attempt is taken for this one's.
func freshDirs(dirs ...string) error {
	for _, dir := range dirs {
		err := os.RemoveAll(dir)
		if err == nil {
			err = os.MkdirAll(dir, 0o750)
		}
		if err != nil {
			return fmt.Errorf("prepare the work folder: %w", err)
		}
	}
	return nil
}

// save writes facts for the next container.
func (w *Worker) save(name string, facts any) error {
	data, err := json.Marshal(facts)
	if err == nil {
		err = os.WriteFile(filepath.Join(w.WorkDir, name), data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// load reads the facts of the container before.
func (w *Worker) load(name string, facts any) error {
	data, err := os.ReadFile(filepath.Join(w.WorkDir, name)) //nolint:gosec // the work folder
	if err == nil {
		err = json.Unmarshal(data, facts)
	}
	if err != nil {
		return fmt.Errorf("read %s, which the container before writes: %w", name, err)
	}
	return nil
}
