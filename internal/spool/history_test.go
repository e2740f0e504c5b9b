// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/ingest"
)

// errUnheard is the error of a write that took place.
var errUnheard = &ingest.Error{Err: errors.New("the connection was lost after the request")}

// Whatever the API server does, and however often the receiver restarts: a delivery that was answered with success is
// written at least once, and in the end nothing is left on disk.
func TestSpool_AnyFaultsLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, remove := fastDir(t)
		defer remove()
		clk := clocktesting.NewFakeClock(time.Unix(1619600282, 0))
		api := &apiServer{}
		start := func() harness {
			h, err := Open(Options{
				Dir: dir, Ingester: api, Rejecter: &rejecter{}, Ready: api.ready, Clock: clk, Workers: 3, MaxAge: 1 << 60,
				MaxBytes: 1 << 20, segmentBytes: 16 << 10, DirectTimeout: time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			return harness{Spool: h, api: api}
		}
		h := start()
		stop := func() {}
		answered := map[string][]string{}
		count := 0
		state := func() {
			refused := rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(t, "refused job")
			every := rapid.IntRange(1, 4).Draw(t, "every")
			fault := rapid.SampledFrom([]error{nil, errDown, errUnheard}).Draw(t, "fault")
			calls := 0
			api.set(func(d ingest.Delivery) error {
				calls++
				switch {
				case d.Event.TaskID == refused:
					return errForbidden
				case fault == nil || calls%every != 0:
					return nil
				case errors.Is(fault, errUnheard):
					api.written = append(api.written, d)
				}
				return fault
			})
			api.mu.Lock()
			defer api.mu.Unlock()
			if fault != nil && rapid.Bool().Draw(t, "not ready") {
				api.notReady = errDown
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"deliver": func(t *rapid.T) {
				job := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "job")
				count++
				d := deliver(job, count)
				d.Namespace = rapid.SampledFrom([]string{"media", "other"}).Draw(t, "namespace")
				if _, err := h.Ingest(t.Context(), d); err == nil {
					answered[job] = append(answered[job], d.Digest)
				}
			},
			"turn": func(*rapid.T) { state() },
			"wait": func(*rapid.T) { clk.Step(time.Second); time.Sleep(time.Millisecond) }, //nolint:forbidigo // time passes, nothing is waited for
			"restart": func(t *rapid.T) {
				stop()
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
				h, stop = start(), func() {}
				if rapid.Bool().Draw(t, "drain") {
					stop = h.run(t)
				}
			},
		})
		api.up()
		stop()
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		h = start()
		stop = h.run(t)
		eventually(t, "the spool is drained", func() bool {
			clk.Step(lastRefusal)
			return h.Stats().Bytes == 0 && h.Stats().Events == 0
		})
		stop()
		defer func() { _ = h.Close() }()
		if stats := h.Stats(); stats.Rejected > 0 || stats.Corrupt > 0 {
			t.Fatalf("stats %+v", stats)
		}
		written := h.writtenDigests()
		for job, digests := range answered {
			for _, digest := range digests {
				if written[digest] == 0 {
					t.Fatalf("job %s: %s is lost", job, digest)
				}
			}
		}
	})
}
