// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package thumbnails

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"path/filepath"

	"golang.org/x/image/webp"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// maxPixels bounds a picture that is decoded here: 8192x4096. No recording has more than 7680x4320.
const maxPixels = 1 << 25

// decoder reads pictures of one format.
type decoder struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// verify decodes a picture and compares its size with what was asked for. ffmpeg may have been taken over by a hostile
// recording: its file must be a regular one, and its size is known before it is decoded.
func verify(dir, name string, asked ffmpeg.Picture) (picture made, err error) {
	file, err := storage.OpenRegular(dir, name)
	if err != nil {
		return made{}, fmt.Errorf("read the picture back: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	use := decoder{config: jpeg.DecodeConfig, decode: jpeg.Decode}
	if asked.WebP {
		use = decoder{config: webp.DecodeConfig, decode: webp.Decode}
	}
	info, err := file.Stat()
	if err != nil {
		return made{}, fmt.Errorf("read the picture back: %w", err)
	}
	config, err := use.config(bufio.NewReader(file))
	if err != nil {
		return made{}, failure.Permanent(workerapi.ReasonResultDiffers, "the picture that was made cannot be read back: %w", err)
	}
	if err := checkSize(config.Width, config.Height, asked); err != nil {
		return made{}, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return made{}, fmt.Errorf("read the picture back: %w", err)
	}
	decoded, err := use.decode(bufio.NewReader(file))
	if err != nil {
		return made{}, failure.Permanent(workerapi.ReasonResultDiffers, "the picture that was made cannot be decoded: %w", err)
	}
	if got := decoded.Bounds().Size(); got.X != config.Width || got.Y != config.Height {
		return made{}, failure.Permanent(workerapi.ReasonResultDiffers, "the picture that was made says %dx%d and has %dx%d", config.Width, config.Height, got.X, got.Y)
	}
	return made{path: filepath.Join(dir, name), bytes: info.Size(), width: config.Width, height: config.Height}, nil
}

func checkSize(width, height int, asked ffmpeg.Picture) error {
	differs := width <= 0 || height <= 0 || width > maxPixels/height ||
		asked.MaxWidth > 0 && width > asked.MaxWidth || asked.MaxHeight > 0 && height > asked.MaxHeight ||
		asked.Width > 0 && (width != asked.Width || height != asked.Height)
	if differs {
		return failure.Permanent(workerapi.ReasonResultDiffers, "the picture that was made is %dx%d, which is not what was asked for (%dx%d, at most %dx%d; 0: any)",
			width, height, asked.Width, asked.Height, asked.MaxWidth, asked.MaxHeight)
	}
	return nil
}
