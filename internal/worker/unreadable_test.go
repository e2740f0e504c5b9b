// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestProcess_EncryptedMP4: its tables are whole, and what is in its samples cannot be read.
func TestProcess_EncryptedMP4(t *testing.T) {
	for name, settings := range map[string]any{"remux": remux, "h264": h264, "archive": nil} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, settings, "call.mp4")
			makeMedia(t, b.source, append([]string{"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound}, append(x264, "call.mp4")...)...)
			edit(t, filepath.Join(b.source, "call.mp4"), func(data []byte) []byte {
				return bytes.Replace(data, []byte("avc1\x00"), []byte("encv\x00"), 1)
			})
			result, _, err := b.run(t)
			if name == "archive" {
				if err != nil {
					t.Fatal(err)
				}
			} else {
				wantFailure(t, err, workerapi.ReasonUnsupported, true, "the recording's video is encrypted")
			}
			if i := result.Integrity; i == nil || i.State != v1alpha1.IntegrityUnknown || len(i.Findings) != 1 || i.Findings[0].Type != v1alpha1.FindingEncrypted {
				t.Errorf("%+v", i)
			}
		})
	}
}

// TestProcess_NothingCanBeDecoded: the tables and the chain of units are whole, and the pictures' bytes are not.
func TestProcess_NothingCanBeDecoded(t *testing.T) {
	for settings, message := range map[*v1alpha1.Transcode]string{
		h264: "nothing can be encoded",
		{Preset: v1alpha1.PresetRemux, Strict: true}: "no picture can be decoded",
	} {
		t.Run(message, func(t *testing.T) {
			b := newBench(t, settings, "call.mp4")
			withoutParameters(t, b)
			result, _, err := b.run(t)
			wantFailure(t, err, workerapi.ReasonFramesMissing, true, message)
			if i := result.Integrity; i == nil || i.State != v1alpha1.IntegrityDamaged || i.Findings[0].Type != v1alpha1.FindingDecodeErrors {
				t.Errorf("%+v", i)
			}
		})
	}
}

// withoutParameters makes an MP4 whose parameter sets are wrong.
func withoutParameters(t *testing.T, b *bench) {
	t.Helper()
	makeMedia(t, b.source, append([]string{"-f", "lavfi", "-i", picture}, append(x264, "call.mp4")...)...)
	edit(t, filepath.Join(b.source, "call.mp4"), func(data []byte) []byte {
		at := bytes.Index(data, []byte("avcC")) + 4 + 8 // behind the profile, the number and the length
		for i := range 8 {
			data[at+1+3+i] = 0 // no number of a parameter set begins with so many zeros
		}
		return data
	})
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
