// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/s3server"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// attempt is a publish container of a recording.
type attempt struct {
	Options
	product step.Product
}

func (a *attempt) publish(ctx context.Context) (workerapi.Result, error) {
	return Product(ctx, &a.product, a.Options)
}

// publishing is an attempt whose files hold content.
func publishing(t *testing.T, uid string, destination workerapi.Destination, paths storage.Paths, product step.Product, content string) *attempt {
	t.Helper()
	a := &attempt{product: product, Options: Options{
		Step: &workerapi.StepSpec{
			Namespace: "school", File: "math-" + uid, UID: uid, Step: "mp4", Destination: destination, Kind: "archive",
			DeniedNetworks: []string{"192.0.2.0/24"}, // the S3 server is on this host, which is denied by default
		},
		Destination: paths, OutputDir: t.TempDir(), TempDir: t.TempDir(), Version: "v1.2.3", Log: slog.New(slog.DiscardHandler),
	}}
	for _, file := range product.Files {
		path := filepath.Join(a.OutputDir, product.LocalName(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content+file.Name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func onVolume(path string) workerapi.Destination {
	return workerapi.Destination{Path: path, Storage: workerapi.Storage{Name: "archive", Spec: v1alpha1.StorageLocationSpec{
		PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "archive"},
	}}}
}

func onS3(t *testing.T, endpoint, path string) (workerapi.Destination, storage.Paths) {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{"accessKeyID": s3server.AccessKeyID, "secretAccessKey": s3server.SecretAccessKey} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return workerapi.Destination{Path: path, Storage: workerapi.Storage{Name: "archive", Spec: v1alpha1.StorageLocationSpec{
		S3: &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: endpoint, Bucket: "archive"},
	}}}, storage.Paths{Credentials: dir}
}

func twoFiles() step.Product {
	return step.Product{Files: []step.File{{Name: "seg0.ts"}, {Name: "index.m3u8"}}, Outputs: []step.Output{{Files: 2}}}
}

// Two recordings are published into one folder at one time: one succeeds, and what lies there is its own, whole.
func TestPublish_OfRacingRecordingsOneSucceeds(t *testing.T) {
	server := s3server.Start(t, "archive")
	mount := t.TempDir()
	s3, credentials := onS3(t, server.Direct(), "")
	for name, place := range map[string]struct {
		destination workerapi.Destination
		paths       storage.Paths
		read        func(path string) ([]byte, error)
	}{
		"volume": {onVolume(""), storage.Paths{Volume: mount}, func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(mount, path)) }},
		"S3":     {s3, credentials, func(path string) ([]byte, error) { return server.Read("archive", path) }},
	} {
		t.Run(name, func(t *testing.T) {
			for round := range 200 {
				destination := place.destination
				destination.Path = fmt.Sprintf("room-%d/", round)
				var errs [2]error
				var both sync.WaitGroup
				for i := range errs {
					w := publishing(t, fmt.Sprintf("uid-%d", i), destination, place.paths, twoFiles(), fmt.Sprintf("content %d of ", i))
					both.Go(func() { _, errs[i] = w.publish(t.Context()) })
				}
				both.Wait()
				winner := 0
				if errs[0] != nil {
					winner = 1
				}
				if errs[winner] != nil || errs[1-winner] == nil {
					t.Fatalf("round %d: %v; %v", round, errs[0], errs[1])
				}
				if found := failure.Of(errs[1-winner]); found.Reason != workerapi.ReasonDestinationTaken || !found.Permanent {
					t.Fatalf("round %d: %v", round, found)
				}
				checkPublished(t, destination.Path, fmt.Sprintf("uid-%d", winner), fmt.Sprintf("content %d of ", winner), place.read)
			}
		})
	}
}

// checkPublished checks that a folder is complete, of one recording, and holds no claim any more.
func checkPublished(t *testing.T, folder, uid, content string, read func(path string) ([]byte, error)) {
	t.Helper()
	data, err := read(folder + workerapi.ManifestName)
	if err != nil {
		t.Fatal(err)
	}
	var manifest Manifest
	if err := json.Unmarshal(data, &manifest); err != nil || manifest.Recording.UID != uid || len(manifest.Files) != 2 {
		t.Fatalf("%v, %+v, want the manifest of %s", err, manifest, uid)
	}
	for _, file := range manifest.Files {
		data, err := read(folder + file.Name)
		sum := sha256.Sum256(data)
		if err != nil || string(data) != content+file.Name || file.SHA256 != hex.EncodeToString(sum[:]) || file.SizeBytes != int64(len(data)) {
			t.Fatalf("%s holds %q (%v), the manifest says %+v", file.Name, data, err, file)
		}
	}
	if _, err := read(folder + claimName); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the claim is left: %v", err)
	}
}

// An attempt that was killed leaves its claim: the next one of the same recording goes on, another recording does not.
func TestPublish_ClaimOfADeadAttemptIsTakenOver(t *testing.T) {
	mount := t.TempDir()
	paths := storage.Paths{Volume: mount}
	own := publishing(t, "uid-1", onVolume("room/"), paths, twoFiles(), "one ")
	owner, err := (&publisher{Options: own.Options}).claimant()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(mount, "room"), 0o750); err != nil {
		t.Fatal(err)
	}
	claim := filepath.Join(mount, "room", claimName)
	if err := os.WriteFile(claim, owner, 0o600); err != nil {
		t.Fatal(err)
	}
	other := publishing(t, "uid-2", onVolume("room/"), paths, twoFiles(), "two ")
	if _, err := other.publish(t.Context()); failure.Of(err).Reason != workerapi.ReasonDestinationTaken || !strings.Contains(err.Error(), "school/math-uid-1") {
		t.Errorf("another recording: %v", err)
	}
	if data, err := os.ReadFile(claim); err != nil || string(data) != string(owner) {
		t.Errorf("another recording changed the claim: %q, %v", data, err)
	}
	if _, err := own.publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkPublished(t, "room/", "uid-1", "one ", func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(mount, path)) })
}

// A publish that fails or is stopped gives the folder back.
func TestPublish_FailureReleasesTheFolder(t *testing.T) {
	mount := t.TempDir()
	paths := storage.Paths{Volume: mount}
	broken := publishing(t, "uid-1", onVolume("room/"), paths, twoFiles(), "one ")
	if err := os.Remove(filepath.Join(broken.OutputDir, "index.m3u8")); err != nil {
		t.Fatal(err)
	}
	if _, err := broken.publish(t.Context()); err == nil {
		t.Fatal("a file that is missing is published")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := publishing(t, "uid-3", onVolume("room/"), paths, twoFiles(), "three ").publish(ctx); err == nil {
		t.Fatal("published although stopped")
	}
	if _, err := publishing(t, "uid-2", onVolume("room/"), paths, twoFiles(), "two ").publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkPublished(t, "room/", "uid-2", "two ", func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(mount, path)) })
}

// A name that no file system takes is published to S3 as it is, from a file with a name of our own; a volume says which
// limit it passes.
func TestPublish_NamesLongerThanAFileName(t *testing.T) {
	long := strings.Repeat("房", 100) + ".ts"
	product := step.Product{Files: []step.File{{Name: long}, {Name: "index.m3u8"}}, Outputs: []step.Output{{Files: 2}}, Local: map[string]string{long: "file-0"}}

	objects := &memoryStore{objects: map[string][]byte{}}
	server := httptest.NewServer(objects)
	t.Cleanup(server.Close)
	destination, paths := onS3(t, server.URL, "room/")
	result, err := publishing(t, "uid-1", destination, paths, product, "").publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if data := objects.objects["/archive/room/"+long]; string(data) != long {
		t.Errorf("stored as %q; there is %d objects", data, len(objects.objects))
	}
	if result.Outputs[0].URI != "s3://archive/room/index.m3u8" || result.Outputs[0].Files != 2 {
		t.Errorf("%+v", result.Outputs[0])
	}
	if strings.Contains(string(objects.objects["/archive/room/manifest.json"]), "file-0") {
		t.Error("the manifest has local names")
	}

	_, err = publishing(t, "uid-1", onVolume("room/"), storage.Paths{Volume: t.TempDir()}, product, "").publish(t.Context())
	if failure.Of(err).Reason != workerapi.ReasonUnsupported || !strings.Contains(err.Error(), "303 bytes, a volume allows 255") {
		t.Errorf("%v", err)
	}
}

// What lies in output/ comes from ffmpeg, which a hostile recording may have taken over.
func TestPublish_FollowsNoLink(t *testing.T) {
	server := httptest.NewServer(&memoryStore{objects: map[string][]byte{}})
	t.Cleanup(server.Close)
	s3, credentials := onS3(t, server.URL, "room/")
	mount := t.TempDir()
	for name, place := range map[string]struct {
		destination workerapi.Destination
		paths       storage.Paths
	}{"volume": {onVolume("room/"), storage.Paths{Volume: mount}}, "S3": {s3, credentials}} {
		t.Run(name, func(t *testing.T) {
			w := publishing(t, "uid-1", place.destination, place.paths, twoFiles(), "")
			secret := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			video := filepath.Join(w.OutputDir, "seg0.ts")
			if err := errors.Join(os.Remove(video), os.Symlink(secret, video)); err != nil {
				t.Fatal(err)
			}
			if _, err := w.publish(t.Context()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%v", err)
			}
		})
	}
}

// corruptingWriter reads something else back than was written.
type corruptingWriter struct{ storage.Writer }

func (c corruptingWriter) Write(ctx context.Context, dir string, files []storage.File) (map[string]storage.Written, error) {
	written, err := c.Writer.Write(ctx, dir, files)
	for name, one := range written {
		one.ReadBack = strings.Repeat("0", len(one.ReadBack))
		written[name] = one
	}
	return written, err
}

func TestPublish_CopyThatReadsBackDifferentlyIsNotPublished(t *testing.T) {
	mount := t.TempDir()
	w := publishing(t, "uid-1", onVolume("room/"), storage.Paths{Volume: mount}, twoFiles(), "")
	writer, err := storage.NewWriter(w.Step.Destination, w.Step.DeniedNetworks, w.Destination, w.Log)
	if err != nil {
		t.Fatal(err)
	}
	err = (&publisher{Options: w.Options, writer: corruptingWriter{writer}, product: &w.product}).publish(t.Context())
	if failure.Of(err).Reason != workerapi.ReasonChecksumMismatch {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(mount, "room", workerapi.ManifestName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder counts as complete: %v", err)
	}
}

// What process has measured already must not have changed since.
func TestPublish_FileThatChangedSinceItWasMadeIsNotPublished(t *testing.T) {
	product := step.Product{Files: []step.File{{Name: "call.mp4", SizeBytes: 1, SHA256: strings.Repeat("0", 64)}}, Outputs: []step.Output{{Files: 1}}}
	_, err := publishing(t, "uid-1", onVolume("room/"), storage.Paths{Volume: t.TempDir()}, product, "").publish(t.Context())
	if failure.Of(err).Reason != workerapi.ReasonChecksumMismatch {
		t.Errorf("%v", err)
	}
}

// A file that is called like one of ours would be taken for it.
func TestPublish_ReservedNames(t *testing.T) {
	for _, name := range []string{workerapi.ManifestName, claimName} {
		product := step.Product{Files: []step.File{{Name: name}}, Outputs: []step.Output{{Files: 1}}}
		_, err := publishing(t, "uid-1", onVolume("room/"), storage.Paths{Volume: t.TempDir()}, product, "").publish(t.Context())
		if failure.Of(err).Reason != workerapi.ReasonUnsupported {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// memoryStore keeps objects in memory and knows conditional writes.
type memoryStore struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (m *memoryStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, found := m.objects[r.URL.Path]
	w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
	switch {
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "" && found:
		w.WriteHeader(http.StatusPreconditionFailed)
	case r.Method == http.MethodPut:
		m.objects[r.URL.Path], _ = io.ReadAll(r.Body)
	case r.Method == http.MethodDelete:
		delete(m.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case !found:
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = w.Write(data)
	}
}
