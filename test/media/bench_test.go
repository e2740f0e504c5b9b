// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestMain lets the test binary stand in for the worker, which confines ffmpeg by running itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.Subcommand {
		fmt.Fprintln(os.Stderr, sandbox.Run(os.Args[2:]))
		os.Exit(sandbox.ExitCode)
	}
	os.Exit(m.Run())
}

// attempt is what the worker made of a recording.
type attempt struct {
	// failure is nil when something was published.
	failure *workerapi.Failure
	// files that were published, by name, and the integrity that the manifest says.
	dir       string
	files     []string
	integrity v1alpha1.Integrity
	// said: there is an integrity in the manifest.
	said bool
}

// settings of a step, as its JSON in the API.
type settings map[string]any

// work runs the step's three containers in process, on volumes in a temporary folder.
func work(ctx context.Context, base string, r *recording, set settings) (attempt, error) {
	source, destination := filepath.Join(base, "source"), filepath.Join(base, "destination")
	for _, dir := range []string{source, destination} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return attempt{}, err
		}
	}
	if err := r.store(source); err != nil {
		return attempt{}, err
	}
	w, err := newWorker(base, r, set)
	if err != nil {
		return attempt{}, err
	}
	for _, container := range []func(context.Context) (workerapi.Result, error){w.Fetch, w.Process, w.Publish} {
		if _, err := container(ctx); err != nil {
			return attempt{failure: failure.Report(err)}, nil
		}
	}
	return readPublished(filepath.Join(destination, "room", "stream"))
}

func newWorker(base string, r *recording, set settings) (*worker.Worker, error) {
	claim := func(name string) workerapi.Storage {
		return workerapi.Storage{Name: name, Spec: v1alpha1.StorageLocationSpec{
			PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: name},
		}}
	}
	calls := claim("calls")
	spec := workerapi.StepSpec{
		Namespace: "school", File: "math-0", UID: "uid-1", Step: "mp4", Kind: "archive", Settings: json.RawMessage("{}"),
		Inputs: []workerapi.Input{{
			Step: v1alpha1.InputRecording, Format: r.format, Storage: &calls, Artifact: v1alpha1.Artifact{Key: r.object},
			MaxBytes: 256 << 20, DurationSeconds: r.reported,
		}},
		Destination: workerapi.Destination{Storage: claim("archive"), Path: "room/stream/"},
	}
	if set != nil {
		data, err := json.Marshal(set)
		if err != nil {
			return nil, err
		}
		spec.Kind, spec.Settings = "transcode", data
	}
	tool, err := exec.LookPath(cmp.Or(os.Getenv("WORKER_FFMPEG"), ffmpegPath()))
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(base, "work")
	return &worker.Worker{
		Step: spec, WorkDir: dir,
		Source:      storage.Paths{Volume: filepath.Join(base, "source")},
		Destination: storage.Paths{Volume: filepath.Join(base, "destination")},
		FFmpeg:      tool, Self: self,
		Version: "test", Now: func() time.Time { return time.Unix(0, 0) }, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	}, nil
}

func readPublished(dir string) (attempt, error) {
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return attempt{}, fmt.Errorf("published without manifest: %w", err)
	}
	var manifest struct {
		Files     []struct{ Name string }
		Integrity *v1alpha1.Integrity
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return attempt{}, err
	}
	done := attempt{dir: dir}
	for _, f := range manifest.Files {
		done.files = append(done.files, f.Name)
	}
	if manifest.Integrity != nil {
		done.integrity, done.said = *manifest.Integrity, true
	}
	return done, nil
}

// checkArchive compares an archive with the recording, byte by byte.
func checkArchive(r *recording, done attempt) []string {
	var problems []string
	var want []string
	for name := range r.files {
		if !slices.Contains(r.unlisted, name) {
			want = append(want, name)
		}
	}
	have := map[string]bool{}
	for _, name := range done.files {
		have[name] = true
	}
	slices.Sort(want)
	for _, name := range want {
		relative := strings.TrimPrefix(name, path.Dir(r.object)+"/")
		data, err := os.ReadFile(filepath.Join(done.dir, filepath.FromSlash(relative)))
		switch {
		case err != nil:
			problems = append(problems, "not archived: "+relative)
		case string(data) != string(r.files[name]):
			problems = append(problems, "archived with other bytes: "+relative)
		case !have[relative]:
			problems = append(problems, "not in the manifest: "+relative)
		}
	}
	return problems
}
