// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// objectsOf names count objects of 10 bytes.
func objectsOf(prefix string, count int) []Object {
	objects := make([]Object, count)
	for i := range objects {
		objects[i] = Object{Ref: fmt.Sprintf("%s%d", prefix, i), File: fmt.Sprintf("file-%d", i)}
	}
	return objects
}

func volumeOf(t *testing.T, objects []Object) Reader {
	t.Helper()
	mount := t.TempDir()
	for _, object := range objects {
		write(t, filepath.Join(mount, object.Ref), "0123456789")
	}
	storage := claim("")
	reader, err := NewReader(workerapi.Input{Storage: &storage}, nil, Paths{Volume: mount}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

func TestCopy_CallsStoredOnceEachFileIsWhole(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("0123456789")) }))
	t.Cleanup(server.Close)
	volumeObjects, urls := objectsOf("", 20), objectsOf(server.URL+"/", 20)
	for name, test := range map[string]struct {
		reader  Reader
		objects []Object
	}{
		"volume":   {volumeOf(t, volumeObjects), volumeObjects},
		"download": {newTestDownload(t, server), urls},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var calls [20]atomic.Int32
			err := test.reader.Copy(t.Context(), test.objects, dir, 200, func(index int) error {
				calls[index].Add(1)
				if data, err := os.ReadFile(filepath.Join(dir, test.objects[index].File)); string(data) != "0123456789" {
					t.Errorf("object %d is %q when it counts as stored (%v)", index, data, err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := range calls {
				if calls[i].Load() != 1 {
					t.Errorf("object %d: stored was called %d times", i, calls[i].Load())
				}
			}
			err = test.reader.Copy(t.Context(), test.objects, t.TempDir(), 199, nil)
			checkFailure(t, err, workerapi.ReasonTooLarge)
			broken := errors.New("cannot be indexed")
			err = test.reader.Copy(t.Context(), test.objects, t.TempDir(), 200, func(int) error { return broken })
			if !errors.Is(err, broken) {
				t.Errorf("error %v, want the one that stored returned", err)
			}
		})
	}
}

// TestCopy_MissingObjectsDoNotEndIt: all others are stored, and the failure is about the first one that is not there.
func TestCopy_MissingObjectsDoNotEndIt(t *testing.T) {
	const there = "0123456789"
	missing := map[int]bool{3: true, 0: true, 19: true}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range missing {
			if r.URL.Path == fmt.Sprintf("/%d", i) {
				w.WriteHeader(http.StatusNotFound)
				return
			}
		}
		_, _ = w.Write([]byte(there))
	}))
	t.Cleanup(server.Close)
	volumeObjects, urls := objectsOf("", 20), objectsOf(server.URL+"/", 20)
	volume := volumeReader{volume: volume{claim: "calls", mount: t.TempDir()}}
	for i, object := range volumeObjects {
		if !missing[i] {
			write(t, filepath.Join(volume.mount, object.Ref), there)
		}
	}
	for name, test := range map[string]struct {
		reader  Reader
		objects []Object
	}{
		"volume":   {&volume, volumeObjects},
		"download": {newTestDownload(t, server), urls},
	} {
		t.Run(name, func(t *testing.T) {
			var stored atomic.Int32
			err := test.reader.Copy(t.Context(), test.objects, t.TempDir(), 200, func(index int) error {
				if missing[index] {
					t.Errorf("object %d counts as stored", index)
				}
				stored.Add(1)
				return nil
			})
			checkFailure(t, err, workerapi.ReasonNotFound)
			if about := failure.Of(err).Object; about != test.objects[0].Ref || stored.Load() != 17 {
				t.Errorf("%d objects are stored, and the failure is about %q", stored.Load(), about)
			}
		})
	}
}
