// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

func sourceScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return scheme
}

// An API server that goes away leaves no source without keys, whether it has called before or not.
func TestKeyPrefetcher_ReadsTheKeysOfAllSources(t *testing.T) {
	s := makeSafe()
	one, two := builders.MakeRecordingSource("a").Key("one", "key").Obj(), builders.MakeRecordingSource("b").Key("two", "key").Obj()
	sources := fake.NewClientBuilder().WithScheme(sourceScheme(t)).WithObjects(one).Build()
	changed := make(chan struct{})
	prefetcher := &KeyPrefetcher{Keys: s.store, Sources: sources, Changed: changed, Log: logr.Discard(), Clock: s.clock}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- prefetcher.Start(ctx) }()
	reads := func(want int64) {
		t.Helper()
		waitFor(t, "the keys to be read", func() bool { return s.reads.Load() == want && s.clock.HasWaiters() })
	}
	after := func(times ...time.Duration) {
		t.Helper()
		for _, d := range times {
			waitFor(t, "the prefetcher to wait", s.clock.HasWaiters)
			s.clock.Step(d)
		}
	}
	reads(1)

	if err := sources.Create(ctx, two); err != nil {
		t.Fatal(err)
	}
	s.set(func() { s.secrets["two"] = keyTwo })
	after(prefetchPause)
	changed <- struct{}{}
	reads(2)
	after(prefetchPause, prefetchMaxAge)
	reads(4)

	s.set(func() { s.away = true })
	after(prefetchPause, prefetchMaxAge)
	reads(5) // one that fails is enough to know
	s.clock.Step(maxStale - prefetchMaxAge - prefetchPause)
	expect(t, "a source that never called", s.verify(t, one, keyOne), nil)
	expect(t, "another one", s.verify(t, two, keyTwo), nil)
	expect(t, "a forgery", s.verify(t, two, keyOne), sparkrtc.ErrSignature)

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A Secret that cannot be read is the problem of its source alone: the keys of all others are read.
func TestKeyPrefetcher_UnreadableSecretDelaysNoOthers(t *testing.T) {
	for _, name := range []string{"forbidden", "a/b", "..", "50%"} {
		t.Run(name, func(t *testing.T) {
			s := makeSafe()
			s.set(func() { s.forbidden = "forbidden" })
			first, second := builders.MakeRecordingSource("a").Key(name, "key").Obj(), builders.MakeRecordingSource("b").Key("one", "key").Obj()
			sources := fake.NewClientBuilder().WithScheme(sourceScheme(t)).WithObjects(first, second).Build()
			prefetcher := &KeyPrefetcher{Keys: s.store, Sources: sources, Log: logr.Discard(), Clock: s.clock}
			if err := prefetcher.prefetch(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.set(func() { s.away = true })
			s.clock.Step(prefetchMaxAge)
			expect(t, "a source behind it", s.verify(t, second, keyOne), nil)
		})
	}
}

// Who may edit sources, but not Secrets, does not have those read over and over.
func TestKeyPrefetcher_ChangedSourcesTriggerNoReads(t *testing.T) {
	s := makeSafe()
	s.set(func() { s.forbidden = "forbidden" })
	sources := fake.NewClientBuilder().WithScheme(sourceScheme(t)).WithObjects(builders.MakeRecordingSource("a").Key("forbidden", "key").Obj()).Build()
	prefetcher := &KeyPrefetcher{Keys: s.store, Sources: sources, Log: logr.Discard(), Clock: s.clock}
	for range 30 {
		if err := prefetcher.prefetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.clock.Step(prefetchPause)
	}
	if reads := s.reads.Load(); reads != 1 {
		t.Errorf("%d reads in half a minute", reads)
	}
	s.clock.Step(prefetchInterval)
	if err := prefetcher.prefetch(t.Context()); err != nil || s.reads.Load() != 2 {
		t.Errorf("%v, %d reads", err, s.reads.Load())
	}
}

func TestKeyPrefetcher_SkipsSourcesWithoutKeys(t *testing.T) {
	s := makeSafe()
	open := builders.MakeRecordingSource("open").Obj()
	open.Spec.Callback.Keys = nil
	for _, sources := range []client.Reader{fake.NewClientBuilder().WithScheme(sourceScheme(t)).WithObjects(open).Build(), brokenList{}} {
		prefetcher := &KeyPrefetcher{Keys: s.store, Sources: sources, Log: logr.Discard(), Clock: s.clock}
		_ = prefetcher.prefetch(t.Context())
	}
	if reads := s.reads.Load(); reads != 0 {
		t.Errorf("%d reads", reads)
	}
}

func TestKeyPrefetcher_ForgetsDeletedSources(t *testing.T) {
	s := makeSafe()
	kept, deleted := builders.MakeRecordingSource("a").Key("one", "key").Obj(), builders.MakeRecordingSource("b").Key("one", "key").Obj()
	sources := fake.NewClientBuilder().WithScheme(sourceScheme(t)).WithObjects(kept, deleted).Build()
	prefetcher := &KeyPrefetcher{Keys: s.store, Sources: sources, Log: logr.Discard(), Clock: s.clock}
	for _, want := range []int{2, 1} {
		if err := prefetcher.prefetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(s.store.sources); got != want {
			t.Errorf("the keys of %d sources are held, want %d", got, want)
		}
		if err := sources.Delete(t.Context(), deleted); want == 2 && err != nil {
			t.Fatal(err)
		}
	}
}
