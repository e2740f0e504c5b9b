// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/publish"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// makeMedia runs ffmpeg in a new folder. Pictures and sound are synthetic and small.
func makeMedia(t *testing.T, dir string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.FFmpeg(t), append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}

const (
	picture = "testsrc=duration=6:size=160x90:rate=10"
	sound   = "sine=frequency=440:duration=6"
)

// x264 are the encoder's arguments: a key frame at the start of each segment of two seconds.
var x264 = []string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-keyint_min", "20", "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac"}

// hlsCache is a folder that all tests share; TestMain removes it.
var hlsCache = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "worker-hls-") })

var hlsMade sync.Once

// hlsRecording is a copy of an HLS recording of three segments of two seconds: index.m3u8, seg0.ts, seg1.ts, seg2.ts.
func hlsRecording(t *testing.T, dir string) {
	t.Helper()
	programs.FFmpeg(t) // skipped within Do, one test would leave an empty recording to the others
	cache, err := hlsCache()
	if err != nil {
		t.Fatal(err)
	}
	hlsMade.Do(func() {
		args := append([]string{"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound}, x264...)
		makeMedia(t, cache, append(args, "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_segment_filename", "seg%d.ts", "index.m3u8")...)
	})
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(cache)); err != nil {
		t.Fatal(err)
	}
}

// bench is one step's work on volumes in temporary folders.
type bench struct {
	*worker.Worker
	source, destination string
	// image stands in for an image of the tenant's; nil: the worker makes the result.
	image func(dir string) error
}

func newBench(t *testing.T, settings any, object string) *bench {
	t.Helper()
	base := t.TempDir()
	b := &bench{source: filepath.Join(base, "source"), destination: filepath.Join(base, "destination")}
	for _, dir := range []string{b.source, b.destination} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	claim := func(name string) workerapi.Storage {
		return workerapi.Storage{Name: name, Spec: v1alpha1.StorageLocationSpec{
			PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: name},
		}}
	}
	source := claim("calls")
	format := "MP4"
	if strings.HasSuffix(object, ".m3u8") {
		format = "HLS"
	}
	spec := workerapi.StepSpec{
		Namespace: "school", File: "math-0", UID: "uid-1", Step: "mp4",
		Inputs: []workerapi.Input{{
			Step: v1alpha1.InputRecording, Format: format, Storage: &source, Artifact: v1alpha1.Artifact{Key: object}, MaxBytes: 64 << 20,
		}},
		Destination: workerapi.Destination{Storage: claim("archive"), Path: "room/stream/"},
	}
	tool := programs.WorkerFFmpeg(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(base, "work")
	b.Worker = &worker.Worker{
		Step: spec, WorkDir: work, RecordingDir: filepath.Join(base, "recording"),
		Source:      storage.Paths{Volume: b.source},
		Destination: storage.Paths{Volume: b.destination},
		FFmpeg:      tool, Self: self,
		Version: "v1.2.3", Now: func() time.Time { return time.Unix(0, 0) }, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	}
	b.use(settings)
	return b
}

// use gives the step a kind by its settings; nil: an archive.
func (b *bench) use(settings any) {
	switch settings.(type) {
	case *v1alpha1.Transcode:
		b.Step.Kind = "transcode"
	case *v1alpha1.Thumbnails:
		b.Step.Kind = "thumbnails"
	default:
		b.Step.Kind, settings = "archive", v1alpha1.Archive{}
	}
	b.Step.Settings, _ = json.Marshal(settings) // it has no field that cannot be encoded
}

var (
	remux = &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}
	h264  = &v1alpha1.Transcode{Preset: v1alpha1.PresetH264, Video: &v1alpha1.VideoSettings{MaxHeight: new(int32(50))}}
)

// run runs the containers in order, as a pod does, and says which failed.
func (b *bench) run(t *testing.T) (result workerapi.Result, failed string, err error) {
	t.Helper()
	if result, err = b.Fetch(t.Context()); err != nil {
		return result, workerapi.ContainerFetch, err
	}
	if b.image != nil {
		err = b.image(b.RecordingDir)
	} else {
		result, err = b.Process(t.Context())
	}
	if err != nil {
		return result, workerapi.ContainerProcess, err
	}
	if result, err = b.Publish(t.Context()); err != nil {
		return result, workerapi.ContainerPublish, err
	}
	return result, "", nil
}

// mustRun gives the one output.
func (b *bench) mustRun(t *testing.T) v1alpha1.Artifact {
	t.Helper()
	result, failed, err := b.run(t)
	if err != nil {
		t.Fatalf("%s: %v", failed, err)
	}
	if len(result.Outputs) != 1 {
		t.Fatalf("outputs %+v", result.Outputs)
	}
	return result.Outputs[0]
}

// wantFailure checks how an attempt failed; message is a part of what a person reads.
func wantFailure(t *testing.T, err error, reason string, permanent bool, message string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no failure, want %s", reason)
	}
	report := failure.Report(err)
	if report.Reason != reason || report.Permanent != permanent || !strings.Contains(report.Message, message) {
		t.Fatalf("%+v, want %s, permanent %v, with %q", *report, reason, permanent, message)
	}
}

func readManifest(t *testing.T, path string) publish.Manifest {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var manifest publish.Manifest
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	return manifest
}

// files lists a folder's files, relative and sorted.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// edit changes a file.
func edit(t *testing.T, path string, change func(data []byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
}
