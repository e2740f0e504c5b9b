// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"path/filepath"

	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Process makes what is to be published, as the step's kind does.
func (w *Worker) Process(ctx context.Context) (workerapi.Result, error) {
	if err := freshDirs(w.renderDir(), w.outputDir()); err != nil {
		return workerapi.Result{}, err
	}
	kind, err := kindOf(&w.Step)
	if err != nil {
		return workerapi.Result{}, err
	}
	var fetched recording.Recording
	if err := w.load(recordingFile, &fetched); err != nil {
		return workerapi.Result{}, err
	}
	files, err := index.Load(filepath.Join(w.WorkDir, indexFile))
	if err != nil {
		return workerapi.Result{}, err
	}
	product, err := kind.Run(ctx, &step.Run{
		Spec: &w.Step, Recording: &fetched, Files: files,
		SourceDir: w.sourceDir(), RenderDir: w.renderDir(), OutputDir: w.outputDir(),
		FFmpeg: ffmpeg.Tool{Program: w.FFmpeg, Worker: w.Self, Read: []string{w.sourceDir()}, Write: []string{w.renderDir()},
			RequireLandlock: w.Step.RequireLandlock, Log: w.Log},
		Now: w.Now, Meter: w.Meter, Log: w.Log,
	})
	w.logIntegrity(product.Integrity)
	if err != nil {
		return workerapi.Result{Integrity: product.Integrity.Status()}, err
	}
	return workerapi.Result{}, w.save(productFile, product)
}

// logIntegrity logs every finding; the status has room for a few. nil: nothing was judged.
func (w *Worker) logIntegrity(integrity *step.Integrity) {
	if integrity == nil {
		return
	}
	for _, finding := range integrity.Findings {
		w.Log.Info("Finding", "type", finding.Type, "message", finding.Message)
	}
	w.Log.Info("Checked recording", "integrity", integrity.State, "checked", integrity.Checked,
		"videoPackets", integrity.Packets.Video, "audioPackets", integrity.Packets.Audio, "findings", len(integrity.Findings))
}
