// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
)

// entry is what is held in memory of an event on disk: not its body.
type entry struct {
	id   uint64
	lane lane
}

// queue knows which events wait, in order for each lane. Who works on a lane has it alone.
type queue struct {
	// ready hands out each lane to one worker at a time, at once or later.
	ready workqueue.TypedDelayingInterface[lane]
	mu    sync.Mutex
	lanes map[lane]*waiting
	count int
}

// waiting are the events of one lane.
type waiting struct {
	ids []uint64
	// refusals is how often in a row the API server refused the first of them.
	refusals int
	// refused is how long it has refused those of the lane: the time between refusals, none of which is an outage's.
	refused time.Duration
}

func newQueue(clk clock.WithTicker) *queue {
	return &queue{
		ready: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[lane]{Clock: clk}),
		lanes: map[lane]*waiting{},
	}
}

// push puts an event behind those of its lane. Refused says that the API server answered and refused it once.
func (q *queue) push(e entry, refused bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count++
	if w := q.lanes[e.lane]; w != nil {
		// Its turn is set already.
		w.ids = append(w.ids, e.id)
		return
	}
	w := &waiting{ids: []uint64{e.id}}
	if refused {
		w.refusals = 1
	}
	q.lanes[e.lane] = w
	q.ready.Add(e.lane)
}

// state says whether events of the lane wait, and whether the API server refuses them though it answers.
func (q *queue) state(l lane) (waits, refused bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.lanes[l]
	return w != nil, w != nil && w.refusals > 0
}

// head returns the first events of a lane.
func (q *queue) head(l lane, most int) []uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.lanes[l]
	if w == nil {
		return nil
	}
	return append([]uint64(nil), w.ids[:min(most, len(w.ids))]...)
}

// pop takes the first event off a lane; a lane is forgotten with its last.
func (q *queue) pop(l lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.lanes[l]
	w.ids, w.refusals = w.ids[1:], 0
	q.count--
	if len(w.ids) == 0 {
		delete(q.lanes, l)
	}
}

// accepted says that the API server refuses the lane no more.
func (q *queue) accepted(l lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lanes[l].refused = 0
}

// again gives a lane that is not empty its next turn, at once.
func (q *queue) again(l lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lanes[l] != nil {
		q.ready.Add(l)
	}
}

// refused gives a lane its next turn later, the later the more often it was refused.
func (q *queue) refused(l lane, delay func(refusals int) time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.lanes[l]; w != nil {
		w.refusals++
		after := delay(w.refusals)
		w.refused += after
		q.ready.AddAfter(l, after)
	}
}

// refusedFor is how long the API server has refused the lane.
func (q *queue) refusedFor(l lane) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lanes[l].refused
}

// len is how many events wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}
