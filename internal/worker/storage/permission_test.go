// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// asStepUser calls f as the user that steps run as, where the test itself is root, who may do everything.
func asStepUser(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	// The thread is never unlocked: it ends with its goroutine, and its rights with it.
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if before, err := unix.SetfsuidRetUid(stepUser); err != nil || before != 0 {
			t.Errorf("become user %d: %v", stepUser, err)
			return
		}
		f()
	}()
	<-done
}

// A volume that steps may not write says so in words that can be acted on.
func TestVolume_WithoutPermission(t *testing.T) {
	mount := t.TempDir()
	for dir := mount; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(mount, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(mount, 0o700) })
	writer, err := NewWriter(workerapi.Destination{Storage: claim("out"), Path: "room/"}, nil, Paths{Volume: mount}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var writeErr error
	local := t.TempDir()
	asStepUser(t, func() { _, writeErr = writer.Write(t.Context(), local, nil) })
	found := failure.Of(writeErr)
	if writeErr == nil || found.Reason != workerapi.ReasonForbidden || !errors.Is(writeErr, fs.ErrPermission) {
		t.Fatalf("error %v", writeErr)
	}
	for _, part := range []string{"claim calls", `"/out/room"`, "user 65532, group 65532", "write", "fsGroup"} {
		if !strings.Contains(found.Error(), part) {
			t.Errorf("message %q does not say %q", found.Error(), part)
		}
	}
	if strings.Contains(found.Error(), "mkdirat") {
		t.Errorf("message %q holds an internal", found.Error())
	}
}

func TestVolume_FileErrorsAreOneSentence(t *testing.T) {
	v := volume{claim: "calls", folder: "out", access: "read"}
	for errno, want := range map[syscall.Errno]struct {
		reason, message string
		permanent       bool
	}{
		syscall.EACCES:       {workerapi.ReasonForbidden, "may not read the folder", true},
		syscall.EPERM:        {workerapi.ReasonForbidden, "may not read the folder", true},
		syscall.EROFS:        {workerapi.ReasonForbidden, "claim calls can only be read", true},
		syscall.ENOENT:       {workerapi.ReasonNotFound, "pvc://calls/out/x is not there", true},
		syscall.ENOTDIR:      {workerapi.ReasonNotFound, "pvc://calls/out/x is not there", true},
		syscall.ENOSPC:       {workerapi.ReasonStorageUnavailable, "claim calls is full", false},
		syscall.ENAMETOOLONG: {workerapi.ReasonUnsupported, "too long for the file system", true},
		syscall.EIO:          {workerapi.ReasonStorageUnavailable, "cannot be used now", false},
	} {
		err := v.explain(&fs.PathError{Op: "openat", Path: "x", Err: errno}, "x")
		found := failure.Of(err)
		if found.Reason != want.reason || found.Permanent != want.permanent || !strings.Contains(err.Error(), want.message) ||
			strings.Contains(err.Error(), "openat") || found.Object != "x" {
			t.Errorf("%v: %s, permanent %v, about %q: %v", errno, found.Reason, found.Permanent, found.Object, err)
		}
	}
}
