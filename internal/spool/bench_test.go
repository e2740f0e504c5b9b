// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// Appends of 32 callers, each synced before it is answered.
func BenchmarkAppend(b *testing.B) {
	h := makeHarness(b, b.TempDir(), func(o *Options) { o.MaxBytes = 16 << 30 })
	h.api.down()
	if _, err := h.Ingest(b.Context(), deliver("first", 0)); err != nil {
		b.Fatal(err)
	}
	var jobs atomic.Int64
	b.SetParallelism(16) // on two processors
	b.RunParallel(func(pb *testing.PB) {
		job := fmt.Sprint(jobs.Add(1))
		for n := 0; pb.Next(); n++ {
			if _, err := h.Ingest(b.Context(), deliver(job, n)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func awaitEmpty(b *testing.B, s *Spool) {
	b.Helper()
	eventually(b, "the spool is empty", func() bool { return s.Stats().Bytes == 0 })
}

// fill puts deliveries on disk.
func fill(b *testing.B, dir string, count int, change func(*Options)) {
	b.Helper()
	h := makeHarness(b, dir, change)
	h.api.down()
	var callers errgroup.Group
	callers.SetLimit(256)
	for n := range count {
		callers.Go(func() error {
			_, err := h.Ingest(b.Context(), deliver(fmt.Sprint(n/3), n))
			return err
		})
	}
	if err := callers.Wait(); err != nil {
		b.Fatal(err)
	}
	if err := h.Close(); err != nil {
		b.Fatal(err)
	}
}

// Draining into an API server that takes no time: what the spool itself costs.
func BenchmarkDrain(b *testing.B) {
	dir := b.TempDir()
	large := func(o *Options) { o.MaxBytes, o.Workers = 16<<30, DefaultWorkers }
	fill(b, dir, b.N, large)
	b.ResetTimer()
	h := makeHarness(b, dir, large)
	b.ReportMetric(float64(b.Elapsed().Milliseconds()), "ms-to-open")
	stop := h.run(b)
	awaitEmpty(b, h.Spool)
	stop()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
