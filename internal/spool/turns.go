// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"sync"

	"sparkrtc.dev/recording-operator/internal/fair"
)

// turns gives each namespace its turn while a segment is drained: one record of each, round and round. A namespace may
// have as many records under way as workers are free for all others, and at least one.
type turns struct {
	mu    sync.Mutex
	freed *sync.Cond
	// order has the namespaces with records that wait, the next one first.
	order   []string
	waiting map[string][][]byte
	running fair.Turns
	workers int
	// refusals in a row of each namespace.
	refusals map[string]int
}

func newTurns(workers int) *turns {
	t := &turns{waiting: map[string][][]byte{}, workers: workers, refusals: map[string]int{}}
	t.freed = sync.NewCond(&t.mu)
	return t
}

func (t *turns) add(namespace string, payload []byte) {
	if len(t.waiting[namespace]) == 0 {
		t.order = append(t.order, namespace)
	}
	t.waiting[namespace] = append(t.waiting[namespace], payload)
}

// take returns the record whose turn it is, and waits until there is a worker for it. Afterwards done is called. It
// returns false when none waits.
func (t *turns) take() (namespace string, payload []byte, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.order) > 0 {
		for i, namespace := range t.order {
			if !t.running.Take(namespace, t.workers, t.workers) {
				continue
			}
			t.order = append(t.order[:i:i], t.order[i+1:]...)
			waiting := t.waiting[namespace]
			t.waiting[namespace] = waiting[1:]
			if len(waiting) > 1 {
				t.order = append(t.order, namespace)
			} else {
				delete(t.waiting, namespace)
			}
			return namespace, waiting[0], true
		}
		t.freed.Wait()
	}
	return "", nil, false
}

func (t *turns) done(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running.GiveBack(namespace)
	t.freed.Signal()
}

// learn counts how a record ended.
func (t *turns) learn(namespace string, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if refused {
		t.refusals[namespace]++
	} else {
		delete(t.refusals, namespace)
	}
}

// exhausted reports whether so many records of a namespace were refused in a row that the others need not be tried.
func (t *turns) exhausted(namespace string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refusals[namespace] >= refusalsToPause
}
