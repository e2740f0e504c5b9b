// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// vault is an API server of Secrets: name to the value of the key "key".
type vault struct {
	client.Reader
	mu      sync.Mutex
	secrets map[string]string
	// next are the values of the key "key.next".
	next map[string]string
	// forbidden is a Secret that may not be read.
	forbidden string
	away      bool
	// hang is nil, or holds every answer back until it is closed.
	hang  chan struct{}
	reads atomic.Int64
}

func (v *vault) Get(ctx context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if problems := rest.IsValidPathSegmentName(key.Name); len(problems) > 0 {
		return fmt.Errorf("invalid resource name %q: %v", key.Name, problems) // it is not asked for
	}
	v.reads.Add(1)
	v.mu.Lock()
	hang := v.hang
	v.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.away {
		return errors.New("the API server is away")
	}
	if v.forbidden != "" && key.Name == v.forbidden {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, errors.New("no right"))
	}
	value, ok := v.secrets[key.Name]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	obj.(*corev1.Secret).Data = map[string][]byte{"key": []byte(value)}
	if next, ok := v.next[key.Name]; ok {
		obj.(*corev1.Secret).Data["key"+v1alpha1.NextKeySuffix] = []byte(next)
	}
	return nil
}

func (v *vault) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

var (
	keyOne = strings.Repeat("1", 32)
	keyTwo = strings.Repeat("2", 32)
)

// safe is a vault with one key, and a store that reads it.
type safe struct {
	*vault
	store *KeyStore
	clock *clocktesting.FakeClock
	log   *bytes.Buffer
}

func makeSafe() safe {
	s := safe{vault: &vault{secrets: map[string]string{"one": keyOne}}, clock: clocktesting.NewFakeClock(testNow), log: &bytes.Buffer{}}
	log := funcr.New(func(prefix, args string) { s.log.WriteString(prefix + args + "\n") }, funcr.Options{Verbosity: 10})
	s.store = NewKeyStore(s.vault, s.clock, log)
	return s
}

// verify has the store verify a callback that is signed with a key.
func (s safe) verify(tb testing.TB, source *v1alpha1.RecordingSource, key string) error {
	tb.Helper()
	content := []byte("{}")
	e := s.evaluate(tb, source, key, content)
	if e.Authenticated() {
		return nil
	}
	return e.Err
}

// evaluate has the store evaluate a callback that is signed with a key.
func (s safe) evaluate(tb testing.TB, source *v1alpha1.RecordingSource, key string, content []byte) Evaluation {
	tb.Helper()
	proof, err := sparkrtc.Sign(mustKey(tb, key), "1", "2", content)
	if err != nil {
		tb.Fatal(err)
	}
	header := http.Header{}
	proof.SetHeader(header)
	return s.store.Evaluate(tb.Context(), source, Request{Header: header, Body: content})
}

// settle waits until the source's keys are not being read.
func (s safe) settle(t *testing.T, source string) {
	t.Helper()
	held := s.store.of(types.NamespacedName{Namespace: "media", Name: source})
	waitFor(t, "the keys to be read", func() bool {
		held.mu.Lock()
		defer held.mu.Unlock()
		return held.reading == nil
	})
}

func expect(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestKeyStore_ReadsKeysOnceAMinute(t *testing.T) {
	s := makeSafe()
	source := builders.MakeRecordingSource("a").Key("one", "key").Key("one", "other").Obj()
	for range 100 {
		expect(t, "the key", s.verify(t, source, keyOne), nil)
	}
	if got := s.reads.Load(); got != 1 {
		t.Errorf("%d reads of one Secret, want 1", got)
	}
	s.clock.Step(softMaxAge)
	s.set(func() { s.secrets["one"] = keyTwo })
	expect(t, "the key of a minute ago", s.verify(t, source, keyOne), nil)
	s.settle(t, "a")
	if got := s.reads.Load(); got != 2 {
		t.Errorf("%d reads, want 2", got)
	}
	expect(t, "the key that is gone", s.verify(t, source, keyOne), sparkrtc.ErrSignature)
}

// A source that is rarely called does not go by old keys.
func TestKeyStore_OldKeysAreNotTrusted(t *testing.T) {
	s := makeSafe()
	source := builders.MakeRecordingSource("a").Key("one", "key").Obj()
	expect(t, "the key", s.verify(t, source, keyOne), nil)
	s.clock.Step(refreshAfter)
	s.set(func() { s.secrets["one"] = keyTwo })
	expect(t, "the key that is gone", s.verify(t, source, keyOne), sparkrtc.ErrSignature)
	s.clock.Step(refreshAfter)
	s.set(func() { delete(s.secrets, "one") })
	expect(t, "the Secret that is gone", s.verify(t, source, keyTwo), ErrNoUsableKey)
}

// An API server that does not answer holds up no callback that a known key verifies, whatever else is forged; and of the
// forgeries it holds up only a few.
func TestKeyStore_HangingAPIServerHoldsUpNoGenuineCallback(t *testing.T) {
	s := makeSafe()
	source := builders.MakeRecordingSource("a").Key("one", "key").Obj()
	expect(t, "the key", s.verify(t, source, keyOne), nil)
	s.clock.Step(softMaxAge)
	answer := make(chan struct{})
	s.set(func() { s.hang = answer })
	var forgeries sync.WaitGroup
	refused := make(chan error, 2*maxWaiting)
	for range 2 * maxWaiting {
		forgeries.Go(func() { refused <- s.verify(t, source, keyTwo) })
	}
	for range maxWaiting {
		expect(t, "a forgery beyond those that wait", <-refused, ErrKeysUnread)
	}
	for range 1000 {
		expect(t, "an authentic callback", s.verify(t, source, keyOne), nil)
	}
	if got := s.reads.Load(); got != 2 {
		t.Errorf("%d reads, want one beside the first", got)
	}
	close(answer)
	forgeries.Wait()
	for range maxWaiting {
		expect(t, "a forgery that waited", <-refused, sparkrtc.ErrSignature)
	}
}

// The same through the server: while the API server hangs, a source that was called before is served in spite of forgeries.
func TestServer_VerifiesWhileTheAPIServerHangs(t *testing.T) {
	s := makeSafe()
	s.secrets["callback"] = secret
	h := newFixture(t, func(c *Config) { c.Keys = s.store })
	content := fixture(t, "start-hls.json")
	checkResponse(t, h.post(signed(t, path, content)), http.StatusOK, "")
	s.clock.Step(softMaxAge)
	answer := make(chan struct{})
	s.set(func() { s.hang = answer })
	var forgeries sync.WaitGroup
	for n := range 200 {
		r := by("192.0.2."+strconv.Itoa(n), signed(t, path, content))
		r.Header.Set(sparkrtc.HeaderRand, "forged")
		forgeries.Go(func() {
			if w := h.post(r); w.Code != http.StatusUnauthorized && w.Code != http.StatusServiceUnavailable {
				t.Errorf("a forgery: %d", w.Code)
			}
		})
	}
	for n := range 100 {
		checkResponse(t, h.post(signedAt(t, path, content, strconv.Itoa(n), "1619600282")), http.StatusOK, "")
	}
	close(answer)
	forgeries.Wait()
}

// With keys of long ago, a callback waits for an API server that hangs only until that is known.
func TestKeyStore_HangingAPIServerIsWaitedForOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a time-out")
	}
	s := makeSafe()
	source := builders.MakeRecordingSource("a").Key("one", "key").Obj()
	expect(t, "the key", s.verify(t, source, keyOne), nil)
	s.clock.Step(time.Hour)
	s.set(func() { s.hang = make(chan struct{}) })
	began := time.Now()
	expect(t, "the first", s.verify(t, source, keyOne), nil)
	if took := time.Since(began); took >= keysTimeout {
		t.Errorf("the first callback waited %s", took)
	}
	s.settle(t, "a")
	s.clock.Step(forceInterval)
	began = time.Now()
	for range 100 {
		expect(t, "the next", s.verify(t, source, keyOne), nil)
	}
	if took := time.Since(began); took >= keysTimeout {
		t.Errorf("100 callbacks waited %s", took)
	}
}

func TestKeyStore_RotatesAKey(t *testing.T) {
	s := makeSafe()
	source := builders.MakeRecordingSource("a").Key("one", "key").Obj()
	expect(t, "the old key", s.verify(t, source, keyOne), nil)
	// In place: found when it does not verify.
	s.clock.Step(forceInterval)
	s.set(func() { s.secrets["one"] = keyTwo })
	expect(t, "the new key", s.verify(t, source, keyTwo), nil)
	expect(t, "the old key", s.verify(t, source, keyOne), sparkrtc.ErrSignature)
	// Beside the old one: found at once, without waiting.
	s.set(func() { s.secrets["more"] = keyOne })
	both := builders.MakeRecordingSource("a").Key("one", "key").Key("more", "key").Obj()
	expect(t, "the first of two", s.verify(t, both, keyTwo), nil)
	expect(t, "the second of two", s.verify(t, both, keyOne), nil)
	// Removed: forgotten at once.
	expect(t, "the removed one", s.verify(t, source, keyOne), sparkrtc.ErrSignature)
}

func TestKeyStore_ForgeriesDriveNoReads(t *testing.T) {
	s := makeSafe()
	source := builders.MakeRecordingSource("a").Key("one", "key").Obj()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				if err := s.verify(t, source, keyTwo); !errors.Is(err, sparkrtc.ErrSignature) {
					t.Errorf("a forgery: %v", err)
				}
			}
		})
	}
	all.Wait()
	if got := s.reads.Load(); got != 1 {
		t.Errorf("4000 forgeries at one time drove %d reads", got)
	}
	for range 10 {
		s.clock.Step(forceInterval)
		for range 100 {
			expect(t, "a forgery", s.verify(t, source, keyTwo), sparkrtc.ErrSignature)
		}
	}
	if got := s.reads.Load(); got != 11 {
		t.Errorf("1000 forgeries in %s drove %d reads, want 10", 10*forceInterval, got-1)
	}
}

func TestUnusableKeys(t *testing.T) {
	s := makeSafe()
	s.set(func() { s.secrets["short"] = "short" })
	for name, c := range map[string]struct {
		source *builders.RecordingSource
		want   error
	}{
		"none named":                {builders.MakeRecordingSource("none"), ErrNoUsableKey},
		"too short":                 {builders.MakeRecordingSource("short").Key("short", "key"), ErrNoUsableKey},
		"no such Secret":            {builders.MakeRecordingSource("missing").Key("missing", "key"), ErrNoUsableKey},
		"no such key in the Secret": {builders.MakeRecordingSource("nokey").Key("one", "other"), ErrNoUsableKey},
		"beside a usable one":       {builders.MakeRecordingSource("beside").Key("short", "key").Key("missing", "key").Key("one", "key"), nil},
	} {
		t.Run(name, func(t *testing.T) { expect(t, name, s.verify(t, c.source.Obj(), keyOne), c.want) })
	}
}

func TestKeyStore_KeysOutliveTheAPIServer(t *testing.T) {
	s := makeSafe()
	source := builders.MakeRecordingSource("a").Key("one", "key").Obj()
	expect(t, "the key", s.verify(t, source, keyOne), nil)
	s.set(func() { s.away = true })
	for range 23 {
		s.clock.Step(time.Hour)
		expect(t, "the key that was read last", s.verify(t, source, keyOne), nil)
		expect(t, "a forgery", s.verify(t, source, keyTwo), sparkrtc.ErrSignature)
	}
	s.clock.Step(time.Hour + time.Second)
	expect(t, "a key of a day ago", s.verify(t, source, keyOne), ErrKeysUnread)
	s.set(func() { s.away = false })
	s.clock.Step(forceInterval)
	expect(t, "the key", s.verify(t, source, keyOne), nil)
	// A key that was never read may have signed what the others have not.
	s.set(func() { s.away = true })
	both := builders.MakeRecordingSource("a").Key("one", "key").Key("two", "key").Obj()
	expect(t, "the known of two", s.verify(t, both, keyOne), nil)
	expect(t, "the unknown of two", s.verify(t, both, keyTwo), ErrKeysUnread)
	// A Secret that is gone is another thing than one that cannot be read.
	s.set(func() { s.away = false; delete(s.secrets, "one") })
	s.settle(t, "a")
	s.clock.Step(refreshAfter)
	expect(t, "a deleted key", s.verify(t, source, keyOne), ErrNoUsableKey)
	if log := s.log.String(); !strings.Contains(log, "away") || strings.Contains(log, keyOne) || strings.Contains(log, keyTwo) {
		t.Errorf("log: %s", log)
	}
}

// Forgeries for many sources read Secrets at a bounded rate, and make no source's keys be forgotten.
func TestKeyStore_ForgeriesOfManySourcesAreBounded(t *testing.T) {
	s := makeSafe()
	const sources = 5000
	source := func(i int) *v1alpha1.RecordingSource {
		return sourceOfKey(fmt.Sprintf("n%d", i%100), fmt.Sprintf("s%d", i), "one")
	}
	for i := range sources {
		expect(t, "the key", s.verify(t, source(i), keyOne), nil)
	}
	s.clock.Step(forceInterval)
	before := s.reads.Load()
	for i := range sources {
		if err := s.verify(t, source(i), keyTwo); !errors.Is(err, sparkrtc.ErrSignature) && !errors.Is(err, ErrKeysUnread) {
			t.Fatalf("a forgery: %v", err)
		}
	}
	if reads := s.reads.Load() - before; reads != forceBurst {
		t.Errorf("%d forgeries caused %d reads, want %d", sources, reads, forceBurst)
	}
	s.set(func() { s.away = true })
	for i := range sources {
		expect(t, "the key of a source that called long ago", s.verify(t, source(i), keyOne), nil)
	}
}
