// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fair

import "sync"

// Turns bounds how many calls of each namespace are under way at one time, where calls wait for what tenants chose: a
// server, a webhook, a Secret. A namespace may have at most as many as are free for all others, and one if any is free. So
// one that hangs has at most half, two have three quarters, and it takes many to have all. The zero value is ready to use.
type Turns struct {
	mu    sync.Mutex
	taken int
	held  map[string]int
}

// Take begins a call of a namespace, unless the namespace has most already, or as many as are free of all.
func (t *Turns) Take(namespace string, most, all int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	held, free := t.held[namespace], all-t.taken
	if free <= 0 || held >= most || held > 0 && held >= free {
		return false
	}
	if t.held == nil {
		t.held = map[string]int{}
	}
	t.held[namespace]++
	t.taken++
	return true
}

// GiveBack ends what Take began.
func (t *Turns) GiveBack(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken--
	if t.held[namespace]--; t.held[namespace] == 0 {
		delete(t.held, namespace)
	}
}

// Held is how many namespaces have calls under way.
func (t *Turns) Held() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held)
}
