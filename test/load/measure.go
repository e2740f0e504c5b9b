// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// runner measures phases of so many requests by so many clients, again and again: what a request costs differs by a
// third from one minute to the next on a machine that is shared, so what is compared has to take turns.
type runner struct {
	clients, requests, rounds int
	operator                  *operated
	// files are there before the first callback.
	files int
	// profiles saves what the processes do at the beginning of a phase; nil for nothing.
	profiles func(ctx context.Context, phase string) error
}

// compare measures callbacks beside bare and lean creates. Which comes first changes from round to round, as what comes
// first has it easier.
func (r runner) compare(ctx context.Context, bare, lean, callbacks request) (comparison, error) {
	phases := []struct {
		name    string
		prepare request
		all     sample
	}{{"bare", bare, sample{}}, {"lean", lean, sample{}}, {"callbacks", callbacks, sample{}}}
	compared := comparison{Clients: r.clients, Requests: r.requests * r.rounds}
	var afterwards sample
	for round := range r.rounds {
		var rates [3]float64
		for turn := range phases {
			n := (round + turn) % len(phases)
			p := &phases[n]
			measured, err := r.phase(ctx, fmt.Sprintf("%d-%s", round, p.name), func(i int) (func(context.Context) error, error) {
				return p.prepare(round*r.requests + i)
			})
			if err != nil {
				return compared, fmt.Errorf("%s: %w", p.name, err)
			}
			rates[n] = float64(r.requests) / measured.seconds
			p.all.add(measured)
			if p.name != "callbacks" {
				continue
			}
			settled, err := r.timed(func() error { return r.operator.settle(ctx, r.files+(round+1)*r.requests) })
			if err != nil {
				return compared, fmt.Errorf("after callbacks: %w", err)
			}
			afterwards.add(settled)
		}
		compared.Ratios = append(compared.Ratios, rates[2]/rates[0])
	}
	compared.Bare, compared.Lean, compared.Callbacks = phases[0].all.phase(), phases[1].all.phase(), phases[2].all.phase()
	compared.Afterwards = afterwards.phase()
	return compared, nil
}

// request prepares request i. What it returns is timed; the preparation is not: it is no work of the system measured.
type request func(i int) (send func(context.Context) error, err error)

// phase prepares all requests, has the clients send them, and times each and all.
func (r runner) phase(ctx context.Context, name string, prepare request) (sample, error) {
	sends := make([]func(context.Context) error, r.requests)
	for i := range sends {
		var err error
		if sends[i], err = prepare(i); err != nil {
			return sample{}, err
		}
	}
	latencies := make([]time.Duration, r.requests)
	measured, err := r.timed(func() error {
		var next atomic.Int64
		group, ctx := errgroup.WithContext(ctx)
		if r.profiles != nil {
			group.Go(func() error { return r.profiles(ctx, name) })
		}
		for range r.clients {
			group.Go(func() error {
				for i := int(next.Add(1)) - 1; i < r.requests; i = int(next.Add(1)) - 1 {
					begin := time.Now()
					if err := sends[i](ctx); err != nil {
						return err
					}
					latencies[i] = time.Since(begin)
				}
				return nil
			})
		}
		return group.Wait()
	})
	measured.latencies = latencies
	return measured, err
}

// sample is what was measured of so many requests: how long they took together, and by process what they cost, in
// milliseconds.
type sample struct {
	requests  int
	seconds   float64
	cpu       map[string]float64
	latencies []time.Duration
}

// timed measures how long something takes, and what it costs each process.
func (r runner) timed(do func() error) (sample, error) {
	begin, before := time.Now(), r.operator.processes.cpu()
	err := do()
	measured := sample{requests: r.requests, seconds: time.Since(begin).Seconds(), cpu: r.operator.processes.cpu()}
	for name, used := range before {
		measured.cpu[name] -= used
	}
	return measured, err
}

func (s *sample) add(more sample) {
	if s.cpu == nil {
		s.cpu = map[string]float64{}
	}
	for name, used := range more.cpu {
		s.cpu[name] += used
	}
	s.requests, s.seconds, s.latencies = s.requests+more.requests, s.seconds+more.seconds, append(s.latencies, more.latencies...)
}

// phase is the sample shared out among its requests.
func (s *sample) phase() phase {
	p := phase{Seconds: s.seconds, Rate: float64(s.requests) / s.seconds, CPU: map[string]float64{}}
	for name, used := range s.cpu {
		p.CPU[name] = used / float64(s.requests)
	}
	if len(s.latencies) > 0 {
		sorted := slices.Sorted(slices.Values(s.latencies))
		quantile := func(q float64) float64 { return milliseconds(sorted[int(q*float64(len(sorted)-1))]) }
		p.Latency = &latency{P50: quantile(.5), P90: quantile(.9), P99: quantile(.99), Max: quantile(1)}
	}
	return p
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
