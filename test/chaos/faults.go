// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// leaseNamespace and leaseName are where the managers elect their leader.
const (
	leaseNamespace = "default"
	leaseName      = "recording-operator.recording.sparkrtc.dev"
)

// fault is one way to break something; do breaks it and repairs it.
type fault struct {
	name string
	do   func(context.Context, *rand.Rand) error
}

// faults breaks things at random.
type faults struct {
	cluster  *cluster
	fleet    *fleet
	managers managers
	sources  []*source
	// longest is how long one fault lasts at most.
	longest time.Duration

	mu sync.Mutex
	// count and took are by name.
	count map[string]int
	took  map[string]time.Duration
	// backlogs are what the outages of the API server left.
	backlogs []backlog
	problems []string
}

// run breaks things until breaking ends: the cluster on one lane, processes, keys and clocks on another, so that faults
// of both meet. It returns when all is repaired.
func (f *faults) run(ctx, breaking context.Context, seed uint64) {
	f.count, f.took = map[string]int{}, map[string]time.Duration{}
	var lanes sync.WaitGroup
	for n, lane := range [][]fault{f.ofCluster(), f.ofProcesses()} {
		lanes.Go(func() { f.lane(ctx, breaking, lane, rand.New(rand.NewPCG(seed, uint64(100+n)))) })
	}
	lanes.Wait()
}

// lane goes through its faults in random order, again and again.
func (f *faults) lane(ctx, breaking context.Context, all []fault, random *rand.Rand) {
	for {
		for _, n := range random.Perm(len(all)) {
			if wait(breaking, time.Second+time.Duration(random.Int64N(int64(3*time.Second)))) != nil {
				return
			}
			begin := time.Now()
			err := all[n].do(ctx, random)
			f.mu.Lock()
			f.count[all[n].name]++
			f.took[all[n].name] += time.Since(begin)
			if err != nil {
				f.problems = append(f.problems, fmt.Sprintf("%s: %v", all[n].name, err))
			}
			f.mu.Unlock()
		}
	}
}

// length is mostly short: most of what goes wrong shows where a fault begins and ends.
func (f *faults) length(random *rand.Rand) time.Duration {
	share := random.Float64()
	return time.Second + time.Duration(share*share*float64(f.longest))
}

// ofCluster are the faults of the API server, and of the disk that is to stand in for it.
func (f *faults) ofCluster() []fault {
	c := f.cluster
	all := []fault{
		{"API server paused", func(ctx context.Context, random *rand.Rand) error {
			c.apiServer.pause()
			err := wait(ctx, f.length(random))
			c.apiServer.resume()
			return errors.Join(err, f.outageEnds(ctx, random))
		}},
		{"API server killed", func(ctx context.Context, random *rand.Rand) error {
			c.apiServer.kill()
			err := wait(ctx, f.length(random))
			return errors.Join(err, c.apiServer.start(), f.outageEnds(ctx, random))
		}},
		{"etcd killed", func(ctx context.Context, random *rand.Rand) error {
			c.etcd.kill()
			err := wait(ctx, f.length(random))
			return errors.Join(err, c.etcd.start(), f.outageEnds(ctx, random))
		}},
	}
	if disk := f.fleet.replicas[0]; disk.disk {
		all = append(all, fault{"disk full, API server paused", func(ctx context.Context, random *rand.Rand) error {
			c.apiServer.pause()
			err := disk.fill()
			err = errors.Join(err, wait(ctx, f.length(random)), disk.clear())
			c.apiServer.resume()
			return errors.Join(err, f.outageEnds(ctx, random))
		}})
	}
	return all
}

// ballast is the file that fills a disk.
func (r *replica) ballast() string { return filepath.Join(r.spool, "ballast") }

func (r *replica) clear() error { return os.Remove(r.ballast()) }

// fill leaves no byte free on the disk of the spool.
func (r *replica) fill() error {
	file, err := os.Create(r.ballast())
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	for block := make([]byte, 1<<20); err == nil; {
		_, err = file.Write(block)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}

// ofProcesses are the faults of receivers, of managers and their Lease, of keys and of the senders' clocks.
func (f *faults) ofProcesses() []fault {
	some := func(random *rand.Rand) *replica { return f.fleet.replicas[random.IntN(len(f.fleet.replicas))] }
	return []fault{
		{"receiver killed", func(ctx context.Context, random *rand.Rand) error {
			r := some(random)
			r.kill()
			return errors.Join(wait(ctx, time.Duration(random.Int64N(int64(3*time.Second)))), r.start())
		}},
		{"all receivers killed", func(ctx context.Context, _ *rand.Rand) error {
			var errs []error
			for _, r := range f.fleet.replicas {
				r.kill()
			}
			errs = append(errs, wait(ctx, time.Second))
			for _, r := range f.fleet.replicas {
				errs = append(errs, r.start())
			}
			return errors.Join(errs...)
		}},
		{"receiver paused", func(ctx context.Context, random *rand.Rand) error {
			r := some(random)
			r.setPaused(true)
			defer r.setPaused(false)
			return wait(ctx, f.length(random))
		}},
		{"manager killed", func(ctx context.Context, random *rand.Rand) error {
			m := f.managers[random.IntN(len(f.managers))]
			m.kill()
			return errors.Join(wait(ctx, time.Duration(random.Int64N(int64(3*time.Second)))), m.start())
		}},
		// A leader that is paused for longer than its Lease lasts finds another one when it goes on.
		{"manager paused", func(ctx context.Context, random *rand.Rand) error {
			m := f.managers[random.IntN(len(f.managers))]
			m.pause()
			defer m.resume()
			return wait(ctx, f.length(random))
		}},
		{"Lease stolen", func(ctx context.Context, _ *rand.Rand) error {
			return change(ctx, f.cluster.k8s, &coordinationv1.Lease{ObjectMeta: leaseMeta}, func(lease *coordinationv1.Lease) {
				lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds = new("thief"), new(int32(3))
			})
		}},
		{"Lease deleted", func(ctx context.Context, _ *rand.Rand) error {
			return insist(ctx, func() error {
				return client.IgnoreNotFound(f.cluster.k8s.Delete(ctx, &coordinationv1.Lease{ObjectMeta: leaseMeta}))
			})
		}},
		{"key rotated", func(ctx context.Context, random *rand.Rand) error {
			return f.rotate(ctx, f.sources[random.IntN(len(f.sources))])
		}},
		{"senders' clock hours off", f.skew},
	}
}

var leaseMeta = metav1.ObjectMeta{Namespace: leaseNamespace, Name: leaseName}

// skew sets a sender's clock wrong, where nobody asks for a right one.
func (f *faults) skew(ctx context.Context, random *rand.Rand) error {
	for _, s := range f.sources {
		if !s.enforce {
			s.setSkew(time.Duration(random.Int64N(int64(48*time.Hour))) - 24*time.Hour)
			defer s.setSkew(0)
		}
	}
	return wait(ctx, f.length(random))
}

func (s *source) setSkew(skew time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = skew
}

// insist repeats what fails while the API server is away.
func insist(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		if ended := wait(ctx, 500*time.Millisecond); ended != nil {
			return fmt.Errorf("%w: %w", ended, err)
		}
	}
}
