// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/fair"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// softMaxAge is how old keys may be before they are read again; callbacks go on with the old ones meanwhile.
	softMaxAge = time.Minute
	// refreshAfter is how old keys may be before a callback waits for them to be read again, for at most refreshWait, so
	// that a source that is called once a day does not go by yesterday's keys. While the API server is away, the keys of a
	// busy source are asked for every two seconds, and its callbacks do not wait for that.
	refreshAfter = 2 * time.Minute
	refreshWait  = 250 * time.Millisecond
	// forceInterval is how long a source's Secrets are left alone after they were read, however many callbacks fail to
	// verify: forgeries cannot drive reads. It is also the longest that a key which was replaced in place stays unknown.
	forceInterval = 2 * time.Second
	// forceRate and forceBurst bound such reads of all sources together, per second and at once. Those of one namespace get
	// half of that.
	forceRate  = 10
	forceBurst = 40
	// maxStale is how long keys stay in use while the API server cannot be asked.
	maxStale = 24 * time.Hour
	// keysTimeout is for reading all Secrets of a source, at most four.
	keysTimeout = 2 * time.Second
	// maxWaiting is how many callbacks of one namespace that the known keys do not verify wait at the same time for the
	// keys to be read again, and maxWaitingAll how many of all. They are forgeries, or a key was just replaced in place:
	// when the API server hangs, forgeries must not hold the slots that authentic callbacks need.
	maxWaiting    = 32
	maxWaitingAll = 2 * maxWaiting
	// maxRefreshing is how many callbacks of one namespace wait at the same time for keys that were never read, or that
	// their source has just named, and maxRefreshingAll how many of all namespaces: a quarter of those that the receiver
	// handles. Reads of Secrets may hang while all else works, and a person who edits a source can have it wait for them at
	// any time.
	maxRefreshing    = 64
	maxRefreshingAll = 2 * maxRefreshing
)

// KeyStore evaluates callbacks with the keys of their sources. It reads the Secrets with `get` alone, holds the keys in
// memory, and reads them again after a minute, when the source names others, and when a callback does not verify.
// Callbacks that a known key verifies hardly wait for that. A Secret or key that is gone is forgotten when it is next
// read; while the API server cannot be asked, the keys that were read last stay in use for 24 hours.
//
// It holds the keys of every source that exists, so that callbacks to others make it forget none; the KeyPrefetcher
// forgets those of deleted sources.
type KeyStore struct {
	reader client.Reader
	clock  clock.PassiveClock
	log    logr.Logger
	forced *fair.Rate
	// waiting counts the callbacks that no known key verifies and that wait for the keys to be read again, refreshing those
	// that wait for keys that were not read.
	waiting, refreshing fair.Turns
	// changed has an element when keys have changed since it was last received from.
	changed chan struct{}

	mu      sync.Mutex
	sources map[types.NamespacedName]*sourceKeys
}

// NewKeyStore makes a KeyStore that reads from the API server: a manager's GetAPIReader, so that nothing lists, watches or
// caches Secrets.
func NewKeyStore(reader client.Reader, clk clock.PassiveClock, log logr.Logger) *KeyStore {
	return &KeyStore{reader: reader, clock: clk, log: log,
		forced: fair.NewRate(forceRate, forceBurst), changed: make(chan struct{}, 1), sources: map[types.NamespacedName]*sourceKeys{}}
}

// keysOf are the keys that verify a source's callbacks. Those of a source that the operator registers end with the next
// one, which is in its Secret only while the first rotates.
func keysOf(source *v1alpha1.RecordingSource) []v1alpha1.CallbackKey {
	keys := source.Spec.Callback.Keys
	if source.Spec.Service == nil || len(keys) == 0 {
		return keys
	}
	next := keys[0]
	next.SecretRef.Key += v1alpha1.NextKeySuffix
	return append(slices.Clip(keys), next)
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
	// away says that the API server could not be asked. A forbidden Secret is the source's own problem.
	away bool
}

// heldKey is what is known of one key.
type heldKey struct {
	// key is empty when there is no usable one; text is the key as its Secret has it, for the StateCache.
	key  sparkrtc.Key
	text []byte
	// usable says that there is a key.
	usable bool
	// unread says that the API server could not be asked, and that no key is known from before.
	unread bool
	// readAt is when the API server last answered.
	readAt time.Time
}

// Evaluate evaluates a request with the source's keys, and reads them again when they do not verify it.
func (k *KeyStore) Evaluate(ctx context.Context, source *v1alpha1.RecordingSource, request Request) Evaluation {
	now := k.clock.Now()
	if source.Spec.Callback.Authentication == v1alpha1.AuthenticationNone {
		return Evaluate(source, Keys{}, request, now)
	}
	held := k.of(client.ObjectKeyFromObject(source))
	set := held.current.Load()
	e := set.evaluate(source, request, now)
	switch {
	case e.Authenticated():
		return k.confirm(ctx, held, source, request, set, e)
	case errors.Is(e.Err, sparkrtc.ErrUnsigned) || errors.Is(e.Err, sparkrtc.ErrHeaders) || errors.Is(e.Err, ErrNotObject):
		return e // other keys would not help
	case !set.names(keysOf(source)):
		return k.refreshUnread(ctx, held, source, request, set)
	case now.Sub(set.readAt) < forceInterval:
		return e
	}
	if !k.mayForce(held, source.Namespace, now) || !k.waiting.Take(source.Namespace, maxWaiting, maxWaitingAll) {
		return Evaluation{Result: Unverifiable, Err: ErrKeysUnread}
	}
	defer k.waiting.GiveBack(source.Namespace)
	return k.refresh(ctx, held, source, request, set)
}

// confirm has the keys that verified a request read again when they are due, and evaluates it with newer ones if these were
// too old to be trusted.
func (k *KeyStore) confirm(ctx context.Context, held *sourceKeys, source *v1alpha1.RecordingSource, request Request, set *keySet, e Evaluation) Evaluation {
	age := k.clock.Since(set.readAt)
	if set.names(keysOf(source)) && age < softMaxAge && (set.complete || age < forceInterval) {
		return e
	}
	done := k.read(held, source, set)
	if age < refreshAfter {
		return e
	}
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	select {
	case <-done:
		return held.current.Load().evaluate(source, request, k.clock.Now())
	case <-ctx.Done():
		return e
	}
}

// of finds what is held of a source.
func (k *KeyStore) of(name types.NamespacedName) *sourceKeys {
	k.mu.Lock()
	defer k.mu.Unlock()
	held, ok := k.sources[name]
	if !ok {
		held = &sourceKeys{}
		k.sources[name] = held
	}
	return held
}

// retain forgets the keys of all sources but the named ones.
func (k *KeyStore) retain(names map[types.NamespacedName]bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.sources, func(name types.NamespacedName, _ *sourceKeys) bool { return !names[name] })
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
		if !set.sameKeys(seen) {
			notify(k.changed)
		}
	}()
	return done
}

// notify leaves an element in a channel that has room for one. It never waits.
func notify(changed chan<- struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}

// readSecrets reads the source's Secrets, each once.
func (k *KeyStore) readSecrets(source *v1alpha1.RecordingSource, old *keySet) *keySet {
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	now := k.clock.Now()
	set := &keySet{refs: slices.Clone(keysOf(source)), readAt: now, complete: true}
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
	err := k.reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return &corev1.Secret{}, nil
	case err != nil:
		return nil, fmt.Errorf("read secret %s: %w", name, err)
	default:
		return secret, nil
	}
}

// hold takes the key out of its Secret, or keeps the old one when the Secret could not be read. The source's Ready condition says
// why a key is unusable.
func hold(secret *corev1.Secret, ref v1alpha1.CallbackKey, old *keySet, now time.Time) heldKey {
	if secret == nil {
		return old.find(ref)
	}
	return newHeldKey(secret.Data[ref.SecretRef.Key], now)
}

func newHeldKey(text []byte, readAt time.Time) heldKey {
	key, err := sparkrtc.ParseKey(text)
	if err != nil {
		return heldKey{readAt: readAt}
	}
	return heldKey{key: key, text: text, usable: true, readAt: readAt}
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

// sameKeys says that both sets hold the same keys, whenever they were read.
func (s *keySet) sameKeys(other *keySet) bool {
	return other.names(s.refs) && slices.EqualFunc(s.held, other.held, func(a, b heldKey) bool {
		return a.unread == b.unread && bytes.Equal(a.text, b.text)
	})
}

// evaluate evaluates a request with those of the source's keys that are known and may be used now.
func (s *keySet) evaluate(source *v1alpha1.RecordingSource, request Request, now time.Time) Evaluation {
	var keys Keys
	refs := keysOf(source)
	for _, ref := range refs {
		held := s.find(ref)
		switch {
		case held.unread || now.Sub(held.readAt) > maxStale:
			keys.Unread = true
		case held.usable:
			keys.Usable = append(keys.Usable, held.key)
		}
	}
	e := Evaluate(source, keys, request, now)
	if next := len(source.Spec.Callback.Keys); e.Signed && len(refs) > next {
		if held := s.find(refs[next]); held.usable && sparkrtc.Verify([]sparkrtc.Key{held.key}, e.Proof, request.Body) == nil {
			e.KeyID = held.key.ID()
		}
	}
	return e
}

// snapshot is what is known of all keys, and when the API server last answered a reading; zero: it never did.
func (k *KeyStore) snapshot() (all []savedKeys, answered time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, held := range k.sources {
		set := held.current.Load()
		if set == nil {
			continue
		}
		saved := savedKeys{Source: name, References: set.refs}
		for _, key := range set.held {
			saved.Keys = append(saved.Keys, savedKey{Text: key.text, Unread: key.unread, ReadAt: key.readAt})
			if key.readAt.After(answered) {
				answered = key.readAt
			}
		}
		all = append(all, saved)
	}
	return all, answered
}

// restore takes over what a snapshot knew, for sources without known keys. The keys are read again as soon as
// the API server answers.
func (k *KeyStore) restore(all []savedKeys) {
	for _, saved := range all {
		if len(saved.Keys) != len(saved.References) {
			continue
		}
		set := &keySet{refs: saved.References, away: true}
		for _, key := range saved.Keys {
			held := newHeldKey(key.Text, key.ReadAt)
			held.unread = key.Unread
			set.held = append(set.held, held)
		}
		k.of(saved.Source).current.CompareAndSwap(nil, set)
	}
}
