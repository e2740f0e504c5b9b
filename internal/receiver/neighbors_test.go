// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/spool"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// stuck is an API server that never answers the callbacks of one namespace, and all others at once.
type stuck struct {
	namespace string
	end       chan struct{}
}

func (s stuck) Ingest(_ context.Context, d ingest.Delivery) (ingest.Result, error) {
	if d.Namespace == s.namespace {
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
	requests := make([]*http.Request, flood)
	for n := range requests {
		requests[n] = signedAt(t, "/callbacks/floods/classroom", body, fmt.Sprint(n), "1619600282")
		requests[n].RemoteAddr = fmt.Sprintf("198.18.%d.%d:1", n%256, n/256)
	}
	var senders sync.WaitGroup
	defer func() {
		close(api.end)
		senders.Wait()
	}()
	var stored atomic.Int32
	for _, request := range requests {
		senders.Go(func() {
			if code := h.post(request).Code; code != http.StatusOK {
				t.Errorf("code %d", code)
			}
			stored.Add(1)
		})
	}
	waitFor(t, "the flood to be on disk, but for a quarter of the slots", func() bool { return int(stored.Load()) == flood-slots/4 })
	if held := len(h.inFlight.slots); held != slots/4 {
		t.Errorf("the flood holds %d of %d slots", held, slots)
	}
	if w := h.post(signed(t, path, body)); w.Code != http.StatusOK {
		t.Errorf("another tenant's callback: %d", w.Code)
	}
}
