// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"sparkrtc.dev/recording-operator/internal/admin"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/process"
	"sparkrtc.dev/recording-operator/internal/spool"
)

// adminOff is the address that switches the admin port off.
const adminOff = "0"

// flushTimeout leaves time within the pod's grace period when the server has closed in its usual time.
const flushTimeout = 10 * time.Second

// spoolOptions are the flags of the spool.
type spoolOptions struct {
	dir          string
	maxBytes     resource.QuantityValue
	adminAddress string
}

func (o *spoolOptions) add(flags *pflag.FlagSet) {
	o.maxBytes = resource.QuantityValue{Quantity: *resource.NewQuantity(spool.DefaultMaxBytes, resource.BinarySI)}
	flags.StringVar(&o.dir, "spool-dir", "", "`folder` on disk for callbacks that the API server cannot take, and for dead letters; empty: none, such callbacks are answered with 503")
	flags.Var(&o.maxBytes, "spool-max-bytes", "`size` of the callbacks that may wait in the spool; its file may be twice as large")
	flags.StringVar(&o.adminAddress, "admin-bind-address", "127.0.0.1:8092", "loopback `address` of the dead letters, for use through kubectl port-forward; 0 switches it off, and so does --spool-dir=\"\"")
}

// validate names the flag that is wrong.
func (o *spoolOptions) validate() error {
	var problems []error
	if o.maxBytes.Value() < 1<<20 {
		problems = append(problems, fmt.Errorf("--spool-max-bytes must be at least 1Mi, not %s", o.maxBytes.String()))
	}
	if o.adminAddress != adminOff {
		if err := admin.CheckAddress(o.adminAddress); err != nil {
			problems = append(problems, fmt.Errorf("--admin-bind-address: %w", err))
		}
	}
	return errors.Join(problems...)
}

// newSpool opens the spool, and adds its metrics and the port for its dead letters.
func newSpool(mgr manager.Manager, sources client.Reader, o *options) (*spool.Spool, error) {
	writer, err := ingest.Lean(mgr.GetClient(), mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, err
	}
	s, err := spool.Open(spool.Options{
		Dir: o.spool.dir, MaxBytes: o.spool.maxBytes.Value(),
		Ingester: newIngester(writer, mgr.GetAPIReader()),
		Sources:  sources,
		Recorder: process.NewRecorder(mgr),
		Log:      mgr.GetLogger().WithName("spool"),
	})
	if err != nil {
		return nil, fmt.Errorf("--spool-dir: %w", err)
	}
	stats := func() metrics.SpoolStats { return metrics.SpoolStats(s.Stats()) }
	if err := metrics.RegisterSpool(o.registry, stats); err != nil {
		return nil, fmt.Errorf("register the spool's metrics: %w", err)
	}
	if o.spool.dir == "" || o.spool.adminAddress == adminOff {
		return s, nil
	}
	return s, addAdmin(mgr, o.spool.adminAddress, s)
}

// newIngester is the spool's, which says how long a delivery may take: no call in it ends earlier.
func newIngester(writer client.Client, live client.Reader) *ingest.Ingester {
	return ingest.New(writer, live, ingest.Options{CallTimeout: spool.DrainTimeout})
}

func addAdmin(mgr manager.Manager, address string, s *spool.Spool) error {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("--admin-bind-address: %w", err)
	}
	err = mgr.Add(&manager.Server{
		Name: "admin", Listener: listener, Server: admin.NewServer(s, mgr.GetLogger().WithName("admin")),
	})
	if err != nil {
		return fmt.Errorf("add the admin server: %w", err)
	}
	return nil
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
