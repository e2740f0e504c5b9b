// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
)

// change changes an object, and insists on it.
func change[T client.Object](ctx context.Context, k8s client.Client, object T, how func(T)) error {
	return insist(ctx, func() error {
		if err := k8s.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		how(object)
		return k8s.Update(ctx, object)
	})
}

// create creates the source and its key.
func (s *source) create(ctx context.Context, k8s client.Client) error {
	timestamp := &v1alpha1.CallbackTimestamp{Policy: v1alpha1.TimestampObserve}
	if s.enforce {
		timestamp.Policy = v1alpha1.TimestampEnforce
	}
	if err := k8s.Create(ctx, s.secret(s.key)); err != nil {
		return fmt.Errorf("create the key of %s: %w", s.name, err)
	}
	if err := k8s.Create(ctx, &v1alpha1.RecordingSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: s.name},
		Spec: v1alpha1.RecordingSourceSpec{
			AppID:    appID,
			Callback: v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{s.reference(s.key)}, Timestamp: timestamp},
		},
	}); err != nil {
		return fmt.Errorf("create source %s: %w", s.name, err)
	}
	return nil
}

func (s *source) secret(key *signingKey) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: key.secret}, StringData: map[string]string{"key": key.text}}
}

func (s *source) reference(key *signingKey) v1alpha1.CallbackKey {
	return v1alpha1.CallbackKey{SecretRef: v1alpha1.SecretKeyReference{Name: key.secret, Key: "key"}}
}

// rotate gives a source a new key as docs/keys.md says: the new one beside the old one, then the sender changes,
// then the old one goes. It waits as a person would: until every receiver accepts the new key, and until nobody sends
// what the old one signed.
func (f *faults) rotate(ctx context.Context, s *source) error {
	before, after := s.key, newKey(fmt.Sprintf("%s-%d", s.name, len(s.retired)+1))
	if err := insist(ctx, func() error {
		if err := f.cluster.k8s.Create(ctx, s.secret(after)); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
		return nil
	}); err != nil {
		return err
	}
	if err := f.setKeys(ctx, s, before, after); err != nil {
		return err
	}
	for _, r := range f.fleet.replicas {
		if err := r.answers(ctx, http.StatusOK, s, after); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.key, s.retired = after, append(s.retired, before)
	s.mu.Unlock()
	if err := before.unused(ctx); err != nil {
		return err
	}
	if err := f.setKeys(ctx, s, after); err != nil {
		return err
	}
	return insist(ctx, func() error { return client.IgnoreNotFound(f.cluster.k8s.Delete(ctx, s.secret(before))) })
}

// unused waits until nobody sends any more what the key signed.
func (k *signingKey) unused(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.inFlight.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *faults) setKeys(ctx context.Context, s *source, keys ...*signingKey) error {
	object := &v1alpha1.RecordingSource{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: s.name}}
	return change(ctx, f.cluster.k8s, object, func(object *v1alpha1.RecordingSource) {
		object.Spec.Callback.Keys = nil
		for _, key := range keys {
			object.Spec.Callback.Keys = append(object.Spec.Callback.Keys, s.reference(key))
		}
	})
}

// answers waits until the receiver answers with the code to what a key signs: an event that changes nothing.
func (r *replica) answers(ctx context.Context, want int, s *source, key *signingKey) error {
	body := []byte(`{"event_type": "CHAOS_PROBE"}`)
	sender := callbacks.NewClient("")
	return insist(ctx, func() error {
		code, _, err := callbacks.Post(ctx, sender, r.callbacks+s.path(), body, proofOf(key, time.Now(), s.unit, body))
		if err == nil && code != want {
			err = fmt.Errorf("%s answered %d, not %d, to what key %s signed", r.name, code, want, key.secret)
		}
		return err
	})
}
