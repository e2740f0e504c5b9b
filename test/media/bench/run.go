// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/mpegts"
	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// containerCommand has this program do the work of one container, in a process of its own as in a pod, and print how much
// memory it had at most.
const containerCommand = "container"

var containers = []string{workerapi.ContainerFetch, workerapi.ContainerProcess, workerapi.ContainerPublish}

// step is what containerCommand reads.
type step struct {
	Spec                      workerapi.StepSpec
	Work, Source, Destination string
}

// runContainer does one container's work; file holds the step.
func runContainer(ctx context.Context, name, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var s step
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	tool := os.Getenv("WORKER_FFMPEG")
	if tool == "" {
		tool = ffmpeg()
	}
	if tool, err = exec.LookPath(tool); err != nil {
		return err
	}
	w := &worker.Worker{
		Step: s.Spec, WorkDir: s.Work, Source: storage.Paths{Volume: s.Source}, Destination: storage.Paths{Volume: s.Destination},
		FFmpeg: tool, Self: self, Version: "bench", Now: time.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	do := map[string]func(context.Context) (workerapi.Result, error){
		workerapi.ContainerFetch: w.Fetch, workerapi.ContainerProcess: w.Process, workerapi.ContainerPublish: w.Publish,
	}[name]
	if _, err := do(ctx); err != nil {
		return err
	}
	peak, err := peakMemory()
	fmt.Println(peak)
	return err
}

// peakMemory is this process's alone: getrusage(2) would count what it was before exec too.
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(after + " ")[0], 10, 64)
	return kib << 10, err
}

// runWorker runs the three containers once, in a folder of their own below dir.
func (r *result) runWorker(ctx context.Context, dir string) error {
	base, err := os.MkdirTemp(dir, r.name+"-")
	if err != nil {
		return err
	}
	s := r.step(base)
	if err := os.MkdirAll(s.Destination, 0o750); err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	file := filepath.Join(base, "step.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var run [3]timing
	for i, name := range containers {
		command := exec.CommandContext(ctx, self, containerCommand, name, file)
		var stderr bytes.Buffer
		command.Stderr = &stderr
		var out []byte
		run[i], err = timed(func() (err error) {
			out, err = command.Output()
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, stderr.String())
		}
		peak, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		if err != nil {
			return err
		}
		r.memory[i] = max(r.memory[i], peak)
	}
	r.runs = append(r.runs, run)
	return empty(base)
}

// empty makes the files in a folder empty, so that a run finds as much memory and as few unwritten pages as those before it. Files with
// another name elsewhere are not the run's own.
func empty(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Nlink > 1 {
			return nil
		}
		return os.Truncate(path, 0)
	})
}

func (r *result) step(base string) step {
	claim := func(name string) workerapi.Storage {
		return workerapi.Storage{Name: name, Spec: v1alpha1.StorageLocationSpec{
			PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: name},
		}}
	}
	calls := claim("calls")
	return step{
		Spec: workerapi.StepSpec{
			Namespace: "bench", File: r.name, UID: "uid", Step: "mp4",
			Kind: "transcode", Settings: fmt.Appendf(nil, `{"preset":%q}`, r.preset),
			Inputs: []workerapi.Input{{
				Step: v1alpha1.InputRecording, Format: "HLS", Storage: &calls, Artifact: v1alpha1.Artifact{Key: playlist}, MaxBytes: 16 << 30,
			}},
			Destination: workerapi.Destination{Storage: claim("archive"), Path: "out/"},
		},
		Work: filepath.Join(base, "work"), Source: r.recording.dir, Destination: filepath.Join(base, "destination"),
	}
}

// runBare runs what people type.
func (r *result) runBare(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-media-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"-i", r.recording.joined, "-map", "0:v:0?", "-map", "0:a:0?"}
	if r.preset == v1alpha1.PresetH264 {
		args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k")
	} else {
		args = append(args, "-c", "copy")
	}
	bare, err := timed(func() error { return runFFmpeg(ctx, dir, append(args, "-movflags", "+faststart", "out.mp4")...) })
	r.bare = append(r.bare, bare)
	return err
}

// indexSpeed is the best of some runs over all segments, in bytes a second.
func indexSpeed(r *recording, runs int) (float64, error) {
	best := time.Duration(1 << 62)
	for range runs {
		began := time.Now()
		for _, segment := range r.segments {
			file, err := os.Open(segment)
			if err != nil {
				return 0, err
			}
			_, err = mpegts.Read(file, nil)
			if err = errors.Join(err, file.Close()); err != nil {
				return 0, err
			}
		}
		best = min(best, time.Since(began))
	}
	return float64(r.bytes) / best.Seconds(), nil
}
