// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// A recording of an hour, copied to a volume, hashed and read back.
func BenchmarkVolumeWrite(b *testing.B) {
	const size = 130 << 20
	local := b.TempDir()
	if err := os.WriteFile(filepath.Join(local, "call.mp4"), bytes.Repeat([]byte("0123456789abcdef"), size/16), 0o600); err != nil {
		b.Fatal(err)
	}
	writer, err := NewWriter(workerapi.Destination{Storage: claim("out"), Path: "room/"}, nil, Paths{Volume: b.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	for b.Loop() {
		written, err := writer.Write(b.Context(), local, []File{{Name: "call.mp4"}})
		if sent := written["call.mp4"]; err != nil || sent.ReadBack != sent.SHA256 {
			b.Fatalf("%+v, %v", sent, err)
		}
	}
}
