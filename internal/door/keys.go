/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package door

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/callback"
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
	// keysMaxAge is how old keys may be before they are read again.
	keysMaxAge = time.Minute
	// keysForceInterval is how long a source's Secrets are left alone after they were read, however many callbacks
	// fail to verify: forgeries cannot drive reads. It is also the longest that a key which was replaced in place
	// stays unknown.
	keysForceInterval = 2 * time.Second
	// keysKeep is how long keys stay in use while the API server cannot be asked.
	keysKeep = 24 * time.Hour
	// keysTimeout is for reading all Secrets of a source, at most four.
	keysTimeout = 2 * time.Second
	// maxSources is how many sources' keys are held.
	maxSources = 4096
)

// KeyStore verifies callbacks with the keys of their sources. It reads the Secrets with `get` alone, holds the keys in
// memory, and reads them again after a minute, when the source names others, and when a callback does not verify.
// A Secret or key that is gone is forgotten at once; while the API server cannot be asked, the keys that were read
// last stay in use for 24 hours.
type KeyStore struct {
	live  client.Reader
	clock clock.PassiveClock
	log   logr.Logger

	mu      sync.Mutex
	sources map[types.NamespacedName]*sourceKeys
}

// NewKeyStore makes a KeyStore that reads from the live reader: a manager's GetAPIReader, so that nothing lists,
// watches or caches Secrets.
func NewKeyStore(live client.Reader, clk clock.PassiveClock, log logr.Logger) *KeyStore {
	return &KeyStore{live: live, clock: clk, log: log, sources: map[types.NamespacedName]*sourceKeys{}}
}

// sourceKeys are what is held of one source.
type sourceKeys struct {
	// reading is held by the one who reads the Secrets.
	reading sync.Mutex
	current atomic.Pointer[keySet]
}

// keySet is the result of one reading; it never changes.
type keySet struct {
	refs []v1alpha1.CallbackKey
	// held has an element for each of refs.
	held []heldKey
	// readAt is when the Secrets were read, or could not be.
	readAt time.Time
	// complete says that the API server answered for every Secret.
	complete bool
}

// heldKey is what is known of one key.
type heldKey struct {
	// key is empty when there is no usable one.
	key callback.Key
	// usable says that there is a key.
	usable bool
	// unread says that the API server could not be asked, and that no key is known from before.
	unread bool
	// readAt is when the API server last answered.
	readAt time.Time
}

// Verify reports whether one of the source's keys signed the body. Its errors wrap those of callback.Verify,
// ErrNoUsableKey or ErrKeysUnread; none holds any of a key.
func (k *KeyStore) Verify(ctx context.Context, source *v1alpha1.RecordingSource, proof callback.Proof, body []byte) error {
	held := k.of(types.NamespacedName{Namespace: source.Namespace, Name: source.Name})
	set := k.load(ctx, held, source)
	err := set.verify(k.clock.Now(), proof, body)
	if err == nil || errors.Is(err, callback.ErrHeaders) {
		return err
	}
	if newer := k.reload(ctx, held, source, set); newer != set {
		return newer.verify(k.clock.Now(), proof, body)
	}
	return err
}

// of finds what is held of a source. When too many are held, an arbitrary one is dropped: it is read again when it
// calls.
func (k *KeyStore) of(name types.NamespacedName) *sourceKeys {
	k.mu.Lock()
	defer k.mu.Unlock()
	held, ok := k.sources[name]
	if ok {
		return held
	}
	if len(k.sources) >= maxSources {
		for other := range k.sources {
			delete(k.sources, other)
			break
		}
	}
	held = &sourceKeys{}
	k.sources[name] = held
	return held
}

// load returns the keys at hand, reading them first when there are none for what the source names now. When they are
// due, one caller reads them again while the others go on with the old ones.
func (k *KeyStore) load(ctx context.Context, held *sourceKeys, source *v1alpha1.RecordingSource) *keySet {
	set := held.current.Load()
	if set == nil || !slices.Equal(set.refs, source.Spec.Callback.Keys) {
		held.reading.Lock()
		defer held.reading.Unlock()
		set = held.current.Load()
		if set != nil && slices.Equal(set.refs, source.Spec.Callback.Keys) {
			return set
		}
		return k.read(ctx, held, source, set)
	}
	if k.due(set) && held.reading.TryLock() {
		defer held.reading.Unlock()
		if latest := held.current.Load(); latest != set {
			return latest
		}
		return k.read(ctx, held, source, set)
	}
	return set
}

func (k *KeyStore) due(set *keySet) bool {
	age := k.clock.Since(set.readAt)
	return age >= keysMaxAge || (!set.complete && age >= keysForceInterval)
}

// reload reads the keys again because those of set have failed, unless that was done a moment ago.
func (k *KeyStore) reload(ctx context.Context, held *sourceKeys, source *v1alpha1.RecordingSource, set *keySet) *keySet {
	held.reading.Lock()
	defer held.reading.Unlock()
	latest := held.current.Load()
	if latest != set || k.clock.Since(latest.readAt) < keysForceInterval {
		return latest
	}
	return k.read(ctx, held, source, latest)
}

// read reads the source's Secrets, each once. The caller holds held.reading. A sender that hangs up does not stop it,
// because others wait for it.
func (k *KeyStore) read(ctx context.Context, held *sourceKeys, source *v1alpha1.RecordingSource, old *keySet) *keySet {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
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
				k.log.Error(err, "Could not read a callback key; the one that was read last stays in use",
					"source", client.ObjectKeyFromObject(source))
				set.complete = false
			}
			secrets[ref.SecretRef.Name] = secret
		}
		set.held = append(set.held, hold(secret, ref, old, now))
	}
	held.current.Store(set)
	return set
}

// get reads a Secret. One that does not exist is an empty one; nil is one that could not be read.
func (k *KeyStore) get(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
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
	key, err := callback.ParseKey(secret.Data[ref.SecretRef.Key])
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

// verify tries the keys that may be used now.
func (s *keySet) verify(now time.Time, proof callback.Proof, body []byte) error {
	keys := make([]callback.Key, 0, len(s.held))
	unread := false
	for _, held := range s.held {
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
	err := callback.Verify(keys, proof, body)
	if unread && (errors.Is(err, callback.ErrSignature) || errors.Is(err, callback.ErrNoKey)) {
		return ErrKeysUnread
	}
	return err
}
