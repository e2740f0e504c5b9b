// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
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

// A picture that stands still for a while, as when a camera is paused, is the recording's own.
func TestTranscode_KeepsAPause(t *testing.T) {
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
func TestTranscode_Discontinuity(t *testing.T) {
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
func TestTranscode_FragmentedMP4(t *testing.T) {
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

// TestTranscode_SoundAloneThatBeginsLate: an edit list delays the only track of a file.
func TestTranscode_SoundAloneThatBeginsLate(t *testing.T) {
	for name, transcode := range map[string]*v1alpha1.Transcode{"remux": remux, "h264": h264} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, transcode, "late.mp4")
			makeMedia(t, b.source, "-f", "lavfi", "-i", sound, "-af", "asetpts=PTS+20/TB", "-c:a", "aac", "late.mp4")
			b.mustRun(t)
		})
	}
}

// TestTranscode_PartWithoutKeyFrame: decoders do not complain about pictures whose only key frame is lost. They show none of them.
func TestTranscode_PartWithoutKeyFrame(t *testing.T) {
	for _, policy := range []v1alpha1.DamagePolicy{v1alpha1.DamageFail, v1alpha1.DamagePublish} {
		t.Run(string(policy), func(t *testing.T) {
			b := newBench(t, &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux, OnChange: v1alpha1.ChangeSplit, OnDamage: policy}, "index.m3u8")
			hls := []string{"-c:a", "aac", "-hls_time", "2", "-hls_flags", "split_by_time", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "index.m3u8"}
			for folder, from := range map[string][]string{
				"sound":   {"-f", "lavfi", "-i", "sine=duration=4:sample_rate=48000"},
				"picture": {"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-g", "1000"},
			} {
				dir := filepath.Join(b.source, folder)
				if err := os.MkdirAll(dir, 0o750); err != nil {
					t.Fatal(err)
				}
				makeMedia(t, dir, append(from, hls...)...)
			}
			playlist := "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n" +
				"#EXT-X-MAP:URI=\"sound/init.mp4\"\n#EXTINF:2,\nsound/index0.m4s\n#EXTINF:2,\nsound/index1.m4s\n#EXT-X-DISCONTINUITY\n" +
				"#EXT-X-MAP:URI=\"picture/init.mp4\"\n#EXTINF:2,\npicture/index1.m4s\n#EXTINF:2,\npicture/index2.m4s\n#EXT-X-ENDLIST\n"
			if err := os.WriteFile(filepath.Join(b.source, "index.m3u8"), []byte(playlist), 0o600); err != nil {
				t.Fatal(err)
			}
			const said = "no picture can be decoded: the key frame that they need is lost"
			result, _, err := b.run(t)
			if policy == v1alpha1.DamageFail {
				wantFailure(t, err, workerapi.ReasonFramesMissing, true, said)
			} else if err != nil {
				t.Fatal(err)
			}
			if result.Integrity == nil || result.Integrity.State != v1alpha1.IntegrityDamaged ||
				!slices.ContainsFunc(result.Integrity.Findings, func(f v1alpha1.Finding) bool { return strings.Contains(f.Message, said) }) {
				t.Errorf("%+v", result.Integrity)
			}
		})
	}
}
