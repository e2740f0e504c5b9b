// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Remux writes an MP4 of the inputs.
func Remux(ctx context.Context, path string, inputs ...remux.Input) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return fmt.Errorf("make the MP4: %w", err)
	}
	_, err = remux.Write(ctx, file, inputs...)
	if err = errors.Join(err, file.Close()); errors.Is(err, remux.ErrUnsupported) {
		return failure.Permanent(workerapi.ReasonUnsupported, "the recording's %w", err)
	}
	if err != nil {
		return fmt.Errorf("make the MP4: %w", err)
	}
	return nil
}

// OpenMP4 opens an MP4 that was made here; the function closes it. ffmpeg may have been taken over by a hostile recording: what stands under
// the name must be a regular file.
func OpenMP4(path string) (*mp4.Movie, func(), error) {
	file, err := storage.OpenRegular(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return nil, nil, fmt.Errorf("read the MP4 back: %w", err)
	}
	info, err := file.Stat()
	var movie *mp4.Movie
	if err == nil {
		movie, err = mp4.Open(file, info.Size())
	}
	if err != nil {
		return nil, nil, errors.Join(failure.Permanent(workerapi.ReasonResultDiffers, "the MP4 that was made cannot be read back: %w", err), file.Close())
	}
	return movie, func() { _ = file.Close() }, nil
}
