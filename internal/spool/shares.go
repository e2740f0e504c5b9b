// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"sync"

	"sparkrtc.dev/recording-operator/internal/fair"
)

// shares bound how many calls of one namespace are under way at one time, and how many more wait: a flood of one namespace
// waits for itself, and leaves the API server and the slots of its callers to all others. Those of all namespaces are
// bounded too.
type shares struct {
	most, waiting, all int
	callers            fair.Turns
	mu                 sync.Mutex
	// held are the shares of namespaces with callers.
	held map[string]*share
}

// share is that of one namespace.
type share struct {
	slots   chan struct{}
	callers int
}

func newShares(most, waiting, all int) *shares {
	return &shares{most: most, waiting: waiting, all: all, held: map[string]*share{}}
}

var errCrowded = errors.New("no more callbacks of the namespace may wait")

// acquire waits for a slot of the namespace until ctx ends, and fails at once when too many of it, or of all, wait. Unless it fails, release
// has to be called.
func (s *shares) acquire(ctx context.Context, namespace string) (release func(), err error) {
	if !s.callers.Take(namespace, s.most+s.waiting, s.all) {
		return nil, errCrowded
	}
	own := s.enter(namespace)
	select {
	case own.slots <- struct{}{}:
		return func() {
			<-own.slots
			s.leave(namespace)
		}, nil
	case <-ctx.Done():
		s.leave(namespace)
		return nil, ctx.Err()
	}
}

// enter counts a caller.
func (s *shares) enter(namespace string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.held[namespace]
	if own == nil {
		own = &share{slots: make(chan struct{}, s.most)}
		s.held[namespace] = own
	}
	own.callers++
	return own
}

func (s *shares) leave(namespace string) {
	s.callers.GiveBack(namespace)
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.held[namespace]
	if own.callers--; own.callers == 0 {
		delete(s.held, namespace)
	}
}
