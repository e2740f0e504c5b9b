// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/spool"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// stuck is an API server that never answers the callbacks of some namespaces, and all others at once.
type stuck struct {
	namespace string
	end       chan struct{}
}

func (s stuck) Ingest(_ context.Context, d ingest.Delivery) (ingest.Result, error) {
	if strings.HasPrefix(d.Namespace, s.namespace) {
		<-s.end
	}
	return ingest.Result{Outcome: ingest.Created, File: "file"}, nil
}

// TestServer_FloodOfOneNamespaceLeavesSlotsToOthers: a tenant whose callbacks the API server does not answer sends as many
// as the receiver handles and queues, all authentic and from many addresses. They hold a quarter of its slots, the rest of
// them is on disk, and the callback of another tenant is stored.
func TestServer_FloodOfOneNamespaceLeavesSlotsToOthers(t *testing.T) {
	api := stuck{namespace: "floods", end: make(chan struct{})}
	durable, err := spool.Open(spool.Options{
		// An hour: in this test nothing that waits for the API server gives up.
		Dir: t.TempDir(), DirectTimeout: time.Hour, Ingester: api, Ready: func(context.Context) error { return nil }, Log: logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = durable.Close() }()
	h := newFixture(t, func(config *Config) {
		flooder := builders.MakeRecordingSource("classroom").App(app).Key("callback", "key").Obj()
		flooder.Namespace = api.namespace
		config.Sources = sources{
			"media/classroom":            builders.MakeRecordingSource("classroom").App(app).Key("callback", "key").Obj(),
			api.namespace + "/classroom": flooder,
		}
		config.Ingester = durable
	})
	slots := h.limits.InFlight
	flood := 2 * slots
	body := fixture(t, "complete-mp4.json")
	requests := floodOf(t, []string{"floods"}, flood)
	stored, wait := h.sendAll(t, requests)
	defer func() {
		close(api.end)
		wait()
	}()
	waitFor(t, "the flood to be on disk, but for a quarter of the slots", func() bool { return int(stored.Load()) == flood-slots/4 })
	if held := len(h.inFlight.slots); held != slots/4 {
		t.Errorf("the flood holds %d of %d slots", held, slots)
	}
	if w := h.post(signed(t, path, body)); w.Code != http.StatusOK {
		t.Errorf("another tenant's callback: %d", w.Code)
	}
}

// flooding are the names of namespaces that attack together.
func flooding(namespaces int) (names []string) {
	for n := range namespaces {
		names = append(names, fmt.Sprintf("floods-%d", n))
	}
	return names
}

// floodOf are callbacks of each namespace, all authentic and from many addresses.
func floodOf(t *testing.T, namespaces []string, each int) (requests []*http.Request) {
	t.Helper()
	body := fixture(t, "complete-mp4.json")
	for n := range each {
		for i, namespace := range namespaces {
			r := signedAt(t, "/callbacks/"+namespace+"/classroom", body, fmt.Sprint(n), "1619600282")
			r.RemoteAddr = fmt.Sprintf("198.%d.%d.%d:1", 18+i, n%256, n/256)
			requests = append(requests, r)
		}
	}
	return requests
}

// sendAll sends callbacks at one time, and counts those that are stored.
func (h testServer) sendAll(t *testing.T, requests []*http.Request) (stored *atomic.Int32, wait func()) {
	t.Helper()
	var senders sync.WaitGroup
	stored = new(atomic.Int32)
	for _, request := range requests {
		senders.Go(func() {
			if code := h.post(request).Code; code != http.StatusOK {
				t.Errorf("code %d", code)
			}
			stored.Add(1)
		})
	}
	return stored, senders.Wait
}

// TestServer_FloodsOfManyNamespacesLeaveSlotsToOthers: ten tenants whose callbacks the API server does not answer flood the
// receiver together. They hold at most half of its slots, the rest of them is on disk, and the callbacks of another tenant do not
// wait: one that did would be refused, since nothing ends.
func TestServer_FloodsOfManyNamespacesLeaveSlotsToOthers(t *testing.T) {
	api := stuck{namespace: "floods", end: make(chan struct{})}
	durable, err := spool.Open(spool.Options{
		Dir: t.TempDir(), DirectTimeout: time.Hour, Ingester: api, Ready: func(context.Context) error { return nil }, Log: logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = durable.Close() }()
	attackers := flooding(10)
	h := newFixture(t, func(config *Config) {
		all := sources{"media/classroom": sourceOfKey("media", "classroom", "callback")}
		for _, namespace := range attackers {
			all[namespace+"/classroom"] = sourceOfKey(namespace, "classroom", "callback")
		}
		config.Sources, config.Ingester = all, durable
	})
	slots := h.limits.InFlight
	requests := floodOf(t, attackers, 2*slots/len(attackers))
	stored, wait := h.sendAll(t, requests)
	defer func() {
		close(api.end)
		wait()
	}()
	waitFor(t, "the floods to be on disk, but for what half of the slots hold", func() bool {
		held := len(h.inFlight.slots)
		return held <= slots/2 && int(stored.Load())+held == len(requests)
	})
	for n := range slots {
		if w := h.post(signedAt(t, path, fixture(t, "complete-mp4.json"), fmt.Sprint(n), "1619600282")); w.Code != http.StatusOK {
			t.Fatalf("callback %d of another tenant: %d", n, w.Code)
		}
	}
}

// TestKeyStore_UnreadKeysOfManyNamespacesHoldFewCallbacks: the same with ten tenants whose sources name keys that cannot be
// read now. They hold at most a quarter of the slots together.
func TestKeyStore_UnreadKeysOfManyNamespacesHoldFewCallbacks(t *testing.T) {
	s := makeSafe()
	s.secrets["callback"] = secret
	attackers := flooding(10)
	h := newFixture(t, func(c *Config) {
		all := sources{"media/classroom": sourceOfKey("media", "classroom", "callback")}
		for _, namespace := range attackers {
			all[namespace+"/classroom"] = sourceOfKey(namespace, "classroom", "callback")
		}
		c.Sources, c.Keys = all, s.store
	})
	content := fixture(t, "start-hls.json")
	checkResponse(t, h.post(signed(t, path, content)), http.StatusOK, "")
	answer := make(chan struct{})
	s.set(func() { s.hang = answer })
	requests := floodOf(t, attackers, 2*h.limits.InFlight/len(attackers))
	codes := make(chan int, len(requests))
	var senders sync.WaitGroup
	for _, request := range requests {
		senders.Go(func() { codes <- h.post(request).Code })
	}
	for range len(requests) - maxRefreshingAll {
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Fatalf("a callback beyond those that wait: %d", code)
		}
	}
	if held := len(h.inFlight.slots); held > h.limits.InFlight/4 {
		t.Errorf("the floods hold %d of %d slots", held, h.limits.InFlight)
	}
	for n := range h.limits.InFlight {
		checkResponse(t, h.post(signedAt(t, path, content, "other"+fmt.Sprint(n), "1619600282")), http.StatusOK, "")
	}
	close(answer)
	senders.Wait()
	if left := s.store.refreshing.Held(); left != 0 {
		t.Errorf("%d namespaces still wait", left)
	}
}
