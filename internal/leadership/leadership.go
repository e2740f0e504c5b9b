// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package leadership runs the controllers while this replica leads, term after term, in a process that outlives every
// term. A manager of controller-runtime that loses its Lease ends the process, for safety. Here that would close the
// callback door whenever the API server is away for longer than the Lease lasts: just when it has to take callbacks and
// keep them.
package leadership

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlelection "sigs.k8s.io/controller-runtime/pkg/leaderelection"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Timing says how long a Lease lasts. A leader that cannot renew it stops at the latest RequestTimeout + RetryPeriod +
// RenewDeadline after the last renewal was written (whose answer may take its time), which has to be less than Lease: then
// nobody else leads yet.
type Timing struct {
	// Lease is how long the others wait for a leader that is not heard of. Whole seconds.
	Lease time.Duration
	// RenewDeadline is how long a leader tries to renew its Lease before it stops.
	RenewDeadline time.Duration
	// RetryPeriod is the time between two tries to get or renew the Lease.
	RetryPeriod time.Duration
	// RequestTimeout bounds one request for it.
	RequestTimeout time.Duration
}

// DefaultTiming is what Kubernetes' own components use.
var DefaultTiming = Timing{Lease: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second, RequestTimeout: 2 * time.Second}

// Lease is what the replicas compete for.
type Lease struct {
	// Namespace is optional in a pod: its own.
	Namespace string
	Name      string
	// Timing is optional: DefaultTiming.
	Timing Timing
}

// Terms is a Runnable of a manager without leader election, on every replica. It waits to be the leader, runs the
// controllers until it is not, and begins anew with new controllers, on the same caches.
type Terms struct {
	manager manager.Manager
	setup   func(manager.Manager) error
	// lock is nil where nobody else may lead.
	lock   resourcelock.Interface
	name   string
	timing Timing
	log    logr.Logger
	clock  clock.Clock
}

// New makes Terms whose controllers setup adds, in every term, to the manager that it is given. Without a lease this
// replica always leads.
func New(mgr manager.Manager, lease *Lease, setup func(manager.Manager) error) (*Terms, error) {
	terms := &Terms{
		manager: mgr, setup: setup, timing: DefaultTiming,
		log: mgr.GetLogger().WithName("leadership"), clock: clock.RealClock{},
	}
	if lease == nil {
		return terms, nil
	}
	if lease.Timing != (Timing{}) {
		terms.timing = lease.Timing
	}
	config := rest.CopyConfig(mgr.GetConfig())
	config.Timeout = terms.timing.RequestTimeout
	lock, err := ctrlelection.NewResourceLock(config, mgr, ctrlelection.Options{
		LeaderElection: true, LeaderElectionID: lease.Name, LeaderElectionNamespace: lease.Namespace,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the leader's Lease: %w", err)
	}
	terms.lock, terms.name = lock, lease.Name
	return terms, nil
}

// NeedLeaderElection is false: every replica waits for its turn.
func (t *Terms) NeedLeaderElection() bool { return false }

// Start runs term after term until the context ends. The last one's controllers have ended when it returns, and its
// Lease is given back, so that another replica leads at once.
func (t *Terms) Start(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := t.next(ctx); err != nil {
			t.log.Error(err, "The controllers failed; they begin anew")
		}
		select {
		case <-ctx.Done():
		case <-t.clock.After(wait.Jitter(t.timing.RetryPeriod, 1)):
		}
	}
	return nil
}

// next waits for the next term of this replica and serves it.
func (t *Terms) next(ctx context.Context) error {
	if t.lock == nil {
		return t.serve(ctx)
	}
	elected := make(chan context.Context, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: t.lock, Name: t.name, ReleaseOnCancel: false, // see release
		LeaseDuration: t.timing.Lease, RenewDeadline: t.timing.RenewDeadline, RetryPeriod: t.timing.RetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) { elected <- leading },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("prepare the election: %w", err)
	}
	// The Lease is held until the controllers have ended, so the election has a context of its own.
	holding, letGo := context.WithCancel(logr.NewContext(context.WithoutCancel(ctx), t.log))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		elector.Run(holding)
	}()
	defer func() {
		letGo()
		<-ended
		if elector.IsLeader() {
			t.release()
		}
	}()
	select {
	case <-ctx.Done():
		return nil
	case leading := <-elected:
		term, stop := context.WithCancel(leading)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		return t.serve(term)
	}
}

// release gives the Lease back, so that another replica leads at once. An elector would do it as soon as a renewal fails,
// before it says that the term is over: while the controllers still run, and for as long as the API server is slow.
func (t *Terms) release() {
	ctx, cancel := context.WithTimeout(context.Background(), t.timing.RenewDeadline)
	defer cancel()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error { // a renewal may have been on its way
		held, _, err := t.lock.Get(ctx)
		if err != nil || held.HolderIdentity != t.lock.Identity() {
			return client.IgnoreNotFound(err)
		}
		now := metav1.NewTime(t.clock.Now())
		return t.lock.Update(ctx, resourcelock.LeaderElectionRecord{
			LeaderTransitions: held.LeaderTransitions, LeaseDurationSeconds: 1, RenewTime: now, AcquireTime: now,
		})
	})
	if err != nil {
		t.log.Info("Could not give the Lease back; it runs out", "problem", err.Error())
	}
}

// serve runs new controllers until the context ends or one of them fails, and returns when all have ended.
func (t *Terms) serve(ctx context.Context) error {
	shared := &handlers{Cache: t.manager.GetCache()}
	defer func() {
		if err := shared.remove(); err != nil {
			t.log.Error(err, "Could not take the controllers off the caches")
		}
	}()
	term := &term{Manager: t.manager, cache: shared}
	if err := t.setup(term); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	t.log.Info("Leading: the controllers begin")
	group, ctx := errgroup.WithContext(ctx)
	for _, controller := range term.controllers {
		group.Go(func() error { return controller.Start(ctx) })
	}
	err := group.Wait()
	t.log.Info("No longer leading: the controllers have ended")
	return err
}
