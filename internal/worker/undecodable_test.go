// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestProcess_UndecodableIsFoundWhereItIs: one picture of two a second cannot be decoded, or one frame of sound. The finding names its
// time, although ffmpeg has decoded more by the time that it filters it.
func TestProcess_UndecodableIsFoundWhereItIs(t *testing.T) {
	for kind, tolerance := range map[media.Kind]int64{media.Video: 500, media.Audio: 250} { // a picture, or what is on its way
		t.Run(kind.String(), func(t *testing.T) {
			b := newBench(t, &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux, Strict: true}, "call.mp4")
			makeMedia(t, b.source, append([]string{
				"-f", "lavfi", "-i", "testsrc2=duration=20:size=160x90:rate=2", "-f", "lavfi", "-i", "anoisesrc=duration=20:sample_rate=48000",
			}, append(x264, "-b:a", "96k", "call.mp4")...)...)
			edit(t, filepath.Join(b.source, "call.mp4"), func(data []byte) []byte {
				ruin(t, data, kind, 12)
				return data
			})
			result, _, err := b.run(t)
			wantFailure(t, err, workerapi.ReasonFramesMissing, true, "DecodeErrors")
			found := result.Integrity.Findings[0]
			if off := found.AtMilliseconds - 12_000; found.Type != v1alpha1.FindingDecodeErrors || max(off, -off) > tolerance {
				t.Errorf("found %+v, want it at 12 s", found)
			}
		})
	}
}

// ruin overwrites all but the beginning of the sample of a kind at a time in seconds.
func ruin(t *testing.T, file []byte, kind media.Kind, at int64) {
	t.Helper()
	movie, err := mp4.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, track := range movie.Tracks() {
		if track.Kind != kind {
			continue
		}
		for sample, err := range track.Samples() {
			if err != nil {
				t.Fatal(err)
			}
			if sample.PTS >= at*int64(track.Timescale) {
				for i := int64(8); i < int64(sample.Size); i++ {
					file[sample.Offset+i] = byte(i*i+151*i) | 1
				}
				return
			}
		}
	}
	t.Fatalf("there is no %s at %d s", kind, at)
}
