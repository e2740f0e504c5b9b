// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"sync"
)

// shares bound how many calls of one namespace are under way at one time: a flood of one namespace waits for itself, and
// the API server has as much left for all others.
type shares struct {
	most int
	mu   sync.Mutex
	// held are the slots of namespaces with callers, and used how many callers each has.
	held map[string]chan struct{}
	used map[string]int
}

func newShares(most int) *shares {
	return &shares{most: most, held: map[string]chan struct{}{}, used: map[string]int{}}
}

// acquire waits for a slot of the namespace until ctx ends. Unless it fails, release has to be called.
func (s *shares) acquire(ctx context.Context, namespace string) (release func(), err error) {
	slots := s.enter(namespace)
	select {
	case slots <- struct{}{}:
		return func() {
			<-slots
			s.leave(namespace)
		}, nil
	case <-ctx.Done():
		s.leave(namespace)
		return nil, ctx.Err()
	}
}

func (s *shares) enter(namespace string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[namespace] == 0 {
		s.held[namespace] = make(chan struct{}, s.most)
	}
	s.used[namespace]++
	return s.held[namespace]
}

func (s *shares) leave(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[namespace]--; s.used[namespace] == 0 {
		delete(s.held, namespace)
		delete(s.used, namespace)
	}
}
