// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestHijackedFFmpegLeavesNoLink: whatever ffmpeg leaves under the name of the video, process measures, and publish later
// reads, a regular file of the output folder or nothing.
func TestHijackedFFmpegLeavesNoLink(t *testing.T) {
	for name, leave := range map[string]func(dir, video string) error{
		"a link to credentials": func(_, video string) error { return os.Symlink("/proc/self/environ", video) },
		"a relative link":       func(_, video string) error { return os.Symlink("../../../etc/passwd", video) },
		"a link to a neighbor": func(dir, video string) error {
			if err := os.WriteFile(filepath.Join(dir, "other"), nil, 0o600); err != nil {
				return err
			}
			return os.Symlink("other", video)
		},
		"a pipe":   func(_, video string) error { return syscall.Mkfifo(video, 0o600) },
		"a folder": func(_, video string) error { return os.Mkdir(video, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := leave(dir, filepath.Join(dir, "video.mp4")); err != nil {
				t.Fatal(err)
			}
			product := Product{Files: []File{{Name: "video.mp4"}}}
			if err := product.Measure(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("got %v, want that it is not a regular file", err)
			}
		})
	}
	// A folder on the way may be a link no more than the file: it would lead out.
	dir := t.TempDir()
	if err := os.Symlink("/etc", filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	product := Product{Files: []File{{Name: "a/passwd"}}}
	if err := product.Measure(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("a folder that leads out: got %v", err)
	}
}
