// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/fetch"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// sourceFolder takes what is fetched, under names of our own, until it has its names in the folders of the inputs.
const sourceFolder = ".source"

// handOver fetches every input into a folder of its own, and has the kind write what the image finds beside them. The
// folders that the image writes to are volumes of their own, mounted on the ones that are made here.
func (w *Worker) handOver(ctx context.Context, external step.External) error {
	if err := w.freshRecordingDir(); err != nil {
		return err
	}
	var documents []workerapi.InputDocument
	var integrity *step.Integrity
	for number := range w.Step.Inputs {
		document, found, err := w.handOverOne(ctx, number)
		if err != nil {
			return err
		}
		documents = append(documents, document)
		switch {
		case integrity == nil:
			integrity = found
		case found != nil:
			integrity.Merge(found)
		}
	}
	w.logIntegrity(integrity)
	if err := os.RemoveAll(filepath.Join(w.RecordingDir, sourceFolder)); err != nil {
		return fmt.Errorf("remove the names of our own: %w", err)
	}
	if err := external.Prepare(w.RecordingDir, documents); err != nil {
		return fmt.Errorf("prepare %s: %w", w.RecordingDir, err)
	}
	return w.save(integrityFile, integrity)
}

func (w *Worker) freshRecordingDir() error {
	dirs := []string{TempDir(w.WorkDir)}
	for _, name := range []string{sourceFolder, workerapi.InputDir, workerapi.ParamsDir, workerapi.OutputDir, workerapi.ResultsDir} {
		dirs = append(dirs, filepath.Join(w.RecordingDir, name))
	}
	return freshDirs(dirs...)
}

// handOverOne fetches one input. Media is read here, so that the step can say whether the recording is whole; the integrity
// of anything else is nil.
func (w *Worker) handOverOne(ctx context.Context, number int) (workerapi.InputDocument, *step.Integrity, error) {
	input := &w.Step.Inputs[number]
	folder := path.Join(workerapi.InputDir, fmt.Sprintf("%d-%s", number, input.Step))
	document := workerapi.InputDocument{Step: input.Step, Kind: input.Artifact.Kind, Language: input.Artifact.Language}
	source := filepath.Join(w.RecordingDir, sourceFolder, fmt.Sprint(number))
	if err := freshDirs(source); err != nil {
		return document, nil, err
	}
	options := w.fetchOptions(input, source, true)
	var integrity *step.Integrity
	originals := []recording.Original{{Name: recording.FileName(input.Ref()), File: "file"}}
	if input.Format == workerapi.FormatFile {
		if err := fetch.File(ctx, options, originals[0].File); err != nil {
			return document, nil, err
		}
	} else {
		fetched, indexes, err := fetch.Recording(ctx, options)
		if err != nil {
			return document, nil, err
		}
		originals, integrity = fetched.Originals, step.NewIntegrity()
		document.Media = integrity.Survey(&fetched, indexes, time.Duration(input.DurationSeconds)*time.Second)
		document.Integrity = integrity.State
	}
	for _, original := range originals {
		name := path.Join(folder, original.Name)
		if err := w.rename(filepath.Join(source, original.File), name); err != nil {
			return document, nil, err
		}
		document.Files = append(document.Files, name)
	}
	document.Path = document.Files[len(document.Files)-1] // what names others comes after them
	document.MediaType = storage.MediaType(document.Path)
	return document, integrity, nil
}

// rename gives a file that was fetched its name. It is a second name and not a move: playlists may name a file twice.
func (w *Worker) rename(from, name string) error {
	final := filepath.Join(w.RecordingDir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(final), 0o750); err != nil {
		return failure.Permanent(workerapi.ReasonUnsupported, "%.80q cannot be the name of a folder: %w", path.Dir(name), err)
	}
	if err := os.Link(from, final); err != nil {
		return failure.Permanent(workerapi.ReasonUnsupported, "%.80q cannot be the name of a file: %w", name, err)
	}
	return nil
}

// takeOver publishes what the image has left.
func (w *Worker) takeOver(ctx context.Context, external step.External) (workerapi.Result, error) {
	var integrity *step.Integrity
	if err := w.load(integrityFile, &integrity); err != nil {
		return workerapi.Result{}, err
	}
	product, results, err := external.Collect(w.RecordingDir)
	if err != nil {
		return workerapi.Result{Integrity: integrity.Status()}, err
	}
	product.Integrity = integrity
	if len(product.Files) == 0 {
		return workerapi.Result{Results: results, Integrity: integrity.Status()}, nil
	}
	published, err := w.publish(ctx, &product, filepath.Join(w.RecordingDir, workerapi.OutputDir))
	published.Results = results
	return published, err
}
