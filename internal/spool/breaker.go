// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

// trialBackoff is the time between trials while the breaker is open. Its cap bounds how long the backlog waits after the
// API server has returned.
var trialBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 10, Cap: 2 * time.Second}

// readyTimeout bounds the question whether the API server is ready.
const readyTimeout = 500 * time.Millisecond

// evidence is what a failed call says about the API server.
type evidence int

const (
	// answered means that the API server refused the call itself: it is there.
	answered evidence = iota
	// serverError means that the API server, or a webhook that it asked, failed.
	serverError
	// noAnswer means that nobody answered, or that the API server is too busy to.
	noAnswer
)

func evidenceOf(err error) evidence {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return noAnswer
	}
	switch code := status.Status().Code; {
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		return noAnswer
	case code >= http.StatusInternalServerError:
		return serverError
	default:
		return answered
	}
}

// breaker keeps callers from waiting for an API server that is away.
//
// It opens when calls for more than one namespace get no answer, or when a call fails and the API server says itself that
// it is not ready. One namespace alone does not open it: a webhook or a huge object of a single tenant may be the reason.
// While it is open nobody calls; after a pause it is half-open, and one caller at a time tries. A success closes it.
type breaker struct {
	clock clock.Clock
	// ready asks the API server whether it is ready; callers share a question.
	ready   func(context.Context) error
	probing singleflight.Group
	// trial is held by the one that tries.
	trial chan struct{}

	mu sync.Mutex
	// open is nil while the breaker is closed, and is closed when the breaker closes.
	open chan struct{}
	// backoff is how long to wait after the next failure; nobody tries before next.
	backoff wait.Backoff
	next    time.Time
	// silent are the namespaces that got no answer since the last success; two are enough to know.
	silent map[string]bool
	// succeededAt is when a call succeeded last.
	succeededAt time.Time
}

func newBreaker(clk clock.Clock, ready func(context.Context) error) *breaker {
	return &breaker{clock: clk, ready: ready, trial: make(chan struct{}, 1), silent: map[string]bool{}}
}

// isOpen reports whether the API server is away.
func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open != nil
}

// state returns the channel that is closed when the breaker closes, nil when it is closed, and how long nobody may try.
func (b *breaker) state() (open <-chan struct{}, pause time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open, b.next.Sub(b.clock.Now())
}

// succeeded closes the breaker, and reports whether it was open.
func (b *breaker) succeeded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.succeededAt = b.clock.Now()
	clear(b.silent)
	if b.open == nil {
		return false
	}
	close(b.open)
	b.open, b.next = nil, time.Time{}
	return true
}

// failed learns from a call that began at started. Away says that the API server is; opened that this is news.
func (b *breaker) failed(ctx context.Context, namespace string, started time.Time, err error) (away, opened bool) {
	kind := evidenceOf(err)
	switch {
	case kind == noAnswer && b.othersAreSilent(namespace, started, err):
		return true, b.trip()
	case kind != answered && b.isNotReady(ctx):
		return true, b.trip()
	case kind != noAnswer: // it is there, and says that it is ready
		b.succeeded()
	}
	return false, false
}

// othersAreSilent reports whether calls for other namespaces got no answer either. A deadline that passed while others
// succeeded says nothing: that call was slow.
func (b *breaker) othersAreSilent(namespace string, started time.Time, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(err, context.DeadlineExceeded) && b.succeededAt.After(started) {
		return false
	}
	if len(b.silent) < 2 {
		b.silent[namespace] = true
	}
	return len(b.silent) > 1
}

// isNotReady asks the API server. An answer that it does not want to say is an answer.
func (b *breaker) isNotReady(ctx context.Context) bool {
	_, err, _ := b.probing.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		return nil, b.ready(ctx)
	})
	return err != nil && evidenceOf(err) != answered
}

// trip opens the breaker, or has it stay open for longer. It reports whether it was closed.
func (b *breaker) trip() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	opened := b.open == nil
	if opened {
		b.open, b.backoff = make(chan struct{}), trialBackoff
	}
	if now := b.clock.Now(); opened || !now.Before(b.next) {
		b.next = now.Add(b.backoff.Step())
	}
	return opened
}

func nothing() {}

// try lets a caller through when the breaker is closed, or half-open and no other caller tries. A caller that was let
// through calls done afterwards.
func (b *breaker) try() (done func(), ok bool) {
	open, pause := b.state()
	if open == nil {
		return nothing, true
	}
	if pause > 0 {
		return nil, false
	}
	select {
	case b.trial <- struct{}{}:
		return func() { <-b.trial }, true
	default:
		return nil, false
	}
}

// wait returns when the breaker is closed, or when it is the caller's turn to try. Its error is the context's.
func (b *breaker) wait(ctx context.Context) (done func(), err error) {
	open, _ := b.state()
	if open == nil {
		return nothing, nil
	}
	select {
	case <-open:
		return nothing, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case b.trial <- struct{}{}:
	}
	release := func() { <-b.trial }
	open, pause := b.state()
	if open == nil || pause <= 0 {
		return release, nil
	}
	timer := b.clock.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-open:
	case <-timer.C():
	case <-ctx.Done():
		release()
		return nil, ctx.Err()
	}
	return release, nil
}
