// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

var (
	recordings = schema.GroupResource{Group: "recording.sparkrtc.dev", Resource: "recordingfiles"}

	errDown      = &ingest.Error{Err: errors.New("connection refused")}
	errForbidden = &ingest.Error{Err: apierrors.NewForbidden(recordings, "x", errors.New("exceeded quota"))}
	errWebhook   = &ingest.Error{Err: apierrors.NewInternalError(errors.New(`failed calling webhook "x": connection refused`))}
	errInvalid   = &ingest.Error{Kind: ingest.Invalid, Err: &apierrors.StatusError{ErrStatus: metav1.Status{
		Code: http.StatusUnprocessableEntity, Message: "spec.roomID: too long",
	}}}
)

// apiServer is an Ingester that keeps what it is given, unless it is told to fail.
type apiServer struct {
	mu      sync.Mutex
	fail    func(ingest.Delivery) error
	written []ingest.Delivery
	calls   int
	// hang makes calls wait for their deadline.
	hang bool
}

func (a *apiServer) Ingest(ctx context.Context, d ingest.Delivery) (ingest.Result, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if a.hang {
		a.mu.Unlock()
		<-ctx.Done()
		a.mu.Lock()
		return ingest.Result{}, &ingest.Error{Err: ctx.Err()}
	}
	if a.fail != nil {
		if err := a.fail(d); err != nil {
			return ingest.Result{}, err
		}
	}
	d.Body = append([]byte(nil), d.Body...)
	a.written = append(a.written, d)
	return ingest.Result{Outcome: ingest.Created, File: "file"}, nil
}

// set changes what is written next.
func (a *apiServer) set(fail func(ingest.Delivery) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail, a.hang = fail, false
}

func (a *apiServer) down() { a.set(func(ingest.Delivery) error { return errDown }) }

func (a *apiServer) up() { a.set(nil) }

func (a *apiServer) count() (written, calls int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.written), a.calls
}

// sources is a cache with one source.
type sources struct{ client.Reader }

func (sources) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if key.Name != "classroom" {
		return apierrors.NewNotFound(recordings, key.Name)
	}
	obj.(*v1alpha1.RecordingSource).Namespace, obj.(*v1alpha1.RecordingSource).Name = key.Namespace, key.Name
	return nil
}

// deliver makes the n-th START of a job.
func deliver(job string, n int) ingest.Delivery {
	body := fmt.Sprintf(`{"event_type":"RECORD_NEW_FILE_START","app_id":"app","job_id":%q,"detail_message":"%d"}`, job, n)
	event, err := sparkrtc.Decode([]byte(body))
	if err != nil {
		panic(err)
	}
	return ingest.Delivery{
		Namespace: "media", Source: "classroom", Digest: fmt.Sprintf("%s-%d", job, n), Event: event, Body: []byte(body),
		Received: time.Unix(1619600282, 0).UTC(),
	}
}

// house is a spool with everything around it made up.
type house struct {
	*Spool
	api    *apiServer
	events *events.FakeRecorder
}

func makeHouse(tb testing.TB, dir string, change func(*Options)) house {
	tb.Helper()
	h := house{api: &apiServer{}, events: events.NewFakeRecorder(100)}
	options := Options{
		Dir: dir, Ingester: h.api, Sources: sources{}, Recorder: h.events, Log: logr.Discard(),
		DirectTimeout: 50 * time.Millisecond, Workers: 4,
	}
	if change != nil {
		change(&options)
	}
	var err error
	if h.Spool, err = Open(options); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = h.Close() })
	return h
}

// run drains until the returned function is called.
func (h house) run(tb failer) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	return func() { cancel(); <-done }
}

func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("never happened: %s", what)
		}
	}
}
