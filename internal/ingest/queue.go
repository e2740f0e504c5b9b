// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"sync"
)

// maxBatch bounds how many deliveries go into one patch.
const maxBatch = 64

// taskQueue lets a replica make one write of a task at a time. Deliveries that come meanwhile wait, and go into the next
// write together: writes of one object at the same time only make each other try again in the API server.
type taskQueue struct {
	mu sync.Mutex
	// waiting are the deliveries that wait for each task that is being written.
	waiting map[taskKey][]*waiter
}

// waiter is one delivery that waits for its write.
type waiter struct {
	update taskUpdate
	// done is closed when result and err are there.
	done   chan struct{}
	result Result
	err    error
}

type writeFunc func(ctx context.Context, key taskKey, update taskUpdate) (Result, error)

// do writes an update, alone or together with others of the task.
func (q *taskQueue) do(ctx context.Context, key taskKey, update taskUpdate, write writeFunc) (Result, error) {
	q.mu.Lock()
	if others, busy := q.waiting[key]; busy {
		w := &waiter{update: update, done: make(chan struct{})}
		q.waiting[key] = append(others, w)
		q.mu.Unlock()
		select {
		case <-w.done:
			return w.result, w.err
		case <-ctx.Done():
			// It may still be written; delivering it again is right all the same.
			return Result{}, &Error{Kind: Unavailable, Err: ctx.Err()}
		}
	}
	if q.waiting == nil {
		q.waiting = map[taskKey][]*waiter{}
	}
	q.waiting[key] = nil
	q.mu.Unlock()
	defer q.next(context.WithoutCancel(ctx), key, write)
	return write(ctx, key, update)
}

// next lets those that wait for the task have their turn. Their write does not end with the delivery that came first; each
// of its calls has a deadline.
func (q *taskQueue) next(ctx context.Context, key taskKey, write writeFunc) {
	if batch := q.take(key); len(batch) > 0 {
		go func() {
			for ; len(batch) > 0; batch = q.take(key) {
				writeBatch(ctx, key, batch, write)
			}
		}()
	}
}

// take is the next batch; with none, the task is free.
func (q *taskQueue) take(key taskKey) []*waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch := q.waiting[key]
	if len(batch) == 0 {
		delete(q.waiting, key)
		return nil
	}
	rest := batch[min(len(batch), maxBatch):]
	q.waiting[key] = rest
	return batch[:len(batch)-len(rest)]
}

// writeBatch writes the join of all updates, or each by itself when the starts do not all fit in.
func writeBatch(ctx context.Context, key taskKey, batch []*waiter, write writeFunc) {
	joined := batch[0].update
	for _, w := range batch[1:] {
		joined = joined.join(w.update)
	}
	result, err := write(ctx, key, joined)
	for _, w := range batch {
		if errors.Is(err, errTooManyStarts) {
			w.result, w.err = write(ctx, key, w.update)
		} else {
			w.result, w.err = result, err
		}
		close(w.done)
	}
}
