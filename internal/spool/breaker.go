// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

// probeBackoff is the time between attempts to reach an API server that is away. Its cap bounds how long the backlog
// waits after the API server has returned.
var probeBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 10, Cap: 2 * time.Second}

// isOutage says that an error tells of the API server, not of the event: it did not answer, or not for itself. What it
// refuses (a missing right, a quota, a namespace that is gone) is no outage.
func isOutage(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return true
	}
	code := status.Status().Code
	return (code >= http.StatusInternalServerError || code == http.StatusTooManyRequests) && !isWebhook(status.Status())
}

// isWebhook says that a webhook is what failed: the API server could not ask it, or was told of its own trouble. It may be
// one of a single namespace, which must not keep all others from being written. Nothing but the text tells.
func isWebhook(status metav1.Status) bool {
	return strings.Contains(status.Message, "failed calling webhook") || strings.HasPrefix(status.Message, "admission webhook ")
}

// breaker keeps callers from waiting for an API server that is away. While it is open, one at a time may try.
type breaker struct {
	clock clock.Clock
	// probe is held by the one that tries.
	probe chan struct{}

	mu sync.Mutex
	// open is nil while the breaker is closed, and is closed when the breaker closes.
	open chan struct{}
	// backoff is how long to wait after the next failure; nobody tries before next.
	backoff wait.Backoff
	next    time.Time
}

func newBreaker(clk clock.Clock) *breaker {
	return &breaker{clock: clk, probe: make(chan struct{}, 1)}
}

// isOpen reports whether the API server is away.
func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open != nil
}

// state returns the channel that tells of the breaker's closing, nil when it is closed, and how long nobody may try.
func (b *breaker) state() (open <-chan struct{}, pause time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open, b.next.Sub(b.clock.Now())
}

// answered closes the breaker, and reports whether it was open.
func (b *breaker) answered() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		return false
	}
	close(b.open)
	b.open, b.next = nil, time.Time{}
	return true
}

// failed opens the breaker, or has it stay open for longer. It reports whether it was closed.
func (b *breaker) failed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	opened := b.open == nil
	if opened {
		b.open, b.backoff = make(chan struct{}), probeBackoff
	}
	b.next = b.clock.Now().Add(b.backoff.Step())
	return opened
}

// unsure lets the next attempt follow at once: the one before ended well, but may not have reached the API server.
func (b *breaker) unsure() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = time.Time{}
}

func nothing() {}

// try lets a caller through when the breaker is closed, or when it is the one whose turn it is to try. Who was let
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
	case b.probe <- struct{}{}:
		return func() { <-b.probe }, true
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
	case b.probe <- struct{}{}:
	}
	release := func() { <-b.probe }
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
