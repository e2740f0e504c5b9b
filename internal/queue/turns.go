// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"sync"
	"time"
)

// TurnPause is how soon a namespace whose share of the workers is in use asks again.
const TurnPause = time.Second

// Turns keeps one namespace from holding every worker of a controller that waits for servers of tenants' choice. The
// zero value is ready to use.
type Turns struct {
	mu   sync.Mutex
	held map[string]int
}

// Take holds a worker for a namespace, unless it has as many as it may.
func (t *Turns) Take(namespace string, most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[namespace] >= most {
		return false
	}
	if t.held == nil {
		t.held = map[string]int{}
	}
	t.held[namespace]++
	return true
}

// GiveBack ends what Take began.
func (t *Turns) GiveBack(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[namespace]--; t.held[namespace] == 0 {
		delete(t.held, namespace)
	}
}
