// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// sourceOfKey is a source with a key in the Secret.
func sourceOfKey(namespace, name, secret string) *v1alpha1.RecordingSource {
	source := builders.MakeRecordingSource(name).Key(secret, "key").Obj()
	source.Namespace, source.UID = namespace, types.UID(namespace+"/"+name)
	return source
}

// TestKeyStore_ForgeriesOfOneNamespaceLeaveReadsToOthers: callbacks that do not verify, to more sources of one tenant than
// keys may be read for, are always first; and yet the key of another tenant that was replaced in place is found.
func TestKeyStore_ForgeriesOfOneNamespaceLeaveReadsToOthers(t *testing.T) {
	s := makeSafe()
	s.secrets["quiet"] = keyOne
	noisy := make([]*v1alpha1.RecordingSource, 10*forceBurst)
	for i := range noisy {
		noisy[i] = sourceOfKey("noisy", fmt.Sprintf("s%d", i), "one")
		expect(t, "the key", s.verify(t, noisy[i], keyOne), nil)
	}
	quiet := sourceOfKey("quiet", "classroom", "quiet")
	expect(t, "the key", s.verify(t, quiet, keyOne), nil)
	keys := []string{keyTwo, keyOne}
	for round := range 20 {
		s.clock.Step(forceInterval)
		s.set(func() { s.secrets["quiet"] = keys[round%2] })
		for _, source := range noisy {
			if err := s.verify(t, source, strings.Repeat("3", 32)); !errors.Is(err, sparkrtc.ErrSignature) && !errors.Is(err, ErrKeysUnread) {
				t.Fatalf("a forgery: %v", err)
			}
		}
		expect(t, "the key that was replaced", s.verify(t, quiet, keys[round%2]), nil)
	}
}

// TestKeyStore_UnreadKeysOfOneNamespaceHoldFewCallbacks: a tenant whose source names keys that cannot be read now, as when
// the API server cannot decrypt Secrets, floods it. Of the callbacks few wait for that, and another tenant's are stored.
func TestKeyStore_UnreadKeysOfOneNamespaceHoldFewCallbacks(t *testing.T) {
	s := makeSafe()
	s.secrets["callback"] = secret
	h := newFixture(t, func(c *Config) {
		c.Keys = s.store
		c.Sources = sources{"media/classroom": sourceOfKey("media", "classroom", "callback"), "floods/classroom": sourceOfKey("floods", "classroom", "callback")}
	})
	content := fixture(t, "start-hls.json")
	checkResponse(t, h.post(signed(t, path, content)), http.StatusOK, "")
	answer := make(chan struct{})
	s.set(func() { s.hang = answer })
	flood := h.limits.InFlight + h.limits.Queue + h.limits.Reading
	codes := make(chan int, flood)
	var senders sync.WaitGroup
	for n := range flood {
		r := signedAt(t, "/callbacks/floods/classroom", content, strconv.Itoa(n), "1619600282")
		r.RemoteAddr = fmt.Sprintf("198.18.%d.%d:1", n%256, n/256)
		senders.Go(func() { codes <- h.post(r).Code })
	}
	for range flood - maxRefreshing {
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Fatalf("a callback beyond those that wait: %d", code)
		}
	}
	waitFor(t, "the flood to hold no more than its share", func() bool {
		return len(h.inFlight.slots) == maxRefreshing && len(h.reading.slots) == 0
	})
	checkResponse(t, h.post(signedAt(t, path, content, "other", "1619600282")), http.StatusOK, "")
	close(answer)
	for range maxRefreshing {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("a callback that waited: %d", code)
		}
	}
	senders.Wait()
	if left := s.store.refreshing.Held(); left != 0 {
		t.Errorf("%d namespaces still wait", left)
	}
}

// TestNotices_OfOneNamespaceLeaveHalfToOthers: forgeries to thousands of sources of one tenant, always first, and callbacks
// whose timestamps change all the time, keep no event from another tenant.
func TestNotices_OfOneNamespaceLeaveHalfToOthers(t *testing.T) {
	recorder, clk := events.NewFakeRecorder(100_000), clocktesting.NewFakeClock(testNow)
	n := newNotices(recorder, clk)
	units := []sparkrtc.Unit{sparkrtc.Seconds, sparkrtc.Milliseconds}
	noisy, all := sourceOfKey("noisy", "one", "one"), 0
	for second := range 100 {
		clk.Step(time.Second)
		for i := range 100 {
			n.unauthenticated(sourceOfKey("noisy", fmt.Sprintf("s%d-%d", second, i), "one"), sparkrtc.ErrUnsigned)
			n.timestamp(noisy, units[i%2], 0)
		}
		all += len(recorder.Events)
		for len(recorder.Events) > 0 {
			<-recorder.Events
		}
		if second%2 == 0 {
			n.unauthenticated(sourceOfKey("quiet", strconv.Itoa(second), "one"), sparkrtc.ErrUnsigned)
			if len(recorder.Events) != 1 {
				t.Errorf("second %d: the quiet namespace gets no event", second)
			}
			for len(recorder.Events) > 0 {
				<-recorder.Events
			}
		}
	}
	if most := noticeBurst/2 + 100/2; all > most {
		t.Errorf("%d events of one namespace in 100 s, want at most %d", all, most)
	}
}

// TestNotices_ChangingTimestampsAreFew: a sender that has the key changes the unit with every callback.
func TestNotices_ChangingTimestampsAreFew(t *testing.T) {
	recorder, clk := events.NewFakeRecorder(1000), clocktesting.NewFakeClock(testNow)
	n, source := newNotices(recorder, clk), sourceOfKey("media", "classroom", "one")
	units := []sparkrtc.Unit{sparkrtc.Seconds, sparkrtc.Milliseconds, sparkrtc.UnknownUnit}
	for second := range 600 {
		clk.Step(time.Second)
		n.timestamp(source, units[second%3], 0)
	}
	if got := len(recorder.Events); got < 2 || got > 11 {
		t.Errorf("%d events in ten minutes, want one a minute", got)
	}
}
