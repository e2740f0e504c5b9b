// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/spool/segment"
)

// A namespace that is refused, be it for want of a right or by a webhook that is broken, delays no other, and costs few
// calls.
func TestSpool_RefusedNamespaceDelaysNoOther(t *testing.T) {
	for name, refusal := range map[string]error{"forbidden": errForbidden, "webhook": errWebhook} {
		t.Run(name, func(t *testing.T) {
			dir, remove := fastDir(t)
			defer remove()
			clk := fakeClock()
			h := makeHarness(t, dir, func(o *Options) { o.Clock = clk })
			h.api.down()
			for n := range 1000 {
				h.ingest(t, in("refused", n), ingest.Spooled)
			}
			h.ingest(t, in("good", 1), ingest.Spooled)
			h.api.set(func(d ingest.Delivery) error {
				if d.Namespace == "refused" {
					return refusal
				}
				return nil
			})
			before := h.api.calls
			defer h.run(t)()
			eventually(t, "the other is written", func() bool { clk.Step(time.Millisecond); return h.Stats().Drained == 1 })
			eventually(t, "the rest waits", func() bool { return !h.draining.Load() && !h.segments.Due(clk.Now()) })
			if stats := h.Stats(); stats.BreakerOpen || stats.Events != 1000 {
				t.Errorf("stats %+v", stats)
			}
			if _, calls := h.api.count(); calls-before > 2*refusalsToPause {
				t.Errorf("%d calls", calls-before)
			}
			h.ingest(t, in("good", 2), ingest.Created)
			h.ingest(t, in("refused", 1001), ingest.Spooled)
			if _, calls := h.api.count(); calls-before > 2*refusalsToPause+1 {
				t.Errorf("%d calls: a namespace that is paused was tried", calls-before)
			}
		})
	}
}

// Deliveries that are refused do not stand in front of those of their own namespace for ever.
func TestSpool_RefusedDeliveriesDelayTheirNamespaceLittle(t *testing.T) {
	clk := fakeClock()
	h := makeSmallHarness(t, clk)
	h.api.down()
	for n := range 400 {
		h.ingest(t, deliver([]string{"bad", "good"}[n/200], n), ingest.Spooled)
	}
	h.api.set(func(d ingest.Delivery) error {
		if d.Event.TaskID == "bad" {
			return errForbidden
		}
		return nil
	})
	defer h.run(t)()
	begun := clk.Now()
	eventually(t, "all that can be written is", func() bool {
		// Time passes only while the spool waits for it: how quick the machine is must not matter.
		if h.breaker.isOpen() || !h.draining.Load() && !h.segments.Due(clk.Now()) {
			clk.Step(time.Second)
		}
		return h.Stats().Drained == 200
	})
	if took := clk.Since(begun); took > time.Minute {
		t.Errorf("that took %s", took)
	}
	if stats := h.Stats(); stats.Rejected != 0 {
		t.Errorf("stats %+v", stats)
	}
	h.api.up()
	eventually(t, "the spool is empty", func() bool { clk.Step(time.Second); return h.Stats().Bytes == 0 })
}

// What was never tried is tried before what was refused; what cannot be read is tried as well, so that somebody says so.
func TestLeastRefusedFirst_NeverTriedComesFirst(t *testing.T) {
	var records []segment.Record
	for _, refusals := range []int{7, 1, 0, 3, 0, 1} {
		payload, err := record{Delivery: deliver("task", refusals), Refusals: refusals}.encode()
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, segment.Record{Key: "media", Payload: payload})
	}
	records = append(records, segment.Record{Key: "media", Payload: []byte("{")})
	var got []int
	for _, r := range leastRefusedFirst(records) {
		got = append(got, refusalsOf(r.Payload))
	}
	if want := []int{0, 0, 0, 1, 1, 3, 7}; !slices.Equal(got, want) {
		t.Errorf("order %v, not %v", got, want)
	}
}

// gate holds the calls of one namespace until it opens.
type gate struct {
	*apiServer
	namespace string
	open      chan struct{}

	mu         sync.Mutex
	held, most int
}

func (g *gate) Ingest(ctx context.Context, d ingest.Delivery) (ingest.Result, error) {
	if d.Namespace == g.namespace {
		g.mu.Lock()
		g.held++
		g.most = max(g.most, g.held)
		g.mu.Unlock()
		<-g.open
		g.mu.Lock()
		g.held--
		g.mu.Unlock()
	}
	return g.apiServer.Ingest(ctx, d)
}

// A namespace whose calls hang holds half of the workers, and the others drain meanwhile.
func TestSpool_SlowNamespaceHoldsHalfOfTheWorkers(t *testing.T) {
	g := &gate{namespace: "slow", open: make(chan struct{})}
	h := makeHarness(t, t.TempDir(), func(o *Options) {
		g.apiServer = o.Ingester.(*apiServer)
		o.Ingester, o.Workers, o.Clock = g, 8, fakeClock()
	})
	h.breaker.trip()
	for n := range 100 {
		h.ingest(t, in("slow", n), ingest.Spooled)
		h.ingest(t, in("quick", n), ingest.Spooled)
	}
	h.breaker.succeeded()
	defer h.run(t)()
	eventually(t, "the others are drained", func() bool { return h.Stats().Drained == 100 })
	close(g.open)
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	if g.most > 4 || g.most < 2 {
		t.Errorf("the slow namespace held %d of 8 workers", g.most)
	}
}

func TestTurns_GoRound(t *testing.T) {
	turn := newTurns(100)
	for namespace := range strings.FieldsSeq("a a a a a b b c") {
		turn.add(namespace, nil)
	}
	var order []string
	for {
		namespace, _, ok := turn.take()
		if !ok {
			break
		}
		order = append(order, namespace)
		turn.done(namespace)
	}
	if got := strings.Join(order, " "); got != "a b c a b a a a" {
		t.Errorf("order %s", got)
	}
}

// TestSpool_FloodOfOneNamespaceLeavesTheAPIServerToOthers: a tenant that sends hundreds of authentic callbacks at one time
// does not have the API server answer all of them before that of another tenant. What waits for too long goes to disk, and
// is no refusal.
func TestSpool_FloodOfOneNamespaceLeavesTheAPIServerToOthers(t *testing.T) {
	dir, remove := fastDir(t)
	defer remove()
	crowded := &crowd{end: make(chan struct{}), under: map[string]int{}}
	h := makeHarness(t, dir, func(o *Options) { o.Ingester, o.DirectTimeout = crowded, 300*time.Millisecond })
	var flood sync.WaitGroup
	var spooled atomic.Int32
	for n := range 10 * directShare {
		flood.Go(func() {
			result, err := h.Ingest(t.Context(), in("floods", n))
			if err != nil {
				t.Errorf("delivery %d: %v", n, err)
			}
			if result.Outcome == ingest.Spooled {
				spooled.Add(1)
			}
		})
	}
	eventually(t, "the flood is under way", func() bool { return crowded.of("floods") == directShare })
	other := make(chan struct{})
	go func() {
		defer close(other)
		_, _ = h.Ingest(t.Context(), in("works", 1))
	}()
	eventually(t, "another namespace's delivery is under way", func() bool { return crowded.of("works") == 1 })
	eventually(t, "what waits too long is on disk", func() bool { return spooled.Load() == 9*directShare })
	if under := crowded.of("floods"); under != directShare {
		t.Errorf("%d calls of one namespace are under way", under)
	}
	if paused := h.pauses.until("floods"); !paused.IsZero() {
		t.Errorf("to wait for one's own namespace counts as a refusal: paused until %v", paused)
	}
	close(crowded.end)
	flood.Wait()
	<-other
	if len(h.shares.held) != 0 {
		t.Errorf("%d namespaces are remembered", len(h.shares.held))
	}
}

// crowd takes deliveries and holds them all until the end, whatever their deadline, as an API server that is busy does.
type crowd struct {
	end   chan struct{}
	mu    sync.Mutex
	under map[string]int
}

func (c *crowd) Ingest(_ context.Context, d ingest.Delivery) (ingest.Result, error) {
	c.mu.Lock()
	c.under[d.Namespace]++
	c.mu.Unlock()
	<-c.end
	return ingest.Result{Outcome: ingest.Created}, nil
}

func (c *crowd) of(namespace string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.under[namespace]
}
