// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"path/filepath"

	"sparkrtc.dev/recording-operator/internal/worker/fetch"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Fetch reads the recording into the work folder, or hands it over to an image of the tenant's.
func (w *Worker) Fetch(ctx context.Context) (workerapi.Result, error) {
	external, err := externalOf(&w.Step)
	if err != nil {
		return workerapi.Result{}, err
	}
	w.Meter.Expect(progress.Bytes, w.reportedBytes())
	ctx = progress.With(ctx, w.Meter)
	if external != nil {
		return workerapi.Result{}, w.handOver(ctx, external)
	}
	if err := freshDirs(w.sourceDir(), w.renderDir(), w.outputDir(), TempDir(w.WorkDir)); err != nil {
		return workerapi.Result{}, err
	}
	kind, err := kindOf(&w.Step)
	if err != nil {
		return workerapi.Result{}, err
	}
	fetched, indexes, err := fetch.Recording(ctx, w.fetchOptions(&w.Step.Inputs[0], w.sourceDir(), kind.KeepsOriginals()))
	if err != nil {
		return workerapi.Result{}, err
	}
	if err := index.Save(filepath.Join(w.WorkDir, indexFile), indexes); err != nil {
		return workerapi.Result{}, err
	}
	return workerapi.Result{}, w.save(recordingFile, fetched)
}

// fetchOptions say how an input is read into a folder.
func (w *Worker) fetchOptions(input *workerapi.Input, dir string, keepOriginals bool) fetch.Options {
	return fetch.Options{
		Input: input, DeniedNetworks: w.Step.DeniedNetworks, HLS: input.Format == workerapi.FormatHLS, Source: w.Source.At(input.Place), Dir: dir,
		KeepOriginals: keepOriginals, Patience: w.Patience, Wait: w.Wait, Log: w.Log,
	}
}

// reportedBytes is how large all inputs are together; 0: it is not known of each.
func (w *Worker) reportedBytes() int64 {
	var bytes int64
	for i := range w.Step.Inputs {
		size := w.Step.Inputs[i].Artifact.SizeBytes
		if size <= 0 {
			return 0
		}
		bytes += size
	}
	return bytes
}
