// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"sparkrtc.dev/recording-operator/internal/ingest"
)

func TestBreaker_WhatIsAnOutage(t *testing.T) {
	deadline := fmt.Errorf("post: %w", context.DeadlineExceeded)
	tooBusy := apierrors.NewTooManyRequests("busy", 1)
	for name, c := range map[string]struct {
		errs []error // of namespaces in turn
		// notReady is what the API server says of itself.
		notReady error
		away     bool
	}{
		"no answer, and it is not ready":         {[]error{errDown}, errDown, true},
		"no answer, but it is ready":             {[]error{errDown}, nil, false},
		"a deadline, but it is ready":            {[]error{deadline}, nil, false},
		"no answer in two namespaces":            {[]error{errDown, deadline}, nil, true},
		"no answer, twice in one":                {[]error{errDown, nil, errDown}, nil, false},
		"too busy in two namespaces":             {[]error{tooBusy, tooBusy}, nil, true},
		"an error of its own, and not ready":     {[]error{apierrors.NewInternalError(errors.New("etcd"))}, errDown, true},
		"an error of a webhook":                  {[]error{errWebhook}, nil, false},
		"errors of webhooks in two namespaces":   {[]error{errWebhook, errWebhook}, nil, false},
		"a refusal, though it is not ready":      {[]error{errForbidden}, errDown, false},
		"a refusal between":                      {[]error{errDown, errForbidden, deadline}, nil, false},
		"it is unhealthy":                        {[]error{errDown}, apierrors.NewInternalError(errors.New("etcd")), true},
		"it does not say whether it is ready":    {[]error{errDown}, apierrors.NewForbidden(schema.GroupResource{}, "", nil), false},
		"it does not say, in two namespaces":     {[]error{errDown, errDown}, apierrors.NewForbidden(schema.GroupResource{}, "", nil), true},
		"it is too busy to say whether it is":    {[]error{errDown}, tooBusy, true},
		"a timeout of the API server's, no more": {[]error{apierrors.NewTimeoutError("slow", 1)}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			clk := fakeClock()
			b := newBreaker(clk, func(context.Context) error { return c.notReady })
			var away bool
			for i, err := range c.errs {
				if err == nil {
					continue
				}
				away, _ = b.failed(t.Context(), fmt.Sprint("namespace-", i%2), clk.Now(), err)
			}
			if away != c.away || b.isOpen() != c.away {
				t.Errorf("away %t, open %t", away, b.isOpen())
			}
		})
	}
}

// A call that ran out of time while others succeeded was slow itself: a task with 2,500 files is no outage for all
// (security: M9).
func TestBreaker_DeadlineAfterASuccessIsNoOutage(t *testing.T) {
	clk := fakeClock()
	b := newBreaker(clk, func(context.Context) error { return nil })
	started := clk.Now()
	if away, _ := b.failed(t.Context(), "other", started, errDown); away {
		t.Fatal("one namespace is enough")
	}
	clk.Step(time.Second)
	b.succeeded()
	clk.Step(time.Second)
	if away, _ := b.failed(t.Context(), "big", started, context.DeadlineExceeded); away {
		t.Error("a deadline after a success is an outage")
	}
	if away, _ := b.failed(t.Context(), "other", clk.Now(), errDown); away {
		t.Error("the slow call counted all the same")
	}
	if away, _ := b.failed(t.Context(), "big", clk.Now(), context.DeadlineExceeded); !away {
		t.Error("no answer in two namespaces since the last success is no outage")
	}
}

func TestSpool_SlowDeliveryIsNoOutageForOthers(t *testing.T) {
	h := makeHarness(t, t.TempDir(), nil)
	h.api.set(func(d ingest.Delivery) error {
		if d.Namespace == "big" {
			return &ingest.Error{Err: fmt.Errorf("2,000 of 2,500 files: %w", context.DeadlineExceeded)}
		}
		return nil
	})
	for n := range 3 {
		h.ingest(t, in("big", n), ingest.Spooled)
		h.ingest(t, in("small", n), ingest.Created)
	}
	if h.Stats().BreakerOpen {
		t.Error("the breaker is open")
	}
	// And it did not try for ever.
	if _, calls := h.api.count(); calls != 4 {
		t.Errorf("%d calls", calls)
	}
}

// One caller at a time tries while the breaker is half-open, and a failure makes the pause longer.
func TestBreaker_HalfOpenLetsOneTry(t *testing.T) {
	clk := fakeClock()
	b := newBreaker(clk, func(context.Context) error { return errDown })
	b.failed(t.Context(), "a", clk.Now(), errDown)
	if _, ok := b.try(); ok {
		t.Error("a caller was let through at once")
	}
	for pause, n := time.Duration(0), 0; n < 6; n++ {
		before := pause
		_, pause = b.state()
		if pause < before/2 || pause > 3*time.Second {
			t.Errorf("pause %s after %s", pause, before)
		}
		clk.Step(pause)
		done, ok := b.try()
		if !ok {
			t.Fatal("nobody was let through")
		}
		if _, second := b.try(); second {
			t.Error("two were let through")
		}
		b.failed(t.Context(), "a", clk.Now(), errDown)
		done()
	}
	if !b.succeeded() || b.isOpen() {
		t.Error("a success does not close it")
	}
}

func TestPauses_AreBoundedAndForgotten(t *testing.T) {
	clk := fakeClock()
	p := newPauses(clk)
	for range refusalsToPause - 1 {
		p.refused("a", false)
	}
	if !p.until("a").IsZero() {
		t.Error("paused too early")
	}
	p.refused("a", false)
	first := p.until("a").Sub(clk.Now())
	if first < firstRefusal || first > 2*firstRefusal {
		t.Errorf("the first pause is %s", first)
	}
	for range 20 {
		clk.SetTime(p.until("a"))
		p.refused("a", false)
	}
	if last := p.until("a").Sub(clk.Now()); last < lastRefusal || last > 2*lastRefusal {
		t.Errorf("the last pause is %s", last)
	}
	p.accepted("a")
	if !p.until("a").IsZero() {
		t.Error("an answer does not end the pause")
	}
	p.refused("slow", true)
	if p.until("slow").IsZero() {
		t.Error("a deadline does not pause at once")
	}
	for n := range 2 * maxPauses {
		p.refused(fmt.Sprint(n), true)
	}
	if p.known.Len() != maxPauses {
		t.Errorf("%d namespaces are remembered", p.known.Len())
	}
}

// A webhook that hangs for one namespace sends the callbacks of no other to the spool, also when no other succeeds in
// between. When two namespaces get no answer it is an outage to the breaker, until the next one that is tried gets one.
func TestSpool_HangingWebhookIsNoOutageForOthers(t *testing.T) {
	clk := fakeClock()
	h := makeHarness(t, t.TempDir(), func(o *Options) { o.Clock = clk })
	h.api.set(func(d ingest.Delivery) error {
		if d.Namespace != "works" {
			return &ingest.Error{Err: context.DeadlineExceeded}
		}
		return nil
	})
	for n := range 100 {
		h.ingest(t, in("hangs", n), ingest.Spooled)
		if h.Stats().BreakerOpen {
			t.Fatalf("open after %d callbacks of one namespace", n+1)
		}
	}
	h.ingest(t, in("works", 1), ingest.Created)

	h.ingest(t, in("hangs", 101), ingest.Spooled)
	clk.Step(time.Hour) // its pause ends
	h.ingest(t, in("hangs", 102), ingest.Spooled)
	h.ingest(t, in("hangs too", 1), ingest.Spooled)
	if !h.Stats().BreakerOpen {
		t.Fatal("closed, though two namespaces got no answer")
	}
	h.ingest(t, in("works", 2), ingest.Spooled)
	clk.Step(time.Minute)
	h.ingest(t, in("works", 3), ingest.Created)
	if h.Stats().BreakerOpen {
		t.Error("open after a success")
	}
}
