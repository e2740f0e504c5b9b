/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/media"
)

// Process makes what is to be published: an MP4, or the recording as it is.
func (w *Worker) Process(ctx context.Context) (task.Result, error) {
	if err := freshDirs(w.renderDir(), w.outputDir()); err != nil {
		return task.Result{}, err
	}
	var recording Recording
	if err := w.load(recordingFile, &recording); err != nil {
		return task.Result{}, err
	}
	tools := media.Tools{
		FFmpeg: w.FFmpeg, FFprobe: w.FFprobe, Worker: w.Self, Read: []string{w.sourceDir()}, Write: []string{w.renderDir()},
	}
	var product Product
	var err error
	if w.Task.Transcode != nil {
		product, err = w.transcode(ctx, tools, recording)
	} else {
		product, err = w.archive(ctx, tools, recording)
	}
	if err != nil {
		return task.Result{}, err
	}
	if err := product.measure(ctx, w.outputDir()); err != nil {
		return task.Result{}, err
	}
	return task.Result{}, w.save(productFile, product)
}

// transcode makes an MP4 and verifies it before it gets its final name.
func (w *Worker) transcode(ctx context.Context, tools media.Tools, recording Recording) (Product, error) {
	if recording.Unreadable != "" {
		return Product{}, failure.Permanent(task.ReasonNotMedia, "%s is no media of a kind that is known", recording.Unreadable)
	}
	verifier := w.newVerifier(tools, recording)
	if err := verifier.checkSource(ctx, w.Task.Source.DurationSeconds); err != nil {
		return Product{}, err
	}
	rendered := filepath.Join(w.renderDir(), "out.mp4")
	if err := tools.Transcode(ctx, verifier.input, *w.Task.Transcode, rendered, w.progress(verifier.length)); err != nil {
		return Product{}, toolFailure(ctx, task.ReasonTranscodeFailed, "the MP4 cannot be made", err)
	}
	result, err := verifier.checkResult(ctx, media.Input{Path: rendered}, w.Task.Transcode.Preset)
	if err != nil {
		return Product{}, err
	}
	name := mediaName(w.rootRef())
	if err := os.Rename(rendered, filepath.Join(w.outputDir(), name)); err != nil {
		return Product{}, fmt.Errorf("name the MP4: %w", err)
	}
	return Product{Files: []ProductFile{{Name: name}}, Media: result.Media()}, nil
}

// archive puts the original files under their final names. An archive keeps what there is: media that ffprobe cannot
// read, or that has gaps, is logged and kept all the same. That no file is missing, fetch has made sure.
func (w *Worker) archive(ctx context.Context, tools media.Tools, recording Recording) (Product, error) {
	product := Product{}
	for _, original := range recording.Originals {
		final := filepath.Join(w.outputDir(), filepath.FromSlash(original.Name))
		err := os.MkdirAll(filepath.Dir(final), 0o750)
		if err == nil {
			// A second name and not a copy: the work volume holds the recording once.
			err = os.Link(filepath.Join(w.sourceDir(), original.File), final)
		}
		if err != nil {
			return Product{}, fmt.Errorf("name %s: %w", original.Name, err)
		}
		product.Files = append(product.Files, ProductFile{Name: original.Name})
	}
	if recording.Unreadable != "" {
		w.Log.Warn("Archiving what is no media of a kind that is known", "file", recording.Unreadable)
		return product, nil
	}
	probe, err := w.newVerifier(tools, recording).survey(ctx)
	switch {
	case err != nil && stopped(ctx, err), errors.Is(err, media.ErrSandbox):
		return Product{}, err
	case err != nil:
		w.Log.Warn("Archiving what ffprobe cannot read", "error", err.Error())
		return product, nil
	}
	product.Media = probe.Media()
	return product, nil
}

// progressInterval is how often progress is logged at most.
const progressInterval = 10 * time.Second

// progress logs ffmpeg's progress, sparingly.
func (w *Worker) progress(total time.Duration) func(line []byte) {
	progress := &media.Progress{Total: total.Seconds()}
	var logged time.Time
	return func(line []byte) {
		if !progress.Line(line) {
			return
		}
		if now := w.Now(); progress.Percent() == 100 || now.Sub(logged) >= progressInterval {
			logged = now
			w.Log.Info("Transcoding", "percent", progress.Percent())
		}
	}
}

// toolFailure says what an error of ffmpeg or ffprobe means: what the tool cannot do is permanent, since the input is
// the same next time; a full disk or a missing sandbox is not the recording's fault.
func toolFailure(ctx context.Context, reason, what string, err error) error {
	switch {
	case stopped(ctx, err):
		return err
	case errors.Is(err, media.ErrSandbox):
		return fmt.Errorf("%s: %w", what, err)
	case strings.Contains(err.Error(), "No space left on device"):
		return failure.Transient(task.ReasonInternal, "the work volume is full: %s: %w", what, err)
	case strings.Contains(err.Error(), "exit code -1"):
		// Killed by a signal that was not ours: most often out of memory.
		return failure.Transient(reason, "%s: %w", what, err)
	}
	return failure.Permanent(reason, "%s: %w", what, err)
}
