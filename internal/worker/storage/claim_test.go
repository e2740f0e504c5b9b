// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/testing/s3server"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const claimFile = ".recording-claim"

// claimStore is a minimal S3 server that knows, ignores or refuses conditions on what is written.
type claimStore struct {
	conditions string // known, ignored, refused

	mu      sync.Mutex
	objects map[string][]byte
	times   map[string]time.Time
	now     time.Time
}

func (c *claimStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := r.URL.Path
	held, found := c.objects[key]
	w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	etag := fmt.Sprintf(`"%x"`, c.times[key].UnixNano())
	switch r.Method {
	case http.MethodGet:
		if !found {
			s3Error(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("Last-Modified", c.times[key].UTC().Format(http.TimeFormat))
		w.Header().Set("Etag", etag)
		_, _ = w.Write(held)
	case http.MethodPut:
		none, match := r.Header.Get("If-None-Match"), r.Header.Get("If-Match")
		switch {
		case c.conditions == "refused" && none+match != "":
			s3Error(w, http.StatusNotImplemented, "NotImplemented")
			return
		case c.conditions == "known" && (none != "" && found || match != "" && match != etag):
			s3Error(w, http.StatusPreconditionFailed, "PreconditionFailed")
			return
		}
		c.objects[key], _ = io.ReadAll(r.Body)
		c.times[key] = c.now
	case http.MethodDelete:
		delete(c.objects, key)
		w.WriteHeader(http.StatusNoContent)
	}
}

// claimStage is a folder that can be claimed, and a way to make what is in it old.
type claimStage struct {
	writer Writer
	age    func(by time.Duration)
}

func claimStages(t *testing.T) map[string]claimStage {
	t.Helper()
	mount := t.TempDir()
	onVolume, err := NewWriter(workerapi.Destination{Storage: claim("out"), Path: "room/"}, nil, Paths{Volume: mount}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stages := map[string]claimStage{"volume": {writer: onVolume, age: func(by time.Duration) {
		path := filepath.Join(mount, "out/room", claimFile)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, info.ModTime().Add(-by)); err != nil {
			t.Fatal(err)
		}
	}}}
	for _, conditions := range []string{"known", "ignored", "refused"} {
		store := &claimStore{conditions: conditions, objects: map[string][]byte{}, times: map[string]time.Time{}, now: time.Unix(1_000_000, 0)}
		_, writer := newTestS3(t, startServer(t, store).URL, "archive", "", "room/")
		stages["S3, conditions "+conditions] = claimStage{writer: writer, age: func(by time.Duration) {
			store.mu.Lock()
			defer store.mu.Unlock()
			store.now = store.now.Add(by)
		}}
	}
	return stages
}

func TestClaim_HoldsForItsOwnerUntilItIsOld(t *testing.T) {
	first, second, third := []byte("first\n"), []byte("second\n"), []byte("third\n")
	for name, stage := range claimStages(t) {
		t.Run(name, func(t *testing.T) {
			expect := func(owner, want []byte) {
				t.Helper()
				holder, err := stage.writer.Claim(t.Context(), claimFile, owner, time.Hour)
				if err != nil || !bytes.Equal(holder, want) {
					t.Fatalf("%q claims: held by %q, %v, want %q", owner, holder, err, want)
				}
			}
			expect(first, first)
			expect(first, first) // an attempt that died left it
			expect(second, first)
			stage.age(59 * time.Minute)
			expect(second, first)
			stage.age(2 * time.Minute)
			expect(second, second)
			expect(first, second)
			if err := stage.writer.Remove(t.Context(), claimFile); err != nil {
				t.Fatal(err)
			}
			expect(third, third)
		})
	}
}

// However many claim at one time, a new folder or one whose claim is old, one has it, and all others know who.
func TestClaim_OneOfManyHasIt(t *testing.T) {
	server := s3server.Start(t, "archive")
	mount := t.TempDir()
	volume, err := NewWriter(workerapi.Destination{Storage: claim("out")}, nil, Paths{Volume: mount}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, bucket := newTestS3(t, server.Direct(), "archive", "", "")
	bucket.settle = claimSettle
	for name, writer := range map[string]Writer{"volume": volume, "S3": bucket} {
		t.Run(name, func(t *testing.T) {
			for round := range 50 {
				file := fmt.Sprintf("%s-%d", claimFile, round)
				stale := name == "volume" && round%2 == 1
				if stale {
					write(t, filepath.Join(mount, "out", file), "long dead")
					past := time.Now().Add(-48 * time.Hour)
					if err := os.Chtimes(filepath.Join(mount, "out", file), past, past); err != nil {
						t.Fatal(err)
					}
				}
				holders := make([]string, 4)
				var all sync.WaitGroup
				for i := range holders {
					all.Go(func() {
						holder, err := writer.Claim(t.Context(), file, fmt.Appendf(nil, "owner %d", i), time.Hour)
						if err != nil {
							t.Error(err)
						}
						holders[i] = string(holder)
					})
				}
				all.Wait()
				have := 0
				for i, holder := range holders {
					if holder == fmt.Sprintf("owner %d", i) {
						have++
					} else if !strings.HasPrefix(holder, "owner ") && (!stale || holder != "long dead") {
						t.Errorf("%d is told %q", i, holder)
					}
				}
				if have != 1 {
					t.Fatalf("round %d: %d of %q have the claim", round, have, holders)
				}
			}
		})
	}
	left, err := filepath.Glob(filepath.Join(mount, "out", ".*"))
	if err != nil || len(left) != 50 {
		t.Errorf("%d files are left, want the 50 claims: %v, %v", len(left), left, err)
	}
}

// A claim that was created and not written, where links cannot be made, holds for a minute only.
func TestClaim_EmptyClaimIsReplacedSoon(t *testing.T) {
	mount := t.TempDir()
	writer, err := NewWriter(workerapi.Destination{Storage: claim("out")}, nil, Paths{Volume: mount}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(mount, "out", claimFile)
	write(t, path, "")
	holder, err := writer.Claim(t.Context(), claimFile, []byte("owner"), time.Hour)
	if err != nil || len(holder) != 0 {
		t.Fatalf("held by %q, %v", holder, err)
	}
	past := time.Now().Add(-2 * time.Minute)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	if holder, err := writer.Claim(t.Context(), claimFile, []byte("owner"), time.Hour); err != nil || string(holder) != "owner" {
		t.Errorf("held by %q, %v", holder, err)
	}
}
