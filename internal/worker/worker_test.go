// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

func TestTranscode(t *testing.T) {
	tests := map[string]struct {
		transcode *v1alpha1.Transcode
		width     int32
		height    int32
	}{
		"remux": {transcode: remux, width: 160, height: 90},
		"h264":  {transcode: h264, width: 88, height: 50},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, test.transcode, "calls/index.m3u8")
			hlsRecording(t, filepath.Join(b.source, "calls"))
			output := b.mustRun(t)
			media := output.Media
			if output.URI != "pvc://archive/room/stream/index.mp4" || output.Files != 1 || output.SizeBytes == 0 || len(output.SHA256) != 64 {
				t.Errorf("%+v", output)
			}
			if media.Container != "mp4" || media.VideoCodec != "h264" || media.AudioCodec != "aac" ||
				media.Width != test.width || media.Height != test.height || media.DurationMilliseconds < 5900 || media.DurationMilliseconds > 6200 {
				t.Errorf("%+v", media)
			}
			folder := filepath.Join(b.destination, "room/stream")
			if diff := cmp.Diff([]string{"index.mp4", "manifest.json"}, files(t, folder)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			manifest := readManifest(t, filepath.Join(folder, "manifest.json"))
			if manifest.Recording.UID != "uid-1" || manifest.Step != "mp4" || manifest.CreatedBy != "v1.2.3" ||
				manifest.Files[0].SHA256 != output.SHA256 || manifest.Files[0].SizeBytes != output.SizeBytes {
				t.Errorf("%+v", manifest)
			}
		})
	}
}

// What was damaged in the bucket is never a shorter video.
func TestDamage(t *testing.T) {
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
		"marked as lost":           {damage: playlist("seg1.ts", "#EXT-X-GAP\nseg1.ts"), container: workerapi.ContainerProcess, reason: workerapi.ReasonSegmentMissing, message: "segment 1 (seg1.ts) at 2"},
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

// A picture that stands still for a while, as when a camera is paused, is the recording's own.
func TestPauseIsKept(t *testing.T) {
	for name, transcode := range map[string]*v1alpha1.Transcode{"remux": remux, "h264": h264} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, transcode, "index.m3u8")
			args := append([]string{"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-vf", "select='not(between(t,2.25,3.75))'", "-fps_mode", "vfr"}, x264...)
			makeMedia(t, b.source, append(args, "-hls_time", "2", "-hls_playlist_type", "vod", "index.m3u8")...)
			b.mustRun(t)
		})
	}
}

// A recording that went on after a break: its clock begins again, and the playlist says so.
func TestDiscontinuity(t *testing.T) {
	for name, transcode := range map[string]*v1alpha1.Transcode{"remux": remux, "h264": h264} {
		for _, damaged := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, damaged %v", name, damaged), func(t *testing.T) {
				b := newBench(t, transcode, "index.m3u8")
				hlsRecording(t, filepath.Join(b.source, "a"))
				hlsRecording(t, filepath.Join(b.source, "b"))
				var text strings.Builder
				text.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:2\n")
				for i, folder := range []string{"a", "b"} {
					if i > 0 {
						text.WriteString("#EXT-X-DISCONTINUITY\n")
					}
					for segment := range 3 {
						fmt.Fprintf(&text, "#EXTINF:2.0,\n%s/seg%d.ts\n", folder, segment)
					}
				}
				text.WriteString("#EXT-X-ENDLIST\n")
				if err := os.WriteFile(filepath.Join(b.source, "index.m3u8"), []byte(text.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				if damaged {
					edit(t, filepath.Join(b.source, "b/seg1.ts"), hollow)
					_, _, err := b.run(t)
					wantFailure(t, err, workerapi.ReasonFramesMissing, true, "segment 4")
					return
				}
				if output := b.mustRun(t); output.Media.DurationMilliseconds < 11_900 {
					t.Errorf("%+v", output.Media)
				}
			})
		}
	}
}

// Fragmented MP4 in one file, by ranges and with an initialization section.
func TestFragmentedMP4(t *testing.T) {
	for name, transcode := range map[string]*v1alpha1.Transcode{"remux": remux, "archive": nil} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, transcode, "index.m3u8")
			args := append([]string{"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound}, x264...)
			makeMedia(t, b.source, append(args, "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-hls_flags", "single_file", "index.m3u8")...)
			output := b.mustRun(t)
			if output.Media == nil || output.Media.DurationMilliseconds < 5900 || output.Media.VideoCodec != "h264" {
				t.Errorf("%+v", output.Media)
			}
		})
	}
}

func TestArchiveHLS(t *testing.T) {
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
func TestArchiveMaster(t *testing.T) {
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
func TestArchiveKeepsNoise(t *testing.T) {
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

func TestSingleFile(t *testing.T) {
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

func TestPublishAgain(t *testing.T) {
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

// A tool's end is classified by its cause, and nothing that a tool wrote gets into the result.
func TestProcess_SaysWhyFFmpegFailed(t *testing.T) {
	tests := map[string]struct {
		script    string
		reason    string
		permanent bool
		message   string
	}{
		"killed":          {"kill -KILL $$", workerapi.ReasonOutOfMemory, false, "raise the step's resources.limits.memory"},
		"crashed":         {"kill -SEGV $$", workerapi.ReasonTranscodeFailed, false, "ffmpeg was killed by signal SIGSEGV"},
		"the disk":        {"echo '[error] secret.mp4: No space left on device' >&2; exit 1", workerapi.ReasonInternal, false, "the work volume is full"},
		"the memory":      {"echo '[error] secret.mp4: Cannot allocate memory' >&2; exit 244", workerapi.ReasonOutOfMemory, false, "resources.limits.memory"},
		"the recording":   {"echo '[mov @ 0x55] [error] secret: moov atom not found' >&2; exit 1", workerapi.ReasonTranscodeFailed, true, "exit code 1"},
		"the sandbox":     {"exit 125", workerapi.ReasonInternal, false, "cannot set up the sandbox"},
		"it names errors": {"echo 'title: secret No space left on device' >&2; exit 1", workerapi.ReasonTranscodeFailed, true, "exit code 1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, h264, "index.m3u8")
			hlsRecording(t, b.source)
			if _, err := b.Fetch(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.Self = filepath.Join(t.TempDir(), "worker")
			if err := os.WriteFile(b.Self, []byte("#!/bin/sh\n"+test.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := b.Process(t.Context())
			wantFailure(t, err, test.reason, test.permanent, test.message)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the result quotes ffmpeg: %v", err)
			}
		})
	}
}

// TestProcess_UnknownEncoding: Remux keeps pictures that ffmpeg is not built for, and the others say that they cannot be decoded.
func TestProcess_UnknownEncoding(t *testing.T) {
	for name, test := range map[string]struct {
		settings *v1alpha1.Transcode
		reason   string
	}{
		"Remux":  {remux, ""},
		"strict": {&v1alpha1.Transcode{Preset: v1alpha1.PresetRemux, Strict: true}, workerapi.ReasonUnsupported},
		"H264":   {h264, workerapi.ReasonUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, test.settings, "x.mp4")
			makeMedia(t, b.source, append([]string{"-f", "lavfi", "-i", picture}, append(x264, "x.mp4")...)...)
			edit(t, filepath.Join(b.source, "x.mp4"), func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("avc1"), []byte("vvc1")) })
			_, container, err := b.run(t)
			if test.reason != "" {
				wantFailure(t, err, test.reason, true, "vvc1 cannot be decoded")
			} else if err != nil {
				t.Errorf("%s: %v", container, err)
			}
		})
	}
}
