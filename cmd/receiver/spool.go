// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/process"
	"sparkrtc.dev/recording-operator/internal/rejected"
	"sparkrtc.dev/recording-operator/internal/spool"
	"sparkrtc.dev/recording-operator/internal/tracing"
)

// flushTimeout leaves time within the pod's grace period when the server has closed in its usual time.
const flushTimeout = 10 * time.Second

// spoolOptions are the flags of the spool.
type spoolOptions struct {
	dir      string
	maxBytes resource.QuantityValue
}

func (o *spoolOptions) add(flags *pflag.FlagSet) {
	o.maxBytes = resource.QuantityValue{Quantity: *resource.NewQuantity(spool.DefaultMaxBytes, resource.BinarySI)}
	flags.StringVar(&o.dir, "spool-dir", "", "`folder` on disk for callbacks that the API server cannot take; empty: none, such callbacks are answered with 503")
	flags.Var(&o.maxBytes, "spool-max-bytes", "`size` of the spool, in whole segments of 4Mi; on disk there may be two more")
}

// validate names the flag that is wrong.
func (o *spoolOptions) validate() error {
	if o.maxBytes.Value() < spool.MinBytes {
		return fmt.Errorf("--spool-max-bytes must be at least %dMi, not %s", spool.MinBytes>>20, o.maxBytes.String())
	}
	return nil
}

// newSpool opens the spool, and adds its metrics.
func newSpool(ctx context.Context, mgr manager.Manager, o *options, rejecter spool.Rejecter) (*spool.Spool, error) {
	traces, err := o.Trace(ctx, mgr, "recording-operator-receiver", version)
	if err != nil {
		return nil, err
	}
	writer, err := ingest.Lean(mgr.GetClient(), mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, err
	}
	ready, err := spool.ReadyProbe(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, err
	}
	s, err := spool.Open(spool.Options{
		Dir: o.spool.dir, MaxBytes: o.spool.maxBytes.Value(),
		Ingester: tracing.Ingester{Next: newIngester(writer, mgr.GetAPIReader()), Tracer: traces, Clock: clock.RealClock{}},
		Rejecter: rejecter,
		Ready:    ready,
		Log:      mgr.GetLogger().WithName("spool"),
	})
	if err != nil {
		return nil, fmt.Errorf("--spool-dir: %w", err)
	}
	stats := func() metrics.SpoolStats { return metrics.SpoolStats(s.Stats()) }
	if err := metrics.RegisterSpool(o.registry, stats); err != nil {
		return nil, fmt.Errorf("register the spool's metrics: %w", err)
	}
	return s, nil
}

// newRejectedStore makes the store of rejected callbacks, and adds its metrics.
func newRejectedStore(mgr manager.Manager, sources client.Reader, o *options) (*rejected.Store, error) {
	store := rejected.New(rejected.Options{
		Writer: mgr.GetClient(), Reader: mgr.GetAPIReader(), Sources: sources,
		Recorder: process.NewRecorder(mgr), Clock: clock.RealClock{}, Log: mgr.GetLogger().WithName("rejected"),
	})
	stats := func() metrics.RejectedStats { return metrics.RejectedStats(store.Stats()) }
	if err := metrics.RegisterRejected(o.registry, stats); err != nil {
		return nil, fmt.Errorf("register the metrics of rejected callbacks: %w", err)
	}
	return store, nil
}

// newIngester is the spool's, which says how long a delivery may take: no call in it ends earlier.
func newIngester(writer client.Client, live client.Reader) *ingest.Ingester {
	return ingest.New(writer, live, ingest.Options{CallTimeout: spool.DrainTimeout})
}

// callbacks runs the server and the spool behind it. They end one after the other: while the server finishes the
// requests that it has begun, the spool still stores them. Then the spool writes what it can to the API server, since a
// pod's disk may go with the pod.
type callbacks struct {
	server manager.Runnable
	spool  *spool.Spool
}

// Start returns when the server is closed and the spool has stopped.
func (c callbacks) Start(ctx context.Context) error {
	draining, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var drainer sync.WaitGroup
	drainer.Go(func() { c.spool.Run(draining) })
	err := c.server.Start(ctx)
	flushing, cancel := context.WithTimeout(draining, flushTimeout)
	defer cancel()
	c.spool.Flush(flushing)
	stop()
	drainer.Wait()
	return errors.Join(err, c.spool.Close())
}
