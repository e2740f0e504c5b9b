// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduler

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Wait says what a step waits for.
type Wait struct {
	// Reason is one of the API's.
	Reason string
	// For names the limit that is reached, and how much of it is used.
	For string
}

// schedule gives free slots to steps that wait, until no step that waits can start.
func (s *Scheduler) schedule(now time.Time) {
	for {
		n, request := s.next(now)
		if request == nil {
			return
		}
		n.remove(request)
		s.begin(n, &job{Step: request.Step, name: request.Job, since: now, started: now})
		s.turn++
		n.turn, n.source(request.Source).turn = s.turn, s.turn
		s.woken[types.NamespacedName{Namespace: n.name, Name: request.File}] = true
	}
}

// next is the request whose turn it is, and its namespace; nil: none can start.
func (s *Scheduler) next(now time.Time) (*namespace, *Request) {
	if s.isFull() {
		return nil, nil
	}
	minutes := s.minutes(now)
	var chosen *namespace
	var first *Request
	for _, n := range s.namespaces {
		if len(n.waiting) == 0 {
			n.behind = true
			continue
		}
		request := s.nextOf(n)
		if request == nil {
			n.behind = true
			continue
		}
		if n.behind {
			n.catchUp(s.virtual, minutes)
		}
		if chosen == nil || cmp.Or(cmp.Compare(n.cost(minutes), chosen.cost(minutes)), cmp.Compare(n.turn, chosen.turn), cmp.Compare(n.name, chosen.name)) < 0 {
			chosen, first = n, request
		}
	}
	if chosen != nil {
		s.virtual = max(s.virtual, chosen.cost(minutes))
	}
	return chosen, first
}

// nextOf is the request of a namespace whose turn it is: of the source that had its turn first, the one that comes first;
// nil: none can start.
func (s *Scheduler) nextOf(n *namespace) *Request {
	var first *Request
	for kind, requests := range n.waiting {
		if _, blocked := s.blocked(n, kind); blocked {
			continue
		}
		if request := requests[0]; first == nil || s.before(n, request, first) {
			first = request
		}
	}
	return first
}

func (s *Scheduler) before(n *namespace, a, b *Request) bool {
	if a.Source == b.Source {
		return compareRequests(a, b) < 0
	}
	return cmp.Or(cmp.Compare(n.source(a.Source).turn, n.source(b.Source).turn), cmp.Compare(a.Source, b.Source)) < 0
}

func (s *Scheduler) isFull() bool { return s.limits.MaxActive > 0 && s.total >= s.limits.MaxActive }

// blocked says which limit keeps a class of requests from starting, the narrowest first.
func (s *Scheduler) blocked(n *namespace, kind class) (Wait, bool) {
	from, through := n.source(kind.source), n.pipeline(kind.pipeline)
	limits := through.limits
	switch {
	case reached(through.steps[kind.step], limits.Steps[kind.step]):
		return Wait{v1alpha1.ReasonStepConcurrency, fmt.Sprintf("RecordingPipeline %s: %d of %d Jobs of step %s running",
			kind.pipeline, through.steps[kind.step], limits.Steps[kind.step], kind.step)}, true
	case !kind.begun && reached(len(through.files), limits.Files):
		return Wait{v1alpha1.ReasonPipelineConcurrency, fmt.Sprintf("RecordingPipeline %s: %d of %d files running", kind.pipeline, len(through.files), limits.Files)}, true
	case reached(from.active, from.limit):
		return Wait{v1alpha1.ReasonSourceConcurrency, fmt.Sprintf("RecordingSource %s: %d of %d Jobs running", kind.source, from.active, from.limit)}, true
	case reached(len(n.jobs), s.limits.MaxActivePerNamespace):
		return Wait{v1alpha1.ReasonMaxActivePerNamespace, fmt.Sprintf("namespace %s: %d of %d Jobs running", n.name, len(n.jobs), s.limits.MaxActivePerNamespace)}, true
	case s.isFull():
		return Wait{v1alpha1.ReasonMaxActive, fmt.Sprintf("all namespaces: %d of %d Jobs running", s.total, s.limits.MaxActive)}, true
	}
	return Wait{}, false
}

// reached says that a limit allows no more; 0 allows everything.
func reached(used, limit int) bool { return limit > 0 && used >= limit }
