// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command chaos breaks everything around the receiver under load, and shows that nothing is lost, doubled or
// forged. It starts etcd, an API server (from KUBEBUILDER_ASSETS) and several receivers and managers as processes of its own, which
// listen on the loopback address alone, and talks to nothing else.
//
// Of one seed, jobs, events and faults are the same, in the same order; what meets what is up to the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
)

// bareNamespace is one that the operator does not look at.
const bareNamespace = "bare"

// options are the flags.
type options struct {
	receiver string
	manager  string
	folder   string
	duration time.Duration
	seed     uint64
	replicas int
	senders  int
	rate     int
	backlog  int
}

func main() {
	var o options
	flag.StringVar(&o.receiver, "receiver", "bin/receiver", "the receiver's binary")
	flag.StringVar(&o.manager, "manager", "bin/manager", "the manager's binary")
	flag.StringVar(&o.folder, "folder", filepath.Join("dist", "chaos"), "where logs and data go; what is there is removed first")
	flag.DurationVar(&o.duration, "duration", 2*time.Minute, "how long things are broken")
	flag.Uint64Var(&o.seed, "seed", rand.Uint64(), "of jobs, events and faults")
	flag.IntVar(&o.replicas, "replicas", 3, "how many receivers there are")
	flag.IntVar(&o.senders, "senders", 48, "how many senders there are")
	flag.IntVar(&o.rate, "rate", 60, "how many events are sent a second")
	flag.IntVar(&o.backlog, "backlog", 2000, "how many callbacks the drain is measured with in the end")
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be cleaned up
	}
}

// chaos is one run.
type chaos struct {
	o         *options
	begin     time.Time
	cluster   *cluster
	fleet     *fleet
	managers  managers
	sources   []*source
	load      *load
	generator *generator
	forger    *forger
	faults    *faults
	// drained is the backlog that was measured in the end, creates the rate of bare creates beside it.
	drained backlog
	creates float64
}

func run(ctx context.Context, o *options) error {
	fmt.Printf("seed %d; logs are in %s\n", o.seed, o.folder)
	c := &chaos{o: o, begin: time.Now(), sources: []*source{
		{namespace: "tenant-a", name: "classroom", unit: time.Second, key: newKey("classroom-0")},
		{namespace: "tenant-a", name: "studio", unit: time.Millisecond, enforce: true, key: newKey("studio-0")},
		{namespace: "tenant-b", name: "hall", unit: time.Second, key: newKey("hall-0")},
	}}
	folder, err := filepath.Abs(o.folder)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o700)); err != nil {
		return err
	}
	if c.cluster, err = startCluster(ctx, os.Getenv("KUBEBUILDER_ASSETS"), folder); err != nil {
		return err
	}
	defer c.cluster.stop()
	if err := c.setUp(ctx); err != nil {
		return err
	}
	c.fleet, err = startFleet(o, folder, c.cluster.kubeconfig, c.namespaces())
	defer c.fleet.stop()
	if err != nil {
		return err
	}
	c.managers, err = startManagers(o, folder, c.cluster.kubeconfig, c.namespaces())
	defer func() { _ = c.managers.stop() }()
	if err != nil {
		return err
	}
	return c.play(ctx)
}

// namespaces are those of the sources.
func (c *chaos) namespaces() (names []string) {
	for _, s := range c.sources {
		names = append(names, s.namespace)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *chaos) setUp(ctx context.Context) error {
	for _, name := range append(c.namespaces(), bareNamespace) {
		if err := c.cluster.k8s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return err
		}
	}
	for _, s := range c.sources {
		if err := s.create(ctx, c.cluster.k8s); err != nil {
			return err
		}
	}
	return nil
}

// play breaks things under load, repairs them, and looks at what came of it.
func (c *chaos) play(ctx context.Context) error {
	for _, r := range c.fleet.replicas {
		for _, s := range c.sources {
			if err := r.answers(ctx, http.StatusOK, s, s.key); err != nil {
				return err
			}
		}
	}
	// Everything has to come to its end within a time that nothing healthy takes.
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.duration+5*time.Minute, errors.New("it did not come to rest within five minutes"))
	defer cancel()
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go c.fleet.watch(watching)

	c.load = newLoad(c.fleet, c.o.rate)
	c.generator = &generator{random: rand.New(rand.NewPCG(c.o.seed, 1)), sources: c.sources, ledger: c.load.ledger, epoch: time.Now().UTC().Truncate(time.Second)}
	c.forger = newForger(c.load, c.sources, c.o.seed)
	c.faults = &faults{cluster: c.cluster, fleet: c.fleet, managers: c.managers, sources: c.sources, longest: c.o.duration / 5}
	c.say("breaking things for %v under %d events a second", c.o.duration, c.o.rate)
	c.breakThings(ctx)
	c.say("all is repaired and every event was answered; the spools hold %.0f", c.fleet.now(spoolEvents))
	if err := c.settle(ctx); err != nil {
		return err
	}
	c.say("measuring how fast %d callbacks drain, and as many bare creates", c.o.backlog)
	var err error
	if c.drained, err = c.measureDrain(ctx, c.o.backlog); err != nil {
		return err
	}
	if c.creates, err = c.measureCreates(ctx, c.o.backlog); err != nil {
		return err
	}
	c.say("looking at every file")
	v, err := c.check(ctx)
	if err != nil {
		return err
	}
	stopWatching()
	v.other = append(v.other, c.fleet.stop()...)
	if err := c.managers.stop(); err != nil {
		v.other = append(v.other, err.Error())
	}
	if share := c.drained.rate() / c.creates; share < 0.5 {
		v.other = append(v.other, fmt.Sprintf("the backlog drained at %.2f of the rate of bare creates", share))
	}
	c.report(v)
	if v.failed() {
		return fmt.Errorf("promises were broken; the same again: make test-chaos DURATION=%v SEED=%d", c.o.duration, c.o.seed)
	}
	return nil
}

// breakThings returns when the time is over, all is repaired, and every event is answered.
func (c *chaos) breakThings(ctx context.Context) {
	breaking, stop := context.WithTimeout(ctx, c.o.duration)
	defer stop()
	forging, stopForging := context.WithCancel(ctx)
	var authentic, forged sync.WaitGroup
	forged.Go(func() { c.forger.run(forging) })
	authentic.Go(func() { c.faults.run(ctx, breaking, c.o.seed) })
	authentic.Go(func() { c.load.run(ctx, breaking, c.generator, c.o.senders, c.o.seed) })
	authentic.Wait()
	stopForging()
	forged.Wait()
}

// settle waits until the spools are empty, tries the keys that were taken away, and lets the controllers catch up.
func (c *chaos) settle(ctx context.Context) error {
	if b, err := c.fleet.drain(ctx, time.Minute); err != nil || !b.empty {
		return fmt.Errorf("the spools still hold %d callbacks a minute after all was repaired: %w", b.waiting-b.drained, err)
	}
	if err := c.retire(ctx); err != nil {
		return err
	}
	left, err := c.unreconciled(ctx, 30*time.Second)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("the controllers look no more at %d files, among them %s", len(left), left[0])
	}
	return err
}

// retire waits until every receiver refuses what the keys sign that were taken away, and then forges with them. A
// receiver whose watch broke with the API server looks again within a minute.
func (c *chaos) retire(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 90*time.Second, errors.New("a key that was taken away is still taken"))
	defer cancel()
	for _, s := range c.sources {
		for _, key := range s.retired {
			for _, r := range c.fleet.replicas {
				if err := r.answers(ctx, http.StatusUnauthorized, s, key); err != nil {
					return err
				}
			}
		}
	}
	c.forger.retired(ctx)
	return nil
}
