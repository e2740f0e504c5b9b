// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package thumbnails

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := jpeg.Encode(&data, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// TestVerify_RefusesWhatWasNotAskedFor: ffmpeg may have been taken over by the recording that it decodes.
func TestVerify_RefusesWhatWasNotAskedFor(t *testing.T) {
	whole := picture(t, 160, 90)
	for name, test := range map[string]struct {
		data   []byte
		asked  ffmpeg.Picture
		reason string
	}{
		"as asked":         {data: whole, asked: ffmpeg.Picture{Width: 160, Height: 90}},
		"within bounds":    {data: whole, asked: ffmpeg.Picture{MaxWidth: 160, MaxHeight: 90}},
		"another width":    {data: whole, asked: ffmpeg.Picture{Width: 158, Height: 90}, reason: workerapi.ReasonResultDiffers},
		"another height":   {data: whole, asked: ffmpeg.Picture{Width: 160, Height: 88}, reason: workerapi.ReasonResultDiffers},
		"wider than asked": {data: whole, asked: ffmpeg.Picture{MaxWidth: 158}, reason: workerapi.ReasonResultDiffers},
		"higher":           {data: whole, asked: ffmpeg.Picture{MaxHeight: 88}, reason: workerapi.ReasonResultDiffers},
		"too many pixels":  {data: bytes.Replace(whole, []byte{0, 90, 0, 160}, []byte{0xff, 0xff, 0xff, 0xff}, 1), reason: workerapi.ReasonResultDiffers},
		"cut off":          {data: whole[:len(whole)-40], asked: ffmpeg.Picture{Width: 160, Height: 90}, reason: workerapi.ReasonResultDiffers},
		"another format":   {data: whole, asked: ffmpeg.Picture{WebP: true}, reason: workerapi.ReasonResultDiffers},
		"empty":            {reason: workerapi.ReasonResultDiffers},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "picture"), test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := verify(dir, "picture", test.asked)
			if test.reason == "" {
				if err != nil || got.width != 160 || got.height != 90 || got.bytes != int64(len(test.data)) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err == nil || failure.Of(err).Reason != test.reason || !failure.Of(err).Permanent {
				t.Errorf("%v, want %s", err, test.reason)
			}
		})
	}
}

// FuzzVerify: whatever ffmpeg leaves is decoded, or refused for good, with its size known before.
func FuzzVerify(f *testing.F) {
	var whole bytes.Buffer
	if err := jpeg.Encode(&whole, image.NewGray(image.Rect(0, 0, 32, 16)), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes(), false)
	f.Add(whole.Bytes()[:60], false)
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"), true)
	f.Fuzz(func(t *testing.T, data []byte, webp bool) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "picture"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := verify(dir, "picture", ffmpeg.Picture{WebP: webp, MaxWidth: 64, MaxHeight: 64})
		switch {
		case err == nil && (got.width <= 0 || got.width > 64 || got.height <= 0 || got.height > 64):
			t.Errorf("%dx%d", got.width, got.height)
		case err != nil && failure.Of(err).Reason != workerapi.ReasonResultDiffers:
			t.Error(err)
		}
	})
}

// TestVerify_FollowsNoLink out of the render folder.
func TestVerify_FollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	elsewhere := filepath.Join(t.TempDir(), "picture")
	if err := os.WriteFile(elsewhere, picture(t, 2, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "picture")); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(dir, "picture", ffmpeg.Picture{}); err == nil {
		t.Error("a link was followed")
	}
}
