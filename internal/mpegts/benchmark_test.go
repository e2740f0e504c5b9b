// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"os"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mpegts"
)

// BenchmarkRead reads the transport stream that BENCH_TS names, or a small one that ffmpeg makes, with and without
// building samples.
func BenchmarkRead(b *testing.B) {
	path := os.Getenv("BENCH_TS")
	if path == "" {
		b.Skip("BENCH_TS names no file")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	for name, yield := range map[string]func(media.Sample) error{
		"index":   nil,
		"samples": func(media.Sample) error { return nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := mpegts.Read(bytes.NewReader(data), yield); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
