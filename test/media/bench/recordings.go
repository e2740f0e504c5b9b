// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// version is part of the name of what is kept; change it with how recordings are made.
const version = "1"

const playlist = "index.m3u8"

// recording is a folder with an HLS recording, and all segments in one file for bare ffmpeg.
type recording struct {
	dir, joined string
	segments    []string
	bytes       int64
}

// kept is a recording that is made when it is not there yet.
func kept(ctx context.Context, name string, do func(ctx context.Context, dir string) error) (*recording, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	base := filepath.Join(cache, "recording-operator", "bench-media", version)
	dir := filepath.Join(base, name)
	if _, err := os.Stat(dir); err != nil {
		fmt.Printf("making %s in %s (once)\n", name, base)
		fresh := dir + ".new"
		if err := os.RemoveAll(fresh); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(fresh, 0o750); err != nil {
			return nil, err
		}
		if err := do(ctx, fresh); err != nil {
			return nil, err
		}
		if err := os.Rename(fresh, dir); err != nil {
			return nil, err
		}
	}
	r := &recording{dir: dir, joined: filepath.Join(base, name+".ts")}
	return r, r.join()
}

// join lists the segments and writes them into one file.
func (r *recording) join() error {
	list, err := os.ReadFile(filepath.Join(r.dir, playlist))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(list)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			r.segments = append(r.segments, filepath.Join(r.dir, line))
		}
	}
	joined, err := os.Create(r.joined)
	if err != nil {
		return err
	}
	defer func() { _ = joined.Close() }()
	for _, segment := range r.segments {
		data, err := os.ReadFile(segment)
		if err != nil {
			return err
		}
		r.bytes += int64(len(data))
		if _, err := joined.Write(data); err != nil {
			return err
		}
	}
	return joined.Close()
}

// ffmpeg is the program that makes recordings.
func ffmpeg() string {
	if path := os.Getenv("FFMPEG"); path != "" {
		return path
	}
	return "ffmpeg"
}

func runFFmpeg(ctx context.Context, dir string, args ...string) error {
	command := exec.CommandContext(ctx, ffmpeg(), append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return nil
}

// hls makes an HLS recording with a key frame at the beginning of each segment.
func hls(ctx context.Context, dir, prefix, list, picture string, fps, seconds, segment int) error {
	return runFFmpeg(ctx, dir, "-f", "lavfi", "-i", fmt.Sprintf("%s:rate=%d", picture, fps), "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-t", fmt.Sprint(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "1600k", "-g", fmt.Sprint(fps*segment),
		"-keyint_min", fmt.Sprint(fps*segment), "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k",
		"-f", "hls", "-hls_time", fmt.Sprint(segment), "-hls_playlist_type", "vod", "-hls_segment_filename", prefix+"%05d.ts", list)
}

func tenMinutes(ctx context.Context, dir string) error {
	return hls(ctx, dir, "s", playlist, "testsrc2=size=1280x720", 25, 600, 6)
}

func twoMinutes(ctx context.Context, dir string) error {
	return hls(ctx, dir, "s", playlist, "testsrc2=size=1280x720", 25, 120, 6)
}

func fiveThousand(ctx context.Context, dir string) error {
	return hls(ctx, dir, "s", playlist, "testsrc2=size=160x90", 10, 5000, 1)
}

// sixHundred is a recorder that was restarted after five minutes.
func sixHundred(ctx context.Context, dir string) error {
	if err := hls(ctx, dir, "a", "a.m3u8", "testsrc2=size=320x180", 25, 300, 1); err != nil {
		return err
	}
	if err := hls(ctx, dir, "b", "b.m3u8", "testsrc=size=320x180", 25, 300, 1); err != nil {
		return err
	}
	first, err := os.ReadFile(filepath.Join(dir, "a.m3u8"))
	if err != nil {
		return err
	}
	second, err := os.ReadFile(filepath.Join(dir, "b.m3u8"))
	if err != nil {
		return err
	}
	_, segments, _ := bytes.Cut(second, []byte("#EXTINF"))
	both := slices.Concat(bytes.TrimSuffix(first, []byte("#EXT-X-ENDLIST\n")), []byte("#EXT-X-DISCONTINUITY\n#EXTINF"), segments)
	return os.WriteFile(filepath.Join(dir, playlist), both, 0o600)
}
