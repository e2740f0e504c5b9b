// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// maxSubjects bounds the objects of a namespace that are kept in mind, some 300 bytes each. The events of others wait in
// their statuses.
const maxSubjects = 500

// subjects are the objects of one kind whose events wait, as far as there is room. It is safe for concurrent use; the zero
// value is ready.
type subjects struct {
	mu         sync.Mutex
	namespaces map[string]*lane
}

// lane is what is kept in mind of a namespace.
type lane struct {
	subjects map[string]*subject
	// missed says that there was no room for an object.
	missed bool
}

// subject is an object whose events wait. Only the one reconcile that works on it reads and writes it, but for what the
// lock of subjects guards.
type subject struct {
	// source of the object, and fresh: something has changed since the last look. The lock guards both.
	source string
	fresh  bool
	// to are the notifications that the object's events wait for, as of the last look.
	to []string
	// retries are when the object's events are sent again to a sink that has not taken one.
	retries map[sinkKey]retry
	// settled is what is done with, and not removed from the status yet.
	settled []settlement
}

// retry is how often sending has failed, and when it is tried again.
type retry struct {
	failures int
	next     time.Time
}

// offer takes an object up, if there is room; it is there already, or it is not and will be offered again: news says that
// something has changed since it was looked at. The result says that the object is to be reconciled.
func (s *subjects) offer(name types.NamespacedName, source string, news bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.lane(name.Namespace)
	if known := own.subjects[name.Name]; known != nil {
		known.fresh = known.fresh || news
		return news
	}
	if len(own.subjects) >= maxSubjects {
		own.missed = true
		return false
	}
	own.subjects[name.Name] = &subject{source: source, fresh: true}
	return true
}

func (s *subjects) lane(namespace string) *lane {
	if s.namespaces[namespace] == nil {
		if s.namespaces == nil {
			s.namespaces = map[string]*lane{}
		}
		s.namespaces[namespace] = &lane{subjects: map[string]*subject{}}
	}
	return s.namespaces[namespace]
}

// get is an object that is to be looked at, and whether something has changed since the last look.
func (s *subjects) get(name types.NamespacedName) (known *subject, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.lane(name.Namespace)
	if known = own.subjects[name.Name]; known == nil {
		known = &subject{fresh: true} // it was offered while the look before this one ended
		own.subjects[name.Name] = known
	}
	return known, known.fresh
}

// look says that an object is about to be read.
func (s *subjects) look(known *subject) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known.fresh = false
}

// waits says for what an object waits.
func (s *subjects) waits(known *subject, source string, to []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known.source, known.to = source, to
}

// leave forgets an object whose events wait no more, unless it has changed meanwhile. It reports whether there is room now
// for objects that found none.
func (s *subjects) leave(name types.NamespacedName) (refill bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.namespaces[name.Namespace]
	if own == nil {
		return false
	}
	if known := own.subjects[name.Name]; known != nil && !known.fresh {
		delete(own.subjects, name.Name)
	}
	refill = own.missed && len(own.subjects) <= maxSubjects/2
	if refill {
		own.missed = false
	}
	if len(own.subjects) == 0 {
		delete(s.namespaces, name.Namespace)
	}
	return refill
}

// of are the objects of a source, or of all of a namespace whose source is not known yet. They count as changed.
func (s *subjects) of(namespace, source string) []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.namespaces[namespace]
	if own == nil {
		return nil
	}
	var names []types.NamespacedName
	for name, known := range own.subjects {
		if known.source == source {
			known.fresh = true
			names = append(names, types.NamespacedName{Namespace: namespace, Name: name})
		}
	}
	return names
}
