// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package step is what the kinds of steps have in common on the worker's side: what a kind is given, and what it makes.
package step

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Kind is one kind of step with the settings of one step.
type Kind interface {
	// KeepsOriginals says that the step publishes the recording's files as they are. They are fetched with their names,
	// and also where nothing can be read of them.
	KeepsOriginals() bool
	// Run makes what is to be published, and verifies it. The product's integrity counts for an error too.
	Run(ctx context.Context, run *Run) (Product, error)
}

// Run is one step's work.
type Run struct {
	// Spec says what to do. Its settings are the kind's already.
	Spec *workerapi.StepSpec
	// Recording is what was fetched, and Files are the indexes of its segments.
	Recording *recording.Recording
	Files     []*media.File
	// SourceDir holds what was fetched, RenderDir is the one folder that ffmpeg may write to, and OutputDir takes what is
	// to be published.
	SourceDir, RenderDir, OutputDir string
	// FFmpeg runs ffmpeg in a sandbox that has SourceDir and RenderDir.
	FFmpeg ffmpeg.Tool
	// Now is the clock that progress is logged by.
	Now func() time.Time
	// Meter counts what Run has done. Run says first how much there is to do.
	Meter *progress.Meter
	// Log gets what happens.
	Log *slog.Logger
}

// Decode reads a kind's settings, and sets the defaults of those that have some.
func Decode(settings json.RawMessage, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(settings))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return failure.Permanent(workerapi.ReasonInvalidStep, "settings: %w", err)
	}
	if settings, ok := into.(interface{ Default() }); ok {
		settings.Default()
	}
	return nil
}

// Reported is how long the recording is, as the callback says; 0: unknown.
func (r *Run) Reported() time.Duration {
	return time.Duration(r.Spec.Inputs[0].DurationSeconds) * time.Second
}

// Timeline is that of the recording's first list: only an archive has others.
func (r *Run) Timeline() *timeline.Timeline { return r.Recording.Timeline(0, r.Files, r.Reported()) }

// CheckLength refuses a recording whose clock goes on for longer than any recording does.
func CheckLength(t *timeline.Timeline) error {
	if t.Length <= timeline.MaxLength {
		return nil
	}
	return failure.Permanent(workerapi.ReasonTooLarge, "the recording's clock goes on for %s, which is longer than the %s that are allowed",
		recording.Round(timeline.Duration(t.Length)), recording.Round(timeline.Duration(timeline.MaxLength)))
}

// Stem is the final name, without an extension, of what is made of the recording.
func (r *Run) Stem() string { return recording.Stem(r.Spec.Inputs[0].Ref()) }

// RenderPath is a file in RenderDir.
func (r *Run) RenderPath(name string) string { return filepath.Join(r.RenderDir, name) }

// OutputPath is a file in OutputDir; its name has slashes.
func (r *Run) OutputPath(name string) string {
	return filepath.Join(r.OutputDir, filepath.FromSlash(name))
}

// KnowsSizes says that the indexes have every picture's size: that of a transport stream has all parameter sets. An MP4
// may hold other ones than its header says.
func KnowsSizes(files []*media.File) bool {
	return !slices.ContainsFunc(files, func(f *media.File) bool { return f != nil && f.Container != media.MPEGTS })
}
