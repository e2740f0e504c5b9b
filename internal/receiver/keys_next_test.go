// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// registered is a source whose callback the operator registers.
func registered(name string) *v1alpha1.RecordingSource {
	source := builders.MakeRecordingSource(name).App("app").Key("one", "key").Obj()
	source.Spec.Service = &v1alpha1.Service{}
	return source
}

// TestKeyStore_NextKeyVerifies: while a key rotates, callbacks of both keys are authentic, and those of the next one name it.
func TestKeyStore_NextKeyVerifies(t *testing.T) {
	s := makeSafe()
	s.set(func() { s.next = map[string]string{"one": keyTwo} })
	for key, id := range map[string]string{keyOne: "", keyTwo: mustKey(t, keyTwo).ID()} {
		e := s.evaluate(t, registered("classroom"), key, []byte("{}"))
		if !e.Signed || e.KeyID != id {
			t.Errorf("signed %v, key ID %q, want %q", e.Signed, e.KeyID, id)
		}
	}
	expect(t, "a source that people register", s.verify(t, builders.MakeRecordingSource("b").Key("one", "key").Obj(), keyTwo), sparkrtc.ErrSignature)
}

// TestKeyStore_OldKeyEndsWhenItIsReplaced: the next key takes the place of the first.
func TestKeyStore_OldKeyEndsWhenItIsReplaced(t *testing.T) {
	s := makeSafe()
	source := registered("classroom")
	s.set(func() { s.next = map[string]string{"one": keyTwo} })
	expect(t, "the old key", s.verify(t, source, keyOne), nil)
	s.set(func() { s.secrets["one"], s.next = keyTwo, nil })
	s.clock.Step(refreshAfter)
	expect(t, "the new key", s.verify(t, source, keyTwo), nil)
	expect(t, "the old key, replaced", s.verify(t, source, keyOne), sparkrtc.ErrSignature)
	if e := s.evaluate(t, source, keyTwo, []byte("{}")); e.KeyID != "" {
		t.Error("a key that rotates no more is named")
	}
}

// TestKeyPrefetcher_ReadsTheNextKeyOfARotation: an outage that begins after the next key is registered finds it, also in a
// replica that the source has not called.
func TestKeyPrefetcher_ReadsTheNextKeyOfARotation(t *testing.T) {
	s := makeSafe()
	source := registered("classroom")
	sources := fake.NewClientBuilder().WithScheme(sourceScheme(t)).WithObjects(source).WithStatusSubresource(source).Build()
	prefetcher := &KeyPrefetcher{Keys: s.store, Sources: sources, Log: logr.Discard(), Clock: s.clock}
	prefetch := func(reads int64) {
		t.Helper()
		if err := prefetcher.prefetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.reads.Load(); got != reads {
			t.Fatalf("%d reads, want %d", got, reads)
		}
	}
	prefetch(1)
	s.clock.Step(time.Minute)
	source.Status.Registration = &v1alpha1.RegistrationStatus{Rotation: &v1alpha1.KeyRotation{StartTime: metav1.NewTime(s.clock.Now())}}
	if err := sources.Status().Update(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	prefetch(2) // just before the next key is in the Secret
	s.set(func() { s.next = map[string]string{"one": keyTwo} })
	s.clock.Step(prefetchInterval)
	prefetch(3)
	prefetch(3)
	s.set(func() { s.away = true })
	expect(t, "the next key in an outage", s.verify(t, source, keyTwo), nil)
}
