// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/ingest"
)

// errUnheard is the error of a write that took place.
var errUnheard = &ingest.Error{Err: errors.New("the connection was lost after the request")}

// Whatever the API server does, and however often the operator starts anew: a delivery that was answered with success is
// written at least once, those of a job in the order in which they came, and in the end nothing is left on disk.
func TestAnyFaultsLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, remove := fastDir(t)
		defer remove()
		clk := clocktesting.NewFakeClock(time.Unix(1619600282, 0))
		api := &apiServer{}
		start := func() house {
			h, err := Open(Options{
				Dir: dir, Ingester: api, Sources: sources{}, Clock: clk, Workers: 3, MaxAge: 1 << 60,
				MaxBytes: 1 << 20, DirectTimeout: time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			return house{Spool: h, api: api}
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
		}
		t.Repeat(map[string]func(*rapid.T){
			"deliver": func(t *rapid.T) {
				job := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "job")
				count++
				d := deliver(job, count)
				if _, err := h.Ingest(t.Context(), d); err == nil {
					answered[job] = append(answered[job], d.Digest)
				}
			},
			"turn": func(*rapid.T) { state() },
			"wait": func(*rapid.T) { clk.Step(time.Second); time.Sleep(time.Millisecond) },
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
		for n := 0; h.Stats().Bytes > 0 || h.Stats().Events > 0; n++ {
			if n > 5000 {
				t.Fatalf("never drained: %+v", h.Stats())
			}
			clk.Step(lastRefusal)
			time.Sleep(100 * time.Microsecond)
		}
		stop()
		defer func() { _ = h.Close() }()
		if stats := h.Stats(); stats.Letters > 0 || stats.Corrupt > 0 {
			t.Fatalf("stats %+v", stats)
		}
		first := map[string][]string{}
		for _, d := range api.written {
			if job := d.Event.TaskID; !slices.Contains(first[job], d.Digest) {
				first[job] = append(first[job], d.Digest)
			}
		}
		for job, digests := range answered {
			// A delivery that was refused may have been written all the same.
			got := slices.DeleteFunc(first[job], func(digest string) bool { return !slices.Contains(digests, digest) })
			if !slices.Equal(got, digests) {
				t.Fatalf("job %s: written %v, answered %v", job, fmt.Sprint(got), digests)
			}
		}
	})
}
