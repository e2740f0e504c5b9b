// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"

	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/worker/publish"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Publish writes what Process made to its destination, or what an image of the tenant's has left.
func (w *Worker) Publish(ctx context.Context) (workerapi.Result, error) {
	external, err := externalOf(&w.Step)
	switch {
	case err != nil:
		return workerapi.Result{}, err
	case external != nil:
		return w.takeOver(ctx, external)
	}
	var product step.Product
	if err := w.load(productFile, &product); err != nil {
		return workerapi.Result{}, err
	}
	return w.publish(ctx, &product, w.outputDir())
}

// publish writes a product whose files are in dir.
func (w *Worker) publish(ctx context.Context, product *step.Product, dir string) (workerapi.Result, error) {
	if err := freshDirs(TempDir(w.WorkDir)); err != nil {
		return workerapi.Result{}, err
	}
	w.Meter.Expect(progress.Bytes, 2*product.Bytes(dir)) // each is written, and read back
	return publish.Product(progress.With(ctx, w.Meter), product, publish.Options{
		Step: &w.Step, Destination: w.Destination, OutputDir: dir, TempDir: TempDir(w.WorkDir), Version: w.Version, Log: w.Log,
	})
}
