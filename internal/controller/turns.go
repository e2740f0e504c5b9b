// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"time"
)

// turnPause is how soon a namespace whose share of the workers is in use asks again.
const turnPause = time.Second

// turns keeps one namespace from holding every worker of a controller that waits for servers of tenants' choice. The
// zero value is ready to use.
type turns struct {
	mu   sync.Mutex
	held map[string]int
}

// take holds a worker for a namespace, unless it has as many as it may.
func (t *turns) take(namespace string, most int) bool {
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

// giveBack ends what take began.
func (t *turns) giveBack(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[namespace]--; t.held[namespace] == 0 {
		delete(t.held, namespace)
	}
}
