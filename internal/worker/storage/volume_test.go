// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func claim(subPath string) workerapi.Storage {
	return workerapi.Storage{Spec: v1alpha1.StorageLocationSpec{
		PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "calls", SubPath: subPath},
	}}
}

func TestVolumeReader(t *testing.T) {
	mount := t.TempDir()
	write(t, filepath.Join(mount, "recordings/bucket/a/index.m3u8"), "0123456789")
	write(t, filepath.Join(mount, "secret"), "secret")
	for name, target := range map[string]string{"a/inside": "index.m3u8", "a/outside": "../../../secret", "a/absolute": "/etc/passwd"} {
		if err := os.Symlink(target, filepath.Join(mount, "recordings/bucket", name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(mount, "recordings/bucket/a/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	storage := claim("recordings")
	reader, err := NewReader(workerapi.Input{Storage: &storage, Artifact: v1alpha1.Artifact{Bucket: "bucket"}}, nil, Paths{Volume: mount}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		object string
		bound  int64
		reason string
	}{
		{"a/index.m3u8", 10, ""},
		{"a/inside", 10, ""},
		{"a/index.m3u8", 9, workerapi.ReasonTooLarge},
		{"a/missing", 10, workerapi.ReasonNotFound},
		{"a/index.m3u8/x", 10, workerapi.ReasonNotFound},
		{"a", 10, workerapi.ReasonNotFound},
		{"a/pipe", 10, workerapi.ReasonNotFound},
		{"a/outside", 10, workerapi.ReasonForbidden},
		{"a/absolute", 10, workerapi.ReasonForbidden},
		{"../../secret", 10, workerapi.ReasonUnsupported},
	} {
		t.Run(test.object, func(t *testing.T) {
			err := reader.Copy(t.Context(), []Object{{Ref: test.object, File: "x"}}, t.TempDir(), test.bound, nil)
			checkFailure(t, err, test.reason)
		})
	}
}

const sumOfTwo = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"

func TestVolumeWriter(t *testing.T) {
	mount, local := t.TempDir(), t.TempDir()
	write(t, filepath.Join(local, "sub/one.ts"), "one")
	write(t, filepath.Join(local, "two.ts"), "two")
	writer, err := NewWriter(workerapi.Destination{Storage: claim("out"), Path: "room/"}, nil, Paths{Volume: mount}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"sub/one.ts", "two.ts"}
	for range 2 {
		written, err := writer.Write(t.Context(), local, []File{{Name: "sub/one.ts"}, {Name: "two.ts"}})
		if err != nil || written["two.ts"] != (Written{SizeBytes: 3, SHA256: sumOfTwo, ReadBack: sumOfTwo}) {
			t.Fatalf("%+v, %v", written, err)
		}
	}
	sums, err := writer.Sums(t.Context(), append(names, "missing"))
	if err != nil || len(sums) != 2 || sums["two.ts"] != sumOfTwo {
		t.Errorf("sums %v, %v", sums, err)
	}
	if uri := writer.URI("sub/one.ts"); uri != "pvc://calls/out/room/sub/one.ts" {
		t.Error(uri)
	}
	if left, _ := filepath.Glob(filepath.Join(mount, "out/room/.*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := writer.Read(t.Context(), "two.ts", 2); err == nil {
		t.Error("more than the bound is read")
	}
	for range 2 {
		if err := writer.Remove(t.Context(), "two.ts"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = writer.Read(t.Context(), "two.ts", 2)
	checkFailure(t, err, workerapi.ReasonNotFound)

	if err := os.Symlink(t.TempDir(), filepath.Join(mount, "out/room/away")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(local, "away/x"), "x")
	_, err = writer.Write(t.Context(), local, []File{{Name: "away/x"}})
	checkFailure(t, err, workerapi.ReasonForbidden)
}
