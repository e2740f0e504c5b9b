// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bareCommands are what people type.
var bareCommands = map[string]string{
	presetRemux: "-map 0:v:0? -map 0:a:0? -c copy -movflags +faststart",
	presetH264:  "-map 0:v:0? -map 0:a:0? -c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -c:a aac -movflags +faststart",
}

// bare says what ffmpeg alone makes of a recording: "right", or what is wrong. It is kept by content, since it depends
// on no code of the worker.
func bare(ctx context.Context, r *recording, preset string) (string, error) {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "bare 1 %s %s %v", preset, bareCommands[preset], r.truth)
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		_, _ = fmt.Fprintf(hash, "%s %d ", name, len(r.files[name]))
		hash.Write(r.files[name])
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(cache, "bare-"+hex.EncodeToString(hash.Sum(nil))[:24])
	if data, err := os.ReadFile(kept); err == nil {
		return string(data), nil
	}
	dir, err := os.MkdirTemp("", "bare-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := r.store(dir); err != nil {
		return "", err
	}
	found := runBare(ctx, dir, r, preset)
	return found, os.WriteFile(kept, []byte(found), 0o600)
}

// store writes the recording's files below dir.
func (r *recording) store(dir string) error {
	for name, data := range r.files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func runBare(ctx context.Context, dir string, r *recording, preset string) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out := filepath.Join(dir, "bare.mp4")
	args := append([]string{"-v", "error", "-nostdin", "-y", "-i", filepath.Join(dir, filepath.FromSlash(r.object))}, strings.Fields(bareCommands[preset])...)
	if err := exec.CommandContext(ctx, ffmpegPath(), append(args, out)...).Run(); err != nil {
		if ctx.Err() != nil {
			return "does not end"
		}
		return "fails"
	}
	res, err := decode(ctx, out)
	if err != nil {
		return "cannot be decoded"
	}
	problems := r.truth.check(res, view{copied: preset == presetRemux, damaged: len(r.truth.damages) > 0})
	switch {
	case len(problems) > 0:
		kind, _, _ := strings.Cut(problems[0], ":")
		return "wrong: " + kind
	case len(r.truth.damages) > 0:
		return "passes what is damaged"
	}
	return "right"
}
