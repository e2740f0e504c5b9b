// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	lru "github.com/hashicorp/golang-lru/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// Why a callback cannot be verified now. It may be genuine, and its sender may try again: that is why these are
// answered with 503, not with 401.
var (
	// ErrNoUsableKey says that every key of the source is missing from its Secret or has a wrong length.
	ErrNoUsableKey = errors.New("source has no usable key")
	// ErrKeysUnread says that no key at hand verifies the callback, and that not every key could be read.
	ErrKeysUnread = errors.New("source's keys cannot be read now")
)

const (
	// keysMaxAge is how old keys may be before they are read again; callbacks go on with the old ones meanwhile.
	keysMaxAge = time.Minute
	// keysTrust is how old keys may be before a callback waits for them to be read again, so that a source that is called
	// once a day does not go by yesterday's keys. It waits for keysPatience. While the API server is away, the keys of a
	// busy source are asked for every two seconds, and its callbacks wait for none of that.
	keysTrust    = 2 * time.Minute
	keysPatience = 250 * time.Millisecond
	// keysForceInterval is how long a source's Secrets are left alone after they were read, however many callbacks
	// fail to verify: forgeries cannot drive reads. It is also the longest that a key which was replaced in place
	// stays unknown.
	keysForceInterval = 2 * time.Second
	// keysKeep is how long keys stay in use while the API server cannot be asked.
	keysKeep = 24 * time.Hour
	// keysTimeout is for reading all Secrets of a source, at most four.
	keysTimeout = 2 * time.Second
	// maxSources is how many sources' keys are held. The one that called longest ago is dropped first, and read again
	// when it calls.
	maxSources = 4096
	// maxWaiting is how many callbacks that the known keys do not verify wait at one time for the keys to be read again.
	// They are forgeries, or a key was just replaced in place: when the API server hangs, forgeries must not hold the
	// slots that genuine callbacks need.
	maxWaiting = 64
)

// KeyStore verifies callbacks with the keys of their sources. It reads the Secrets with `get` alone, holds the keys in
// memory, and reads them again after a minute, when the source names others, and when a callback does not verify.
// Callbacks that a known key verifies hardly wait for that. A Secret or key that is gone is forgotten when it is next
// read; while the API server cannot be asked, the keys that were read last stay in use for 24 hours.
type KeyStore struct {
	live    client.Reader
	clock   clock.PassiveClock
	log     logr.Logger
	sources *lru.Cache[types.NamespacedName, *sourceKeys]
	waiting chan struct{}
}

// NewKeyStore makes a KeyStore that reads from the live reader: a manager's GetAPIReader, so that nothing lists,
// watches or caches Secrets.
func NewKeyStore(live client.Reader, clk clock.PassiveClock, log logr.Logger) *KeyStore {
	return &KeyStore{live: live, clock: clk, log: log,
		sources: bounded[types.NamespacedName, *sourceKeys](maxSources), waiting: make(chan struct{}, maxWaiting)}
}

// sourceKeys are what is held of one source.
type sourceKeys struct {
	current atomic.Pointer[keySet]
	mu      sync.Mutex
	// reading is closed when the reading that is under way has ended; nil when there is none.
	reading chan struct{}
}

// keySet is the result of one reading; it never changes.
type keySet struct {
	refs []v1alpha1.CallbackKey
	// held has an element for each of refs.
	held []heldKey
	// readAt is when the Secrets were read, or could not be.
	readAt time.Time
	// complete says that every Secret was read, or is known not to be there.
	complete bool
	// away says that the API server could not be asked; that it forbids a Secret is the source's own trouble.
	away bool
}

// heldKey is what is known of one key.
type heldKey struct {
	// key is empty when there is no usable one.
	key sparkrtc.Key
	// usable says that there is a key.
	usable bool
	// unread says that the API server could not be asked, and that no key is known from before.
	unread bool
	// readAt is when the API server last answered.
	readAt time.Time
}

// Verify reports whether one of the source's keys signed the body. Its errors wrap those of callback.Verify,
// ErrNoUsableKey or ErrKeysUnread; none holds any of a key.
func (k *KeyStore) Verify(ctx context.Context, source *v1alpha1.RecordingSource, proof sparkrtc.Proof, body []byte) error {
	held := k.of(types.NamespacedName{Namespace: source.Namespace, Name: source.Name})
	refs := source.Spec.Callback.Keys
	set := held.current.Load()
	err := set.verify(refs, k.clock.Now(), proof, body)
	switch {
	case errors.Is(err, sparkrtc.ErrHeaders):
		return err
	case err == nil:
		return k.confirm(ctx, held, source, proof, body, set)
	case !set.names(refs):
		return k.verifyAnew(ctx, held, source, proof, body, set)
	case k.clock.Since(set.readAt) < keysForceInterval:
		return err
	}
	select {
	case k.waiting <- struct{}{}:
		defer func() { <-k.waiting }()
		return k.verifyAnew(ctx, held, source, proof, body, set)
	default:
		return ErrKeysUnread
	}
}

// confirm has the keys that verified a callback read again when they are due, and verifies with newer ones if these were
// too old to be trusted.
func (k *KeyStore) confirm(ctx context.Context, held *sourceKeys, source *v1alpha1.RecordingSource, proof sparkrtc.Proof, body []byte, set *keySet) error {
	refs, age := source.Spec.Callback.Keys, k.clock.Since(set.readAt)
	if set.names(refs) && age < keysMaxAge && (set.complete || age < keysForceInterval) {
		return nil
	}
	done := k.read(held, source, set)
	if age < keysTrust {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, keysPatience)
	defer cancel()
	select {
	case <-done:
		return held.current.Load().verify(refs, k.clock.Now(), proof, body)
	case <-ctx.Done():
		return nil
	}
}

// of finds what is held of a source.
func (k *KeyStore) of(name types.NamespacedName) *sourceKeys {
	if held, ok := k.sources.Get(name); ok {
		return held
	}
	held := &sourceKeys{}
	if others, ok, _ := k.sources.PeekOrAdd(name, held); ok {
		return others
	}
	return held
}

// verifyAnew waits until there are newer keys than those of set, and verifies with them.
func (k *KeyStore) verifyAnew(ctx context.Context, held *sourceKeys, source *v1alpha1.RecordingSource, proof sparkrtc.Proof, body []byte, set *keySet) error {
	refs := source.Spec.Callback.Keys
	// The reading that is under way may be for what the source named before.
	for range 2 {
		select {
		case <-k.read(held, source, set):
		case <-ctx.Done():
			return ErrKeysUnread
		}
		if set = held.current.Load(); set.names(refs) {
			break
		}
	}
	return set.verify(refs, k.clock.Now(), proof, body)
}

// ended is a reading that has ended.
var ended = func() chan struct{} { done := make(chan struct{}); close(done); return done }()

// read has the source's Secrets read, unless that was done since the caller saw what was held, or is being done. The
// channel is closed at the end. No request carries the reading, because others wait for it, or none does; it ends within
// keysTimeout.
func (k *KeyStore) read(held *sourceKeys, source *v1alpha1.RecordingSource, seen *keySet) <-chan struct{} {
	held.mu.Lock()
	defer held.mu.Unlock()
	if held.current.Load() != seen {
		return ended
	}
	if held.reading != nil {
		return held.reading
	}
	done := make(chan struct{})
	held.reading = done
	go func() {
		defer close(done)
		set := k.readSecrets(source, seen)
		held.mu.Lock()
		defer held.mu.Unlock()
		held.current.Store(set)
		held.reading = nil
	}()
	return done
}

// readSecrets reads the source's Secrets, each once.
func (k *KeyStore) readSecrets(source *v1alpha1.RecordingSource, old *keySet) *keySet {
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	now := k.clock.Now()
	set := &keySet{refs: slices.Clone(source.Spec.Callback.Keys), readAt: now, complete: true}
	secrets := map[string]*corev1.Secret{}
	for _, ref := range set.refs {
		secret, asked := secrets[ref.SecretRef.Name]
		if !asked {
			var err error
			secret, err = k.get(ctx, source.Namespace, ref.SecretRef.Name)
			if err != nil {
				// Once an outage, not every two seconds of it.
				if set.complete && (old == nil || old.complete) {
					k.log.Error(err, "Could not read a callback key; what was read last stays in use for a day",
						"source", client.ObjectKeyFromObject(source))
				}
				set.complete, set.away = false, set.away || !apierrors.IsForbidden(err)
			}
			secrets[ref.SecretRef.Name] = secret
		}
		set.held = append(set.held, hold(secret, ref, old, now))
	}
	return set
}

// get reads a Secret. One that does not exist is an empty one; nil is one that could not be read.
func (k *KeyStore) get(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	if len(rest.IsValidPathSegmentName(name)) > 0 {
		return secret, nil // no object has such a name, and the client asks for none
	}
	err := k.live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return &corev1.Secret{}, nil
	case err != nil:
		return nil, fmt.Errorf("read secret %s: %w", name, err)
	default:
		return secret, nil
	}
}

// hold takes the key out of its Secret, or keeps the old one when the Secret could not be read. Why a key is unusable
// is told in the source's Ready condition.
func hold(secret *corev1.Secret, ref v1alpha1.CallbackKey, old *keySet, now time.Time) heldKey {
	if secret == nil {
		return old.find(ref)
	}
	key, err := sparkrtc.ParseKey(secret.Data[ref.SecretRef.Key])
	return heldKey{key: key, usable: err == nil, readAt: now}
}

// find is what the set knows of a key.
func (s *keySet) find(ref v1alpha1.CallbackKey) heldKey {
	if s != nil {
		if i := slices.Index(s.refs, ref); i >= 0 {
			return s.held[i]
		}
	}
	return heldKey{unread: true}
}

// names says that the set was read for these keys.
func (s *keySet) names(refs []v1alpha1.CallbackKey) bool {
	return s != nil && slices.Equal(s.refs, refs)
}

// verify tries those of the named keys that are known and may be used now.
func (s *keySet) verify(refs []v1alpha1.CallbackKey, now time.Time, proof sparkrtc.Proof, body []byte) error {
	keys := make([]sparkrtc.Key, 0, len(refs))
	unread := false
	for _, ref := range refs {
		held := s.find(ref)
		switch {
		case held.unread || now.Sub(held.readAt) > keysKeep:
			unread = true
		case held.usable:
			keys = append(keys, held.key)
		}
	}
	if len(keys) == 0 && !unread {
		return ErrNoUsableKey
	}
	err := sparkrtc.Verify(keys, proof, body)
	if unread && (errors.Is(err, sparkrtc.ErrSignature) || errors.Is(err, sparkrtc.ErrNoKey)) {
		return ErrKeysUnread
	}
	return err
}
