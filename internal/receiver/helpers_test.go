// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

const (
	secret = "0123456789abcdef0123456789abcdef"
	app    = "5fcdf5651xxxxxx6f835d0d4"
	path   = "/callbacks/media/classroom"
)

var testNow = time.Unix(1619600282, 0)

// sources is a cache of RecordingSources.
type sources map[string]*v1alpha1.RecordingSource

func (s sources) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if s == nil {
		return errors.New("cache is broken")
	}
	source, ok := s[key.String()]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "recordingsources"}, key.Name)
	}
	source.DeepCopyInto(obj.(*v1alpha1.RecordingSource))
	return nil
}

func (s sources) List(context.Context, client.ObjectList, ...client.ListOption) error { return nil }

// keyring evaluates with fixed keys, at the time of the test's clock.
type keyring struct {
	keys  []sparkrtc.Key
	clock clock.PassiveClock
}

func (k keyring) Evaluate(_ context.Context, source *v1alpha1.RecordingSource, request Request) Evaluation {
	return Evaluate(source, Keys{Usable: k.keys}, request, k.clock.Now())
}

// sink is an ingester that keeps what it is given.
type sink struct {
	mu         sync.Mutex
	deliveries []ingest.Delivery
	err        error
	entered    chan struct{}
	hold       chan struct{}
}

func (s *sink) Ingest(_ context.Context, d ingest.Delivery) (ingest.Result, error) {
	if s.hold != nil {
		s.entered <- struct{}{}
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return ingest.Result{}, s.err
	}
	s.deliveries = append(s.deliveries, d)
	if d.Event.Type == sparkrtc.Unknown {
		return ingest.Result{Outcome: ingest.Ignored}, nil
	}
	return ingest.Result{Outcome: ingest.Created, File: "file"}, nil
}

// observed is an observer that keeps what it is told.
type observed struct {
	mu         sync.Mutex
	seen       []string
	timestamps []string
}

func (o *observed) CallbackHandled(namespace, source, outcome string, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, namespace+"/"+source+" "+outcome)
}

func (o *observed) TimestampObserved(namespace, source, unit string, skew time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.timestamps = append(o.timestamps, namespace+"/"+source+" "+unit+" "+skew.String())
}

// testServer is a server with everything behind it made up.
type testServer struct {
	*Server
	sink     *sink
	observed *observed
	events   *events.FakeRecorder
}

func mustKey(tb testing.TB, text string) sparkrtc.Key {
	tb.Helper()
	key, err := sparkrtc.ParseKey([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func newFixture(tb testing.TB, change func(*Config)) testServer {
	tb.Helper()
	h := testServer{sink: &sink{}, observed: &observed{}, events: events.NewFakeRecorder(100)}
	config := Config{
		Address: "127.0.0.1:0",
		Sources: sources{"media/classroom": builders.MakeRecordingSource("classroom").App(app).Key("callback", "key").Obj()},
		Keys:    keyring{keys: []sparkrtc.Key{mustKey(tb, secret)}}, Ingester: h.sink, Observer: h.observed, Recorder: h.events,
		Log: logr.Discard(), Clock: clocktesting.NewFakeClock(testNow), Limits: Limits{ShutdownDelay: -1},
	}
	if change != nil {
		change(&config)
	}
	if keys, ok := config.Keys.(keyring); ok {
		keys.clock = config.Clock
		config.Keys = keys
	}
	var err error
	if h.Server, err = New(config); err != nil {
		tb.Fatal(err)
	}
	return h
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join("..", "sparkrtc", "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// signed is a request that the service could have sent.
func signed(tb testing.TB, url string, content []byte) *http.Request {
	tb.Helper()
	return signedAt(tb, url, content, "5577006791947779410", "1619600282")
}

func signedAt(tb testing.TB, url string, content []byte, random, timestamp string) *http.Request {
	tb.Helper()
	proof, err := sparkrtc.Sign(mustKey(tb, secret), random, timestamp, content)
	if err != nil {
		tb.Fatal(err)
	}
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, url, bytes.NewReader(content))
	proof.SetHeader(r.Header)
	return r
}

// post serves a request.
func (h testServer) post(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
