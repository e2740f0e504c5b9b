// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package queue

import "sigs.k8s.io/controller-runtime/pkg/reconcile"

// ring holds what waits, in a queue for each namespace, and takes one item of each namespace in turn. A namespace whose
// queue was empty joins at the end, so that its first item waits for at most one item of every other namespace. It
// implements workqueue.Queue, which gives it each item once and calls it from one goroutine at a time.
type ring struct {
	// turns are the namespaces that have items, the next one first.
	turns []string
	// items are what waits in each namespace, first in, first out; none is empty.
	items map[string][]reconcile.Request
	count int
}

func newRing() *ring { return &ring{items: map[string][]reconcile.Request{}} }

// Touch leaves an item that is added again where it is.
func (*ring) Touch(reconcile.Request) {}

// Push adds an item at the end of its namespace's queue.
func (r *ring) Push(item reconcile.Request) {
	waiting, ok := r.items[item.Namespace]
	if !ok {
		r.turns = append(r.turns, item.Namespace)
	}
	r.items[item.Namespace] = append(waiting, item)
	r.count++
}

// Len is the number of items in all namespaces.
func (r *ring) Len() int { return r.count }

// Pop takes the first item of the namespace whose turn it is. The ring must not be empty.
func (r *ring) Pop() reconcile.Request {
	namespace := r.turns[0]
	waiting := r.items[namespace]
	item := waiting[0]
	// The array behind the slice would keep the texts of the item alive.
	r.turns[0], waiting[0] = "", reconcile.Request{}
	r.turns = r.turns[1:]
	r.count--
	if len(waiting) == 1 {
		delete(r.items, namespace)
		return item
	}
	r.items[namespace] = waiting[1:]
	r.turns = append(r.turns, namespace)
	return item
}
