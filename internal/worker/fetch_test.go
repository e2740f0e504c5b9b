// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// patient makes Fetch wait for two minutes; what happens in each pause is up to the test.
func (b *bench) patient(each func(number int)) *[]time.Duration {
	var pauses []time.Duration
	b.Patience = 2 * time.Minute
	b.Wait = func(_ context.Context, pause time.Duration) error {
		pauses = append(pauses, pause)
		each(len(pauses))
		return nil
	}
	return &pauses
}

// hide moves a file away and gives what brings it back.
func hide(t *testing.T, path string) func() {
	t.Helper()
	if err := os.Rename(path, path+".hidden"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Rename(path+".hidden", path); err != nil {
			t.Error(err)
		}
	}
}

// replace changes text in a file.
func replace(t *testing.T, path, old, replacement string) {
	t.Helper()
	edit(t, path, func(data []byte) []byte {
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("%s has no %q", path, old)
		}
		return bytes.ReplaceAll(data, []byte(old), []byte(replacement))
	})
}

// TestFetch_WaitsForWhatIsLate: a last upload may come after the callback.
func TestFetch_WaitsForWhatIsLate(t *testing.T) {
	late := map[string]func(t *testing.T, dir string) (comes func()){
		"the playlist": func(t *testing.T, dir string) func() { t.Helper(); return hide(t, filepath.Join(dir, "index.m3u8")) },
		"a segment":    func(t *testing.T, dir string) func() { t.Helper(); return hide(t, filepath.Join(dir, "seg2.ts")) },
		"the playlist's end": func(t *testing.T, dir string) func() {
			t.Helper()
			path := filepath.Join(dir, "index.m3u8")
			replace(t, path, "#EXT-X-ENDLIST\n", "")
			return func() { edit(t, path, func(data []byte) []byte { return append(data, "#EXT-X-ENDLIST\n"...) }) }
		},
		"the playlist's bytes": func(t *testing.T, dir string) func() {
			t.Helper()
			back := hide(t, filepath.Join(dir, "index.m3u8"))
			if err := os.WriteFile(filepath.Join(dir, "index.m3u8"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return back
		},
	}
	for name, prepare := range late {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, remux, "calls/index.m3u8")
			dir := filepath.Join(b.source, "calls")
			hlsRecording(t, dir)
			comes := prepare(t, dir)
			pauses := b.patient(func(number int) {
				if number == 2 {
					comes()
				}
			})
			b.mustRun(t)
			if !slices.Equal(*pauses, []time.Duration{2 * time.Second, 4 * time.Second}) {
				t.Errorf("pauses of %v", *pauses)
			}
		})
	}
}

// TestFetch_PatienceEnds: pauses double, and are as long together as Patience.
func TestFetch_PatienceEnds(t *testing.T) {
	for object, reason := range map[string]string{"calls/index.m3u8": workerapi.ReasonSegmentMissing, "calls/missing.m3u8": workerapi.ReasonNotFound, "calls/missing.mp4": workerapi.ReasonNotFound} {
		b := newBench(t, remux, object)
		hlsRecording(t, filepath.Join(b.source, "calls"))
		hide(t, filepath.Join(b.source, "calls", "seg1.ts"))
		pauses := b.patient(func(int) {})
		_, _, err := b.run(t)
		wantFailure(t, err, reason, true, "")
		var total time.Duration
		for i, pause := range *pauses {
			if total += pause; i > 0 && i < len(*pauses)-1 && pause != 2*(*pauses)[i-1] {
				t.Errorf("pauses of %v", *pauses)
			}
		}
		if total != b.Patience {
			t.Errorf("%s: waited for %s", object, total)
		}
	}
	// A wait that is interrupted ends the step.
	b := newBench(t, remux, "calls/missing.mp4")
	b.Patience, b.Wait = time.Minute, func(context.Context, time.Duration) error { return context.Canceled }
	if _, err := b.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("%v", err)
	}
}

// TestFetch_CompletePlaylistWinsOverTheReport, after the patience has ended; the difference is said.
func TestFetch_CompletePlaylistWinsOverTheReport(t *testing.T) {
	b := newBench(t, remux, "calls/index.m3u8")
	hlsRecording(t, filepath.Join(b.source, "calls"))
	b.Step.Inputs[0].DurationSeconds = 60
	pauses := b.patient(func(int) {})
	b.mustRun(t)
	if len(*pauses) == 0 {
		t.Error("did not wait")
	}
	manifest := readManifest(t, filepath.Join(b.destination, "room/stream/manifest.json"))
	if manifest.Integrity == nil || manifest.Integrity.State != v1alpha1.IntegrityUnknown || manifest.Integrity.Findings[0].Type != "DurationMismatch" {
		t.Errorf("%+v", manifest.Integrity)
	}
}

// TestFetch_EveryPlaylistOfAnArchiveMustEnd although another one is only shorter than reported.
func TestFetch_EveryPlaylistOfAnArchiveMustEnd(t *testing.T) {
	b := newBench(t, nil, "calls/master.m3u8")
	dir := filepath.Join(b.source, "calls")
	hlsRecording(t, dir)
	master := "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nindex.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nother.m3u8\n"
	data, err := os.ReadFile(filepath.Join(dir, "index.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"master.m3u8": master, "other.m3u8": strings.ReplaceAll(string(data), "#EXT-X-ENDLIST\n", "")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.Step.Inputs[0].DurationSeconds = 60
	_, _, err = b.run(t)
	wantFailure(t, err, workerapi.ReasonInvalidPlaylist, false, "ENDLIST")
}

// TestFetch_BoundsWhatIsReadAndWritten: a small file can be named many times.
func TestFetch_BoundsWhatIsReadAndWritten(t *testing.T) {
	for name, line := range map[string]string{
		"ranges": "#EXTINF:2,\n#EXT-X-BYTERANGE:%d@0\nseg0.ts\n", "whole files": "#EXT-X-DISCONTINUITY\n#EXTINF:2,\nseg0.ts\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, remux, "calls/index.m3u8")
			dir := filepath.Join(b.source, "calls")
			hlsRecording(t, dir)
			info, err := os.Stat(filepath.Join(dir, "seg0.ts"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, "%d") {
				line = fmt.Sprintf(line, info.Size())
			}
			b.Step.Inputs[0].MaxBytes = 20 * info.Size()
			playlist := "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n" + strings.Repeat(line, 25) + "#EXT-X-ENDLIST\n"
			if err := os.WriteFile(filepath.Join(dir, "index.m3u8"), []byte(playlist), 0o600); err != nil {
				t.Fatal(err)
			}
			_, failed, err := b.run(t)
			said := map[string]string{"ranges": "byte ranges", "whole files": "more than once"}[name]
			wantFailure(t, err, workerapi.ReasonTooLarge, true, said)
			if failed != workerapi.ContainerFetch {
				t.Errorf("%s failed", failed)
			}
		})
	}
}

// TestFetch_FormatIsWrong is said, whatever the size.
func TestFetch_FormatIsWrong(t *testing.T) {
	for _, size := range []int{20, 1 << 20, 5 << 20} {
		b := newBench(t, remux, "calls/a.m3u8")
		if err := os.MkdirAll(filepath.Join(b.source, "calls"), 0o750); err != nil {
			t.Fatal(err)
		}
		data := append([]byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"), make([]byte, size)...)
		if err := os.WriteFile(filepath.Join(b.source, "calls", "a.m3u8"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := b.run(t)
		wantFailure(t, err, workerapi.ReasonInvalidPlaylist, true, "is spec.format right?")
	}
	for name, data := range map[string]string{"#EXTM3U\n": "is spec.format right?", "": "is empty", "hello": "not media", "\x00\x00\x00\x10ftypisom\x00\x00\x00\x00": "without a header (moov)"} {
		b := newBench(t, remux, "calls/a.mp4")
		if err := os.MkdirAll(filepath.Join(b.source, "calls"), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.source, "calls", "a.mp4"), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := b.run(t)
		wantFailure(t, err, workerapi.ReasonNotMedia, true, data)
	}
}

// TestFetch_GapIsPublishedWhenDamageMayBe.
func TestFetch_GapIsPublishedWhenDamageMayBe(t *testing.T) {
	b := newBench(t, &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux, OnDamage: v1alpha1.DamagePublish}, "calls/index.m3u8")
	dir := filepath.Join(b.source, "calls")
	hlsRecording(t, dir)
	replace(t, filepath.Join(dir, "index.m3u8"), "seg1.ts", "#EXT-X-GAP\nseg1.ts")
	b.mustRun(t)
	manifest := readManifest(t, filepath.Join(b.destination, "room/stream/manifest.json"))
	if manifest.Integrity.State != v1alpha1.IntegrityDamaged || manifest.Integrity.Findings[0].Type != "SegmentMissing" || *manifest.Integrity.Findings[0].Segment != 1 {
		t.Errorf("%+v", manifest.Integrity)
	}
}

// TestFetch_ArchiveHasEverythingThatPlaylistsName: variants, renditions and keys; encrypted segments say that nothing
// can be said of them.
func TestFetch_ArchiveHasEverythingThatPlaylistsName(t *testing.T) {
	b := newBench(t, nil, "calls/master.m3u8")
	dir := filepath.Join(b.source, "calls")
	hlsRecording(t, dir)
	hlsRecording(t, filepath.Join(dir, "low"))
	hlsRecording(t, filepath.Join(dir, "sound"))
	replace(t, filepath.Join(dir, "low", "index.m3u8"), "#EXTINF:2.000000,\nseg1.ts", "#EXT-X-KEY:METHOD=AES-128,URI=\"keys/1.key\"\n#EXTINF:2.000000,\nseg1.ts")
	master := `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="sound/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="a"
index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"
low/index.m3u8
`
	if err := os.MkdirAll(filepath.Join(dir, "low", "keys"), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"master.m3u8": master, "low/keys/1.key": "0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output := b.mustRun(t)
	if output.URI != "pvc://archive/room/stream/master.m3u8" || output.Files != 14 {
		t.Errorf("%+v", output)
	}
	have := files(t, filepath.Join(b.destination, "room/stream"))
	for _, name := range []string{"master.m3u8", "index.m3u8", "seg2.ts", "low/index.m3u8", "low/seg1.ts", "low/keys/1.key", "sound/index.m3u8", "sound/seg0.ts", "manifest.json"} {
		if !slices.Contains(have, name) {
			t.Errorf("%s is not archived", name)
		}
	}
	manifest := readManifest(t, filepath.Join(b.destination, "room/stream/manifest.json"))
	if manifest.Integrity.State != v1alpha1.IntegrityUnknown || !slices.ContainsFunc(manifest.Integrity.Findings, func(f v1alpha1.Finding) bool { return f.Type == "Encrypted" }) {
		t.Errorf("%+v", manifest.Integrity)
	}
}

// TestFetch_ManyMissingSegmentsCostOneTryEach for each pause: a playlist may name 100,000 that are nowhere.
func TestFetch_ManyMissingSegmentsCostOneTryEach(t *testing.T) {
	const count = 20_000
	b := newBench(t, remux, "calls/index.m3u8")
	dir := filepath.Join(b.source, "calls")
	hlsRecording(t, dir)
	edit(t, filepath.Join(dir, "index.m3u8"), func(data []byte) []byte {
		data = bytes.TrimSuffix(data, []byte("#EXT-X-ENDLIST\n"))
		for i := range count {
			data = fmt.Appendf(data, "#EXTINF:2,\nmissing-%d.ts\n", i)
		}
		return append(data, "#EXT-X-ENDLIST\n"...)
	})
	pauses := b.patient(func(int) {})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // giving up one after another takes minutes
	defer cancel()
	if _, err := b.Fetch(ctx); err != nil {
		t.Fatal(err)
	}
	if len(*pauses) == 0 {
		t.Error("missing segments are not waited for")
	}
	data, err := os.ReadFile(filepath.Join(b.WorkDir, "source.json"))
	if err != nil {
		t.Fatal(err)
	}
	var fetched recording.Recording
	if err := json.Unmarshal(data, &fetched); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, segment := range fetched.Lists[0] {
		if segment.Lost {
			lost++
		}
	}
	if lost != count {
		t.Errorf("%d segments are lost, want %d", lost, count)
	}
}
