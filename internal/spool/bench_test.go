// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/ingest"
)

// kilobyte is a delivery of about 1 KiB.
func kilobyte(job string, n int) ingest.Delivery {
	d := deliver(job, n)
	d.Body = append(d.Body, strings.Repeat(" ", 1024-len(d.Body))...)
	return d
}

// Appends of 32 callers, each synced before it is answered.
func BenchmarkAppend(b *testing.B) {
	h := makeHouse(b, b.TempDir(), func(o *Options) { o.MaxBytes = 4 << 30 })
	h.api.down()
	if _, err := h.Ingest(b.Context(), kilobyte("first", 0)); err != nil {
		b.Fatal(err)
	}
	var jobs atomic.Int64
	b.SetParallelism(16) // on two processors
	b.RunParallel(func(pb *testing.PB) {
		job := fmt.Sprint(jobs.Add(1))
		for n := 0; pb.Next(); n++ {
			if _, err := h.Ingest(b.Context(), kilobyte(job, n)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func awaitEmpty(s *Spool) {
	for s.Stats().Bytes > 0 {
		time.Sleep(time.Millisecond)
	}
}

// Draining into an API server that takes no time: what the spool itself costs.
func BenchmarkDrain(b *testing.B) {
	dir := b.TempDir()
	m := makeFile(b, dir)
	m.store.db.NoSync, m.store.db.MaxSize = true, 0
	for left := b.N; left > 0; left -= 1000 {
		m.write(func(c *change) error {
			for n := range min(left, 1000) {
				content, err := recordOf(kilobyte(fmt.Sprint((left-n)/3), left-n)).encode()
				if err != nil {
					return err
				}
				if _, err := put(c.events, &c.ledger.Events, content); err != nil {
					return err
				}
			}
			return nil
		})
	}
	m.store.db.NoSync = false
	b.Logf("%d events in %d bytes", b.N, len(m.close(dir)))
	b.ResetTimer()
	h := makeHouse(b, dir, func(o *Options) { o.Workers = DefaultWorkers })
	b.ReportMetric(float64(b.Elapsed().Milliseconds()), "ms-to-open")
	stop := h.run(b)
	awaitEmpty(h.Spool)
	stop()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
