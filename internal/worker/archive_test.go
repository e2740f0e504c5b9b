// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

func TestArchive_HLS(t *testing.T) {
	b := newBench(t, nil, "calls/index.m3u8")
	dir := filepath.Join(b.source, "calls")
	hlsRecording(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "more"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "seg2.ts"), filepath.Join(dir, "more/last one.ts")); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "index.m3u8"), func(data []byte) []byte {
		return bytes.Replace(data, []byte("seg2.ts"), []byte("more/last%20one.ts"), 1)
	})
	output := b.mustRun(t)
	if output.URI != "pvc://archive/room/stream/index.m3u8" || output.Files != 4 || output.Media == nil || output.Media.Container != "hls" {
		t.Errorf("%+v", output)
	}
	folder := filepath.Join(b.destination, "room/stream")
	want := []string{"index.m3u8", "manifest.json", "more/last one.ts", "seg0.ts", "seg1.ts"}
	if diff := cmp.Diff(want, files(t, folder)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, name := range slices.DeleteFunc(want, func(name string) bool { return name == "manifest.json" }) {
		before, _ := os.ReadFile(filepath.Join(dir, name))
		after, _ := os.ReadFile(filepath.Join(folder, name))
		if len(before) == 0 || !bytes.Equal(before, after) {
			t.Errorf("%s was changed", name)
		}
	}
	var order []string
	for _, file := range readManifest(t, filepath.Join(folder, "manifest.json")).Files {
		order = append(order, file.Name)
	}
	if diff := cmp.Diff([]string{"seg0.ts", "seg1.ts", "more/last one.ts", "index.m3u8"}, order); diff != "" {
		t.Errorf("published in another order (-want +got):\n%s", diff)
	}
}

// TestArchive_IsTheInputOfAnotherStep: what an archive has kept of an HLS recording, whatever its name, is transcoded as the
// recording itself is.
func TestArchive_IsTheInputOfAnotherStep(t *testing.T) {
	for _, name := range []string{"index.m3u8", "lecture"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, "calls/"+name)
			dir := filepath.Join(b.source, "calls")
			hlsRecording(t, dir)
			if err := os.Rename(filepath.Join(dir, "index.m3u8"), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			b.Step.Inputs[0].Format = workerapi.FormatHLS
			kept := b.mustRun(t)
			if kept.Media == nil || kept.Media.Container != "hls" || kept.Files != 4 {
				t.Fatalf("kept %+v", kept)
			}
			next := newBench(t, remux, kept.Key)
			next.Source.Volume = b.destination
			next.Step.Inputs[0].Step, next.Step.Inputs[0].Format, next.Step.Inputs[0].Artifact = "keep", workerapi.FormatHLS, kept
			next.Step.Inputs[0].DurationSeconds = kept.Media.DurationMilliseconds / 1000
			made := next.mustRun(t)
			if made.Media.DurationMilliseconds != kept.Media.DurationMilliseconds || made.MediaType != "video/mp4" {
				t.Errorf("made %+v of %+v", made, kept)
			}
		})
	}
}

// A master playlist with one variant is followed, and kept with what it names.
func TestArchive_MultivariantPlaylist(t *testing.T) {
	b := newBench(t, nil, "calls/master.m3u8")
	hlsRecording(t, filepath.Join(b.source, "calls/low"))
	master := "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nlow/index.m3u8\n"
	if err := os.WriteFile(filepath.Join(b.source, "calls/master.m3u8"), []byte(master), 0o600); err != nil {
		t.Fatal(err)
	}
	output := b.mustRun(t)
	want := []string{"low/index.m3u8", "low/seg0.ts", "low/seg1.ts", "low/seg2.ts", "manifest.json", "master.m3u8"}
	if diff := cmp.Diff(want, files(t, filepath.Join(b.destination, "room/stream"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if output.URI != "pvc://archive/room/stream/master.m3u8" || output.Files != 5 {
		t.Errorf("%+v", output)
	}
}

// An archive keeps what cannot be read, and says so.
func TestArchive_KeepsNoise(t *testing.T) {
	b := newBench(t, nil, "calls/x.mp4")
	if err := os.MkdirAll(filepath.Join(b.source, "calls"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.source, "calls/x.mp4"), []byte("noise"), 0o600); err != nil {
		t.Fatal(err)
	}
	if output := b.mustRun(t); output.Media != nil || output.SizeBytes != 5 || output.URI != "pvc://archive/room/stream/x.mp4" {
		t.Errorf("%+v", output)
	}
}

// An archive of a recording that lost a segment is published, and says what is lost.
func TestArchive_LostSegmentIsDamage(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"missing": func(dir string) error { return os.Remove(filepath.Join(dir, "seg1.ts")) },
		"empty":   func(dir string) error { return os.Truncate(filepath.Join(dir, "seg1.ts"), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, "calls/index.m3u8")
			dir := filepath.Join(b.source, "calls")
			hlsRecording(t, dir)
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			result, _, err := b.run(t)
			if err != nil {
				t.Fatal(err)
			}
			integrity := result.Integrity
			if integrity == nil || integrity.State != v1alpha1.IntegrityDamaged || len(integrity.Findings) == 0 ||
				integrity.Findings[0].Type != v1alpha1.FindingSegmentMissing || *integrity.Findings[0].Segment != 1 {
				t.Errorf("%+v", integrity)
			}
		})
	}
}
