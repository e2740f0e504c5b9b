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
	switch {
	case err != nil:
		return workerapi.Result{}, err
	case external != nil:
		return workerapi.Result{}, w.handOver(ctx, external)
	}
	if err := freshDirs(w.sourceDir(), w.renderDir(), w.outputDir(), TempDir(w.WorkDir)); err != nil {
		return workerapi.Result{}, err
	}
	kind, err := kindOf(&w.Step)
	if err != nil {
		return workerapi.Result{}, err
	}
	input := &w.Step.Inputs[0]
	w.Meter.Expect(progress.Bytes, input.Artifact.SizeBytes)
	ctx = progress.With(ctx, w.Meter)
	fetched, indexes, err := fetch.Recording(ctx, fetch.Options{
		Input: input, DeniedNetworks: w.Step.DeniedNetworks, HLS: input.Format == workerapi.FormatHLS, Source: w.Source, Dir: w.sourceDir(), KeepOriginals: kind.KeepsOriginals(),
		Patience: w.Patience, Wait: w.Wait, Log: w.Log,
	})
	if err != nil {
		return workerapi.Result{}, err
	}
	if err := index.Save(filepath.Join(w.WorkDir, indexFile), indexes); err != nil {
		return workerapi.Result{}, err
	}
	return workerapi.Result{}, w.save(recordingFile, fetched)
}
