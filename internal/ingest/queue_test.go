// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// gate is a write that waits until it may go on, and remembers what was written.
type gate struct {
	open chan error
	mu   sync.Mutex
	// written is how many starts each write had; most is how many writes of a task went on at one time.
	written   []int
	now, most int
}

func newGate() *gate { return &gate{open: make(chan error)} }

func (g *gate) write(_ context.Context, _ taskKey, update taskUpdate) (Result, error) {
	g.mu.Lock()
	g.written = append(g.written, len(update.starts))
	g.now++
	g.most = max(g.most, g.now)
	g.mu.Unlock()
	err := <-g.open
	g.mu.Lock()
	g.now--
	g.mu.Unlock()
	return Result{Outcome: Updated, Task: "task"}, err
}

// start delivers a START of its own, and counts how it ends.
func (g *gate) start(ctx context.Context, q *taskQueue, n int, ended *[]error, mu *sync.Mutex) {
	go func() {
		_, err := q.do(ctx, taskKey{taskID: "t"}, taskUpdate{starts: map[string]v1alpha1.StartTimestamp{fmt.Sprint(n): ""}}, g.write)
		mu.Lock()
		defer mu.Unlock()
		*ended = append(*ended, err)
	}()
	synctest.Wait()
}

// While a task is written, the STARTs that come wait, and go into the next patch together.
func TestTaskQueue_JoinsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q taskQueue
		var mu sync.Mutex
		var ended []error
		g := newGate()
		for n := range 1 + maxBatch + 1 {
			g.start(t.Context(), &q, n, &ended, &mu)
		}
		for range 3 {
			g.open <- nil
			synctest.Wait()
		}
		if fmt.Sprint(g.written) != fmt.Sprint([]int{1, maxBatch, 1}) || g.most != 1 || len(ended) != maxBatch+2 || errors.Join(ended...) != nil {
			t.Errorf("wrote %v, at most %d at a time; %d ended with %v", g.written, g.most, len(ended), errors.Join(ended...))
		}
		if len(q.waiting) != 0 {
			t.Errorf("%d tasks are still busy", len(q.waiting))
		}
	})
}

// A delivery whose sender has gone waits no more, and holds up nobody; an error concerns the deliveries of its write.
func TestTaskQueue_CanceledDeliveryLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q taskQueue
		var mu sync.Mutex
		var ended, canceled []error
		g := newGate()
		ctx, cancel := context.WithCancel(t.Context())
		g.start(t.Context(), &q, 0, &ended, &mu)
		g.start(ctx, &q, 1, &canceled, &mu)
		g.start(t.Context(), &q, 2, &ended, &mu)
		cancel()
		synctest.Wait()
		if len(canceled) != 1 || canceled[0] == nil || IsInvalid(canceled[0]) {
			t.Errorf("the canceled delivery ended with %v", canceled)
		}
		failure := errors.New("away")
		for _, err := range []error{nil, failure} {
			g.open <- err
			synctest.Wait()
		}
		if len(ended) != 2 || ended[0] != nil || !errors.Is(ended[1], failure) {
			t.Errorf("ended with %v", ended)
		}
	})
}

// Starts that do not fit in together are written one by one: some of them may fit.
func TestTaskQueue_SplitsWhatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q taskQueue
		var mu sync.Mutex
		var ended []error
		g := newGate()
		for n := range 4 {
			g.start(t.Context(), &q, n, &ended, &mu)
		}
		for _, err := range []error{nil, errTooManyStarts, nil, nil, nil} {
			g.open <- err
			synctest.Wait()
		}
		if fmt.Sprint(g.written) != "[1 3 1 1 1]" || len(ended) != 4 || errors.Join(ended...) != nil {
			t.Errorf("wrote %v, ended with %v", g.written, ended)
		}
	})
}
