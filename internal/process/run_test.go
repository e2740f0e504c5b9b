// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// runner is a manager that is started and comes past its caches, or not.
type runner struct {
	manager.Manager
	start   func(context.Context) error
	elected chan struct{}
}

func (r *runner) Start(ctx context.Context) error { return r.start(ctx) }
func (r *runner) Elected() <-chan struct{}        { return r.elected }

func TestRun_WaitsForWhatRuns(t *testing.T) { synctest.Test(t, waitsForWhatRuns) }

func waitsForWhatRuns(t *testing.T) {
	g := NewWithT(t)
	stopped, stop := context.WithCancel(t.Context())
	stop()

	never := make(chan struct{})
	waiting := &runner{elected: make(chan struct{}), start: func(context.Context) error { <-never; return nil }}
	g.Expect(Run(stopped, waiting)).To(Succeed(), "must not wait for caches that never sync")
	close(never)

	released := false
	starting := &runner{elected: make(chan struct{}), start: func(ctx context.Context) error {
		<-ctx.Done()
		<-time.NewTimer(time.Second).C // its controllers end, and it gives the Lease back
		released = true
		return nil
	}}
	g.Expect(Run(stopped, starting)).To(Succeed())
	g.Expect(released).To(BeTrue(), "must wait for a manager that holds the Lease before its controllers have started")

	ended := false
	running := &runner{elected: make(chan struct{}), start: func(ctx context.Context) error { <-ctx.Done(); ended = true; return nil }}
	close(running.elected)
	g.Expect(Run(stopped, running)).To(Succeed())
	g.Expect(ended).To(BeTrue(), "must wait until the manager has ended")

	broken := errors.New("broken")
	failing := &runner{elected: make(chan struct{}), start: func(context.Context) error { return broken }}
	g.Expect(Run(t.Context(), failing)).To(MatchError(broken))
}
