// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/internal/fair"
)

// ring holds what waits, in a queue for each namespace, and chooses one item of each namespace in turn that has no more than
// its share of the workers. A namespace whose queue was empty joins at the end, so that its first item waits for at most one
// item of every other namespace. It implements workqueue.Queue, which gives it each item once; to that, only chosen items are
// there.
type ring struct {
	mu sync.Mutex
	// changed says that another item may be chosen, or that no more will come.
	changed *sync.Cond
	// turns are the namespaces that have items, the next one first.
	turns []string
	// items are what waits in each namespace, first in, first out; none is empty.
	items map[string][]reconcile.Request
	count int
	// chosen are about to be taken.
	chosen []reconcile.Request
	// held are the workers of each namespace: of all of them, share at most.
	held           fair.Turns
	workers, share int
	closed         bool
}

func newRing(workers, share int) *ring {
	r := &ring{items: map[string][]reconcile.Request{}, workers: workers, share: share}
	r.changed = sync.NewCond(&r.mu)
	return r
}

// Touch leaves an item that is added again where it is.
func (*ring) Touch(reconcile.Request) {}

// Push adds an item at the end of its namespace's queue.
func (r *ring) Push(item reconcile.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting, ok := r.items[item.Namespace]
	if !ok {
		r.turns = append(r.turns, item.Namespace)
	}
	r.items[item.Namespace] = append(waiting, item)
	r.count++
	r.changed.Signal()
}

// Len is the number of items that are chosen.
func (r *ring) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.chosen)
}

// Pop takes an item that was chosen.
func (r *ring) Pop() reconcile.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	item := r.chosen[0]
	r.chosen = append(r.chosen[:0], r.chosen[1:]...)
	return item
}

// choose waits until an item may be taken and chooses it for a worker, or until the ring is closed and nothing waits.
func (r *ring) choose() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.chooseOne() && (r.count > 0 || !r.closed) {
		r.changed.Wait()
	}
}

// chooseOne chooses an item of the first namespace that may have another worker; false: none may. Those before it hold a
// worker each at least, so that it is found soon.
func (r *ring) chooseOne() bool {
	for i, namespace := range r.turns {
		if r.held.Take(namespace, r.share, r.workers) {
			r.take(i)
			return true
		}
	}
	return false
}

// take chooses the first item of the namespace with an index in turns.
func (r *ring) take(next int) {
	namespace := r.turns[next]
	copy(r.turns[1:next+1], r.turns[:next])
	waiting := r.items[namespace]
	r.chosen = append(r.chosen, waiting[0])
	// The array behind the slice would keep the texts of the item alive.
	r.turns[0], waiting[0] = "", reconcile.Request{}
	r.turns = r.turns[1:]
	r.count--
	if len(waiting) == 1 {
		delete(r.items, namespace)
		return
	}
	r.items[namespace] = waiting[1:]
	r.turns = append(r.turns, namespace)
}

// giveBack ends the work on an item of a namespace.
func (r *ring) giveBack(namespace string) {
	r.mu.Lock() // a worker that found nothing to choose waits by now
	defer r.mu.Unlock()
	r.held.GiveBack(namespace)
	r.changed.Broadcast()
}

// waiting is the number of items that are not chosen.
func (r *ring) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// close has choose end when nothing waits.
func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.changed.Broadcast()
}
