// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// What was damaged in the bucket is never a shorter video.
func TestProcess_Damage(t *testing.T) {
	remove := func(t *testing.T, dir string) { t.Helper(); _ = os.Remove(filepath.Join(dir, "seg1.ts")) }
	removeAll := func(t *testing.T, dir string) {
		t.Helper()
		for _, name := range []string{"seg0.ts", "seg1.ts", "seg2.ts"} {
			_ = os.Remove(filepath.Join(dir, name))
		}
	}
	segment := func(change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { t.Helper(); edit(t, filepath.Join(dir, "seg1.ts"), change) }
	}
	playlist := func(old, replacement string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			edit(t, filepath.Join(dir, "index.m3u8"), func(data []byte) []byte {
				return bytes.Replace(data, []byte(old), []byte(replacement), 1)
			})
		}
	}
	half := func(data []byte) []byte { return data[:len(data)/188/2*188] }
	tests := map[string]struct {
		damage    func(t *testing.T, dir string)
		transcode *v1alpha1.Transcode
		container string
		reason    string
		transient bool
		message   string
	}{
		"segment missing":          {damage: remove, container: workerapi.ContainerProcess, reason: workerapi.ReasonSegmentMissing, message: "segment 1 (seg1.ts) at 2"},
		"segment empty":            {damage: segment(func([]byte) []byte { return nil }), container: workerapi.ContainerProcess, reason: workerapi.ReasonSegmentMissing, message: "segment 1"},
		"segment cut":              {damage: segment(half), container: workerapi.ContainerProcess, reason: workerapi.ReasonFramesMissing, message: "segment 1"},
		"segment cut, h264":        {damage: segment(half), transcode: h264, container: workerapi.ContainerProcess, reason: workerapi.ReasonFramesMissing, message: "segment 1"},
		"segment is noise":         {damage: segment(func([]byte) []byte { return bytes.Repeat([]byte("noise"), 1000) }), container: workerapi.ContainerProcess, reason: workerapi.ReasonFramesMissing, message: "segment 1"},
		"segment is hollow":        {damage: segment(hollow), container: workerapi.ContainerProcess, reason: workerapi.ReasonFramesMissing, message: "segment 1"},
		"segment is a playlist":    {damage: segment(func([]byte) []byte { return []byte("#EXTM3U\nfile:///etc/passwd\n") }), container: workerapi.ContainerProcess, reason: workerapi.ReasonFramesMissing, message: "segment 1"},
		"segment not in playlist":  {damage: playlist("#EXTINF:2.000000,\nseg1.ts\n", ""), container: "", reason: ""},
		"playlist missing":         {damage: func(t *testing.T, dir string) { t.Helper(); _ = os.Remove(filepath.Join(dir, "index.m3u8")) }, container: workerapi.ContainerFetch, reason: workerapi.ReasonNotFound, message: "pvc://calls/calls/index.m3u8"},
		"playlist has no end":      {damage: playlist("#EXT-X-ENDLIST", ""), container: workerapi.ContainerFetch, reason: workerapi.ReasonInvalidPlaylist, transient: true, message: "ENDLIST"},
		"segment elsewhere":        {damage: playlist("seg1.ts", "../secret.ts"), container: workerapi.ContainerFetch, reason: workerapi.ReasonInvalidPlaylist, message: "segment 1"},
		"segment on another host":  {damage: playlist("seg1.ts", "http://169.254.169.254/latest?token=secret"), container: workerapi.ContainerFetch, reason: workerapi.ReasonInvalidPlaylist, message: "segment 1"},
		"segment is a local file":  {damage: playlist("seg1.ts", "file:///etc/passwd"), container: workerapi.ContainerFetch, reason: workerapi.ReasonInvalidPlaylist, message: "segment 1"},
		"encrypted":                {damage: playlist("#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF"), container: workerapi.ContainerFetch, reason: workerapi.ReasonUnsupported, message: "EXT-X-KEY"},
		"marked as lost":           {damage: playlist("seg1.ts", "#EXT-X-GAP\nseg1.ts"), container: workerapi.ContainerProcess, reason: workerapi.ReasonSegmentMissing, message: "marks it as lost (#EXT-X-GAP)"},
		"range behind the file":    {damage: playlist("seg1.ts", "#EXT-X-BYTERANGE:9999999@0\nseg1.ts"), container: workerapi.ContainerProcess, reason: workerapi.ReasonSegmentMissing, message: "does not exist or is shorter"},
		"all segments missing":     {damage: removeAll, container: workerapi.ContainerProcess, reason: workerapi.ReasonSegmentMissing, message: "segment 0"},
		"page instead of playlist": {damage: playlist("#EXTM3U", "<html>"), container: workerapi.ContainerFetch, reason: workerapi.ReasonInvalidPlaylist, message: "line 1"},
		"master of two":            {damage: playlist("#EXTM3U", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nb.m3u8\n#"), container: workerapi.ContainerFetch, reason: workerapi.ReasonInvalidPlaylist, message: "both"},
		"longer than the segments": {damage: playlist("#EXTINF:2.000000,\nseg2.ts", "#EXTINF:9.000000,\nseg2.ts"), container: workerapi.ContainerProcess, reason: workerapi.ReasonFramesMissing, message: "segment 2"},
		"larger than allowed":      {damage: segment(func(data []byte) []byte { return append(data, make([]byte, 64<<20)...) }), container: workerapi.ContainerFetch, reason: workerapi.ReasonTooLarge, message: "segment 1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			transcode := test.transcode
			if transcode == nil {
				transcode = remux
			}
			b := newBench(t, transcode, "calls/index.m3u8")
			dir := filepath.Join(b.source, "calls")
			hlsRecording(t, dir)
			test.damage(t, dir)
			result, container, err := b.run(t)
			if test.reason == "" {
				if err != nil {
					t.Fatalf("%s: %v", container, err)
				}
				return
			}
			wantFailure(t, err, test.reason, !test.transient, test.message)
			if container != test.container {
				t.Errorf("%s failed, want %s: %v", container, test.container, err)
			}
			if lost := test.reason == workerapi.ReasonSegmentMissing || test.reason == workerapi.ReasonFramesMissing; lost &&
				(result.Integrity == nil || result.Integrity.State != v1alpha1.IntegrityDamaged || len(result.Integrity.Findings) == 0) {
				t.Errorf("integrity %+v, want Damaged with a finding", result.Integrity)
			}
			if strings.Contains(err.Error(), "token=secret") {
				t.Errorf("the message holds a query: %v", err)
			}
			if left := files(t, b.destination); len(left) != 0 {
				t.Errorf("published all the same: %v", left)
			}
		})
	}
}

// hollow keeps a segment's first packets and fills the rest with null packets: the size is right, the frames are not.
func hollow(data []byte) []byte {
	for at := len(data) / 188 / 4 * 188; at < len(data); at += 188 {
		copy(data[at:], []byte{0x47, 0x1f, 0xff, 0x10})
		for i := at + 4; i < at+188; i++ {
			data[i] = 0xff
		}
	}
	return data
}

func TestProcess_SingleFile(t *testing.T) {
	tests := map[string]struct {
		reported int64
		strict   bool
		change   func([]byte) []byte
		reason   string
		message  string
	}{
		"whole":                  {reported: 6},
		"shorter than reported":  {reported: 60},
		"strict and shorter":     {reported: 60, strict: true, reason: workerapi.ReasonDurationMismatch, message: "reports 1m0s"},
		"a playlist in disguise": {change: func([]byte) []byte { return []byte("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n") }, reason: workerapi.ReasonNotMedia, message: "playlist"},
		"noise":                  {change: func([]byte) []byte { return []byte("noise") }, reason: workerapi.ReasonNotMedia, message: "x.y.mp4"},
		"cut":                    {change: func(data []byte) []byte { return data[:len(data)/2] }, reason: workerapi.ReasonNotMedia, message: "(moov)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux, Strict: test.strict}, "x.y.mp4")
			b.Step.Inputs[0].DurationSeconds = test.reported
			args := append([]string{"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound}, x264...)
			makeMedia(t, b.source, append(args, "x.y.mp4")...)
			if test.change != nil {
				edit(t, filepath.Join(b.source, "x.y.mp4"), test.change)
			}
			result, container, err := b.run(t)
			if test.reason != "" {
				wantFailure(t, err, test.reason, true, test.message)
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", container, err)
			}
			if result.Outputs[0].URI != "pvc://archive/room/stream/x.y.mp4" {
				t.Error(result.Outputs[0].URI)
			}
		})
	}
}

// A recorder that cuts its segments anywhere, within pictures and without tables, loses nothing.
func TestFetch_SegmentsCutWithinPacketsAreJoined(t *testing.T) {
	whole := t.TempDir()
	hlsRecording(t, filepath.Join(whole, "x"))
	var stream []byte
	for i := range 3 {
		data, err := os.ReadFile(filepath.Join(whole, "x", fmt.Sprintf("seg%d.ts", i)))
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, data...)
	}
	want := newBench(t, remux, "index.m3u8")
	hlsRecording(t, want.source)
	expected, _, err := want.run(t)
	if err != nil {
		t.Fatal(err)
	}
	const pieces = 7
	b := newBench(t, remux, "index.m3u8")
	playlist := "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
	packets := len(stream) / 188
	for i := range pieces {
		name := fmt.Sprintf("cut%d.ts", i)
		piece := stream[packets*i/pieces*188 : packets*(i+1)/pieces*188]
		if err := os.WriteFile(filepath.Join(b.source, name), piece, 0o600); err != nil {
			t.Fatal(err)
		}
		playlist += fmt.Sprintf("#EXTINF:%.3f,\n%s\n", 6.0/pieces, name)
	}
	if err := os.WriteFile(filepath.Join(b.source, "index.m3u8"), []byte(playlist+"#EXT-X-ENDLIST\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := b.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if got.Integrity.State != v1alpha1.IntegrityIntact || got.Integrity.Packets != expected.Integrity.Packets {
		t.Errorf("%+v, want %+v", got.Integrity, expected.Integrity)
	}
	if decoded(t, b) != decoded(t, want) {
		t.Error("other pictures or other sound than that of the recording as it was")
	}
}

// decoded is a digest of all pictures and all sound of the published MP4, with their times.
func decoded(t *testing.T, b *bench) string {
	t.Helper()
	result := filepath.Join(b.destination, "room/stream/index.mp4")
	out, err := exec.CommandContext(t.Context(), programs.FFmpeg(t), "-v", "error", "-nostdin", "-i", result, "-f", "framemd5", "-").Output()
	if err != nil || len(out) < 1000 {
		t.Fatalf("%v, %d bytes", err, len(out))
	}
	return string(out)
}

func TestPublish_Again(t *testing.T) {
	b := newBench(t, remux, "index.m3u8")
	hlsRecording(t, filepath.Join(b.source, "x"))
	b.Step.Inputs[0].Artifact.Key = "x/index.m3u8"
	first := b.mustRun(t)
	folder := filepath.Join(b.destination, "room/stream")
	mp4, manifest := filepath.Join(folder, "index.mp4"), filepath.Join(folder, "manifest.json")
	before, err := os.Stat(mp4)
	if err != nil {
		t.Fatal(err)
	}

	// Everything is there: nothing is written again.
	if diff := cmp.Diff(first, b.mustRun(t)); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if after, err := os.Stat(mp4); err != nil || !os.SameFile(before, after) {
		t.Errorf("the MP4 was written again (%v)", err)
	}

	// An attempt was killed half way: files without a manifest.
	if err := os.Remove(manifest); err != nil {
		t.Fatal(err)
	}
	edit(t, mp4, func(data []byte) []byte { return data[:100] })
	if diff := cmp.Diff(first, b.mustRun(t)); diff != "" {
		t.Errorf("(-first +after a killed attempt):\n%s", diff)
	}

	// Somebody damaged what was published.
	edit(t, mp4, func(data []byte) []byte { return data[:100] })
	if diff := cmp.Diff(first, b.mustRun(t)); diff != "" {
		t.Errorf("(-first +after damage):\n%s", diff)
	}

	// Another recording, another step, or something else is there.
	for name, change := range map[string]func([]byte) []byte{
		"recording": func(data []byte) []byte { return bytes.Replace(data, []byte("uid-1"), []byte("uid-2"), 1) },
		"step": func(data []byte) []byte {
			return bytes.Replace(data, []byte(`"step": "mp4"`), []byte(`"step": "hd"`), 1)
		},
		"something": func([]byte) []byte { return []byte(`{"name": "my web app"}`) },
	} {
		saved, _ := os.ReadFile(manifest)
		edit(t, manifest, change)
		changed, _ := os.ReadFile(manifest)
		_, _, err := b.run(t)
		wantFailure(t, err, workerapi.ReasonDestinationTaken, true, "manifest.json")
		if after, _ := os.ReadFile(manifest); !bytes.Equal(changed, after) {
			t.Errorf("%s: the other's manifest was changed", name)
		}
		edit(t, manifest, func([]byte) []byte { return saved })
	}
}
