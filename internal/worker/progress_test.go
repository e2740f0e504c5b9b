// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// sizeOf is how large the files of a folder are together.
func sizeOf(t *testing.T, dir string) int64 {
	t.Helper()
	var size int64
	for _, name := range files(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

// TestProgress_EveryStageIsCountedToItsEnd: by volumes and by S3, for what is copied, encoded and drawn.
func TestProgress_EveryStageIsCountedToItsEnd(t *testing.T) {
	server := startS3(t)
	hlsRecording(t, filepath.Join(server.data, "calls", "a"))
	onVolumes := func(settings any) *bench {
		b := newBench(t, settings, "a/index.m3u8")
		hlsRecording(t, filepath.Join(b.source, "a"))
		return b
	}
	onS3 := func(settings any) *bench {
		b, _ := newS3Bench(t, server, settings)
		b.Step.Destination.Path = t.Name() + "/"
		return b
	}
	pictures := &v1alpha1.Thumbnails{Times: []v1alpha1.PictureTime{"1s", "2s"}}
	captioned := workerapi.ContainerSettings{Outputs: []v1alpha1.ContainerOutput{{Path: "captions.vtt", Kind: v1alpha1.ArtifactSubtitles}}}
	caption := func(dir string) error {
		return os.WriteFile(filepath.Join(dir, workerapi.OutputDir, "captions.vtt"), []byte("WEBVTT\n"), 0o600)
	}
	for name, test := range map[string]struct {
		bench   func(settings any) *bench
		setting any
		// least and most are the percent at the end of process: the last packet begins before the recording ends.
		least, most int32
		// image stands in for an image of the tenant's, whose stage nobody counts.
		image func(dir string) error
	}{
		"archive, volumes":    {bench: onVolumes, least: 20, most: 20},
		"remux, volumes":      {bench: onVolumes, setting: remux, least: 77, most: 80},
		"h264, volumes":       {bench: onVolumes, setting: h264, least: 80, most: 80},
		"thumbnails, volumes": {bench: onVolumes, setting: pictures, least: 80, most: 80},
		"archive, S3":         {bench: onS3, least: 20, most: 20},
		"remux, S3":           {bench: onS3, setting: remux, least: 77, most: 80},
		"container, volumes":  {bench: onVolumes, image: caption},
		"container, S3":       {bench: onS3, image: caption},
	} {
		t.Run(name, func(t *testing.T) {
			b := test.bench(test.setting)
			if test.image != nil {
				b.useImage(t, captioned, test.image)
			}
			b.Step.Inputs[0].Artifact.SizeBytes = sizeOf(t, filepath.Join(server.data, "calls", "a"))
			started := time.Unix(0, 0)
			check := func(stage v1alpha1.StepStage, least, most int32, do func(ctx context.Context) (workerapi.Result, error)) {
				t.Helper()
				at := started
				b.Meter = progress.New(stage, func() time.Time { return at })
				if _, err := do(t.Context()); err != nil {
					t.Fatal(err)
				}
				at = started.Add(time.Second)
				if report := b.Meter.Report(); report.Stage != stage || report.Percent < least || report.Percent > most {
					t.Errorf("%+v, want %d to %d percent", report, least, most)
				}
			}
			check(v1alpha1.StageFetch, 20, 20, b.Fetch)
			if b.image == nil {
				check(v1alpha1.StageProcess, test.least, test.most, b.Process)
			} else if err := b.image(b.RecordingDir); err != nil {
				t.Fatal(err)
			}
			check(v1alpha1.StagePublish, 100, 100, b.Publish)
		})
	}
}
