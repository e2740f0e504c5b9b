// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"sync"
)

// shares bound how many calls of one namespace are under way at one time, and how many more wait: a flood of one namespace
// waits for itself, and leaves the API server and the slots of its callers to all others.
type shares struct {
	most, waiting int
	mu            sync.Mutex
	// held are the slots of namespaces with callers, and used how many callers each has.
	held map[string]chan struct{}
	used map[string]int
}

func newShares(most, waiting int) *shares {
	return &shares{most: most, waiting: waiting, held: map[string]chan struct{}{}, used: map[string]int{}}
}

var errCrowded = errors.New("no more callbacks of the namespace may wait")

// acquire waits for a slot of the namespace until ctx ends, and fails at once when too many wait. Unless it fails, release
// has to be called.
func (s *shares) acquire(ctx context.Context, namespace string) (release func(), err error) {
	slots, ok := s.enter(namespace)
	if !ok {
		return nil, errCrowded
	}
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

func (s *shares) enter(namespace string) (slots chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[namespace] == s.most+s.waiting {
		return nil, false
	}
	if s.used[namespace] == 0 {
		s.held[namespace] = make(chan struct{}, s.most)
	}
	s.used[namespace]++
	return s.held[namespace], true
}

func (s *shares) leave(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[namespace]--; s.used[namespace] == 0 {
		delete(s.held, namespace)
		delete(s.used, namespace)
	}
}
