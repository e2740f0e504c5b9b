/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// runner measures phases of so many requests by so many clients.
type runner struct {
	clients, requests int
	operator          *operator
	// profiles saves what the processes do at the beginning of a phase; nil for nothing.
	profiles func(ctx context.Context, phase string) error
}

// compare measures callbacks beside bare and lean creates.
func (r runner) compare(ctx context.Context, bare, lean, callbacks request) (comparison, error) {
	compared := comparison{Clients: r.clients, Requests: r.requests}
	for _, p := range []struct {
		name    string
		prepare request
		phase   *phase
	}{{"bare", bare, &compared.Bare}, {"lean", lean, &compared.Lean}, {"callbacks", callbacks, &compared.Callbacks}} {
		var err error
		if *p.phase, err = r.phase(ctx, p.name, p.prepare); err != nil {
			return compared, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	var err error
	compared.Afterwards, err = r.timed(func() error { return r.operator.settle(ctx) })
	return compared, err
}

// request prepares request i. What it returns is timed; the preparation is not: it is no work of the system measured.
type request func(i int) (send func(context.Context) error, err error)

// phase prepares all requests, has the clients send them, and times each and all.
func (r runner) phase(ctx context.Context, name string, prepare request) (phase, error) {
	sends := make([]func(context.Context) error, r.requests)
	for i := range sends {
		var err error
		if sends[i], err = prepare(i); err != nil {
			return phase{}, err
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
	slices.Sort(latencies)
	quantile := func(q float64) float64 { return milliseconds(latencies[int(q*float64(len(latencies)-1))]) }
	measured.Latency = &latency{P50: quantile(.5), P90: quantile(.9), P99: quantile(.99), Max: quantile(1)}
	return measured, err
}

// timed measures how long something takes, and what it costs each process, shared out among the requests.
func (r runner) timed(do func() error) (phase, error) {
	begin, before := time.Now(), r.operator.processes.cpu()
	err := do()
	measured := phase{Seconds: time.Since(begin).Seconds(), CPU: r.operator.processes.cpu()}
	measured.Rate = float64(r.requests) / measured.Seconds
	for name, used := range before {
		measured.CPU[name] = (measured.CPU[name] - used) / float64(r.requests)
	}
	return measured, err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
