// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// container is one container of a pod whose folder outlives it.
type container struct {
	*StateCache
	safe
	log *bytes.Buffer
	// synced is closed when the API server has answered.
	synced chan struct{}
}

func startContainer(t *testing.T, dir string, now time.Time, sources ...client.Object) container {
	t.Helper()
	c := container{safe: makeSafe(), log: &bytes.Buffer{}, synced: make(chan struct{})}
	c.clock.SetTime(now)
	c.StateCache = &StateCache{
		Dir: dir, Cached: fake.NewClientBuilder().WithScheme(sourceScheme(t)).WithObjects(sources...).Build(), Keys: c.store,
		Synced: func(ctx context.Context) bool {
			select {
			case <-c.synced:
				return true
			case <-ctx.Done():
				return false
			}
		},
		Log:   funcr.New(func(_, args string) { c.log.WriteString(args + "\n") }, funcr.Options{}),
		Clock: c.clock,
	}
	return c
}

// restart is the next container, which starts while the API server is away.
func restart(t *testing.T, dir string, now time.Time) (container, <-chan error) {
	t.Helper()
	c := startContainer(t, dir, now)
	c.set(func() { c.away = true })
	ready := make(chan error, 1)
	go func() { ready <- c.Wait(t.Context()) }()
	waitFor(t, "the container to wait", c.clock.HasWaiters)
	c.clock.Step(restoreAfter)
	return c, ready
}

// savedBy is the folder of a container that ran while the API server was there.
func savedBy(t *testing.T, source *v1alpha1.RecordingSource) string {
	t.Helper()
	dir := t.TempDir()
	first := startContainer(t, dir, testNow, source)
	expect(t, "the key", first.verify(t, source, keyOne), nil)
	if err := first.save(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestStateCache_RestartDuringAnOutageServes(t *testing.T) {
	source := builders.MakeRecordingSource("classroom").Key("one", "key").Obj()
	dir := savedBy(t, source)
	c, ready := restart(t, dir, testNow.Add(time.Hour))
	if err := <-ready; err != nil {
		t.Fatalf("not ready: %v", err)
	}
	read := &v1alpha1.RecordingSource{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(source), read); err != nil || read.Name != "classroom" {
		t.Fatalf("%v, %+v", err, read)
	}
	expect(t, "an authentic callback", c.verify(t, read, keyOne), nil)
	if err := c.verify(t, read, keyTwo); err == nil {
		t.Error("a forgery is authentic")
	}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "other"}, read); !apierrors.IsNotFound(err) {
		t.Errorf("a source that was not saved: %v", err)
	}

	// The API server is back, and the source was deleted meanwhile.
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Start(ctx) }()
	waitFor(t, "the cache to be read", func() bool {
		return apierrors.IsNotFound(c.Get(t.Context(), client.ObjectKeyFromObject(source), read))
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What a container that crashes has learned a second ago is there for the next one.
func TestStateCache_SavesNewKeysAtOnce(t *testing.T) {
	dir := t.TempDir()
	one, two := builders.MakeRecordingSource("a").Key("one", "key").Obj(), builders.MakeRecordingSource("b").Key("two", "key").Obj()
	c := startContainer(t, dir, testNow, one, two)
	c.set(func() { c.secrets["two"] = keyTwo })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Start(ctx) }()
	saved := func(after time.Duration, text string) {
		t.Helper()
		waitFor(t, "the cache to pause", c.clock.HasWaiters)
		c.clock.Step(after)
		waitFor(t, "the key to be saved", func() bool {
			content, err := os.ReadFile(filepath.Join(dir, stateFile))
			return err == nil && strings.Contains(string(content), base64.StdEncoding.EncodeToString([]byte(text)))
		})
	}
	expect(t, "the first key", c.verify(t, one, keyOne), nil)
	saved(savePause, keyOne)
	expect(t, "the second key", c.verify(t, two, keyTwo), nil)
	saved(savePause, keyTwo)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestStateCache_SaysWhyItWaits(t *testing.T) {
	source := builders.MakeRecordingSource("classroom").Key("one", "key").Obj()
	write := func(dir, content string) {
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		prepare func(dir string) string
		after   time.Duration
		reason  string
	}{
		"a new pod":       {func(string) string { return t.TempDir() }, 0, "the pod is new"},
		"switched off":    {func(string) string { return "" }, 0, "switched off"},
		"a long outage":   {func(dir string) string { return dir }, maxStale + time.Minute, "24h1m0s old, more than 24h0m0s"},
		"a damaged file":  {func(dir string) string { write(dir, keyOne); return dir }, 0, "damaged"},
		"another version": {func(dir string) string { write(dir, `{"version":2}`); return dir }, 0, "version 2"},
	} {
		t.Run(name, func(t *testing.T) {
			r, ready := restart(t, c.prepare(savedBy(t, source)), testNow.Add(c.after))
			close(r.synced)
			if err := <-ready; err != nil {
				t.Fatal(err)
			}
			if said := r.log.String(); !strings.Contains(said, c.reason) || strings.Contains(said, keyOne) {
				t.Errorf("the log says %q, want %q", said, c.reason)
			}
		})
	}
}

// An outage does not make saved state any younger: it ends a day after the API server was last seen, whatever restarts.
func TestStateCache_IsUsedForABoundedTime(t *testing.T) {
	source := builders.MakeRecordingSource("classroom").Key("one", "key").Obj()
	dir := savedBy(t, source)
	for _, after := range []time.Duration{time.Hour, 12 * time.Hour, maxStale - restoreAfter} {
		c, ready := restart(t, dir, testNow.Add(after))
		if err := <-ready; err != nil {
			t.Fatal(err)
		}
		expect(t, "an authentic callback", c.verify(t, source, keyOne), nil)
		c.clock.SetTime(testNow.Add(maxStale + time.Second))
		expect(t, "a day after", c.verify(t, source, keyOne), ErrKeysUnread)
		// The container was told to stop before its cache was synced: it has saved nothing.
	}
}

func TestStateCache_WaitsForTheCacheFirst(t *testing.T) {
	c := startContainer(t, savedBy(t, builders.MakeRecordingSource("classroom").Key("one", "key").Obj()), testNow)
	close(c.synced)
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "classroom"}, &v1alpha1.RecordingSource{}); !apierrors.IsNotFound(err) {
		t.Errorf("a source that was saved, and is in no cache: %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := startContainer(t, "", testNow).Wait(stopped); !errors.Is(err, errNotSynced) {
		t.Errorf("stopped with %v", err)
	}
}

func TestStateCache_FileIsPrivate(t *testing.T) {
	dir := savedBy(t, builders.MakeRecordingSource("classroom").Key("one", "key").Obj())
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
