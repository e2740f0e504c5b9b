// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

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
	// notReady is what it says of itself, and asked how often it was asked.
	notReady error
	asked    int
}

func (a *apiServer) ready(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return a.notReady
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
	d.Body = nil
	a.written = append(a.written, d)
	return ingest.Result{Outcome: ingest.Created, File: "file"}, nil
}

// set changes what is written next. The API server says that it is ready.
func (a *apiServer) set(fail func(ingest.Delivery) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail, a.hang, a.notReady = fail, false, nil
}

// down makes the API server disappear.
func (a *apiServer) down() {
	a.set(func(ingest.Delivery) error { return errDown })
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notReady = errors.New("connection refused")
}

func (a *apiServer) up() { a.set(nil) }

func (a *apiServer) count() (written, calls int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.written), a.calls
}

// rejecter keeps what is rejected.
type rejecter struct {
	mu       sync.Mutex
	err      error
	rejected []rejection
}

type rejection struct {
	ingest.Delivery
	reason  v1alpha1.RejectionReason
	message string
}

func (r *rejecter) Reject(_ context.Context, d ingest.Delivery, reason v1alpha1.RejectionReason, message string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	r.rejected = append(r.rejected, rejection{d, reason, message})
	return nil
}

func (r *rejecter) all() []rejection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]rejection(nil), r.rejected...)
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

// in makes the n-th START of a namespace.
func in(namespace string, n int) ingest.Delivery {
	d := deliver(namespace, n)
	d.Namespace = namespace
	return d
}

// harness is a spool with everything around it made up.
type harness struct {
	*Spool
	api      *apiServer
	rejecter *rejecter
}

func makeHarness(tb testing.TB, dir string, change func(*Options)) harness {
	tb.Helper()
	h := harness{api: &apiServer{}, rejecter: &rejecter{}}
	options := Options{
		Dir: dir, Ingester: h.api, Rejecter: h.rejecter, Ready: h.api.ready, Log: logr.Discard(),
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

// failer is a test, be it Go's or rapid's.
type failer interface {
	Helper()
	Fatal(arguments ...any)
	Fatalf(format string, arguments ...any)
}

// fastDir is a folder in memory where there is one, for tests that need no disk.
func fastDir(t failer) (dir string, remove func()) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		dir, err = os.MkdirTemp("", "spool")
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

// makeSmallHarness has its spool in small segments in memory.
func makeSmallHarness(t *testing.T, clk clock.WithTicker) harness {
	t.Helper()
	dir, remove := fastDir(t)
	t.Cleanup(remove)
	return makeHarness(t, dir, func(o *Options) {
		o.MaxBytes, o.segmentBytes = 4<<20, 64<<10
		if clk != nil {
			o.Clock = clk
		}
	})
}

// run drains until the returned function is called.
func (h harness) run(tb failer) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	return func() { cancel(); <-done }
}

func eventually(tb failer, what string, holds func() bool) {
	tb.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), time.Millisecond, time.Minute, true,
		func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		tb.Fatalf("never happened: %s", what)
	}
}
