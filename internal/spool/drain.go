// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
)

const (
	// drainBatch is how many deliveries of a lane a worker writes before other lanes have their turn.
	drainBatch = 32
	// DrainTimeout is how long one delivery may take. It is longer than a caller waits: an API server that is slow still
	// drains the spool, if the Ingester gives each call as much. And it is longer than the ten seconds for which an API
	// server waits for a webhook by default: cut off before, a webhook that hangs would look like an outage.
	DrainTimeout = 12 * time.Second
	// firstRefusal and lastRefusal bound the time after which a delivery that was refused is tried again.
	firstRefusal = time.Second
	lastRefusal  = 5 * time.Minute
	// ackRetry is the time between attempts to delete what is written, when the disk fails.
	ackRetry = time.Second
	// idlePoll is how often Flush looks.
	idlePoll = 50 * time.Millisecond
)

// Run drains the spool until the context ends, once in its life. What is left then stays on disk.
func (s *Spool) Run(ctx context.Context) {
	if s.store == nil {
		return
	}
	var workers, acker sync.WaitGroup
	acking, stopAcking := context.WithCancel(context.WithoutCancel(ctx))
	acker.Go(func() { s.deleteAcked(acking) })
	for range s.options.Workers {
		workers.Go(func() { s.work(ctx) })
	}
	<-ctx.Done()
	s.queue.ready.ShutDown()
	workers.Wait()
	stopAcking()
	acker.Wait()
}

// work drains one lane after another.
func (s *Spool) work(ctx context.Context) {
	for {
		l, stopping := s.queue.ready.Get()
		if stopping {
			return
		}
		s.working.Add(1)
		s.drainLane(ctx, l)
		s.queue.ready.Done(l)
		s.working.Add(-1)
	}
}

// drainLane writes the first deliveries of a lane, and sees to it that the lane has another turn if any are left.
func (s *Spool) drainLane(ctx context.Context, l lane) {
	done, err := s.breaker.wait(ctx)
	if err != nil {
		return
	}
	defer done()
	for _, id := range s.queue.head(l, drainBatch) {
		if ctx.Err() != nil {
			return
		}
		r, err := s.store.event(id)
		if errors.Is(err, errNoRecord) {
			// It became a dead letter when nobody waited for that any more.
			s.queue.pop(l)
			continue
		}
		if err != nil {
			s.counters.corrupt.Add(1)
			s.log.Error(err, "A callback in the spool cannot be read and is lost", "id", id)
			s.finish(l, id)
			continue
		}
		if !s.drain(ctx, l, id, r) {
			return
		}
	}
	s.queue.again(l)
}

// drain writes one delivery, and reports whether the next one of its lane may follow.
func (s *Spool) drain(ctx context.Context, l lane, id uint64, r record) bool {
	err := s.deliver(ctx, r)
	if err != nil && ctx.Err() != nil {
		return false
	}
	cause, dead := s.dead(l, r, err)
	switch {
	case err == nil:
		s.counters.drained.Add(1)
		s.queue.accepted(l)
		s.finish(l, id)
		return true
	case dead:
		if buryErr := s.moveToLetters(ctx, id, r, cause, err.Error()); buryErr != nil {
			s.log.Error(buryErr, "Could not make a dead letter of a callback", "namespace", r.Namespace, "source", r.Source)
			s.queue.refused(l, refusalDelay)
			return false
		}
		s.queue.pop(l)
		s.tell(ctx, r, err)
		return true
	case isOutage(err):
		s.queue.again(l)
		return false
	default:
		s.log.V(1).Info("The API server refuses a callback for now", "namespace", r.Namespace, "source", r.Source, "reason", err.Error())
		s.queue.refused(l, refusalDelay)
		return false
	}
}

// deliver ingests a record.
func (s *Spool) deliver(ctx context.Context, r record) error {
	d, err := r.delivery()
	if err != nil {
		return &decodeError{err}
	}
	limited, cancel := context.WithTimeout(ctx, DrainTimeout)
	defer cancel()
	result, err := s.options.Ingester.Ingest(limited, d)
	if ctx.Err() == nil {
		s.learn(result, err)
	}
	return err
}

// dead says whether a record will never be written, and why. A record that is old because of an outage has not been
// refused for long: what an API server says that has just returned is not its last word.
func (s *Spool) dead(l lane, r record, err error) (Cause, bool) {
	switch {
	case err == nil:
		return "", false
	case isUndecodable(err):
		return Undecodable, true
	case ingest.IsInvalid(err):
		return Invalid, true
	case !isOutage(err) && s.queue.refusedFor(l) > s.options.MaxAge && s.clock.Since(r.Received) > s.options.MaxAge:
		return Expired, true
	default:
		return "", false
	}
}

// source is the RecordingSource that was called, or nil.
func (s *Spool) source(ctx context.Context, r record) *v1alpha1.RecordingSource {
	source := &v1alpha1.RecordingSource{}
	if err := s.options.Sources.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: r.Source}, source); err != nil {
		return nil
	}
	return source
}

// reasonDead is that of the event on a RecordingSource whose callback became a dead letter.
const reasonDead = "CallbackDead"

// tell lets those who can mend it hear of a dead letter. Nobody waits for an answer any more.
func (s *Spool) tell(ctx context.Context, r record, err error) {
	source := s.source(ctx, r)
	if source == nil {
		return
	}
	s.options.Recorder.Eventf(source, nil, corev1.EventTypeWarning, reasonDead, "Store",
		"A callback of %s cannot be stored and is a dead letter: %v", r.Received.UTC().Format(time.RFC3339), err)
}

// refusalDelay doubles with each refusal, and is jittered.
func refusalDelay(refusals int) time.Duration {
	delay := lastRefusal
	if doubled := firstRefusal << min(refusals-1, 20); doubled < lastRefusal {
		delay = doubled
	}
	return wait.Jitter(delay, 0.5)
}

// finish forgets an event, in memory at once and on disk soon. If it is lost in between that it is done with, it is
// written again, which changes nothing.
func (s *Spool) finish(l lane, id uint64) {
	s.queue.pop(l)
	s.acks.add(id)
}

// acks are events that are done with and still on disk.
type acks struct {
	mu  sync.Mutex
	ids []uint64
	// taken says that some are being deleted.
	taken bool
	// some has an element when there may be ids.
	some chan struct{}
}

func (a *acks) add(ids ...uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(a.ids, ids...)
	select {
	case a.some <- struct{}{}:
	default:
	}
}

func (a *acks) take() []uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := a.ids
	a.ids, a.taken = nil, len(ids) > 0
	return ids
}

func (a *acks) deleted() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken = false
}

func (a *acks) any() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.taken || len(a.ids) > 0
}

// deleteAcked deletes events that are done with: all that have gathered during one commit in the next. When the
// context ends it does so once more.
func (s *Spool) deleteAcked(ctx context.Context) {
	for {
		select {
		case <-s.acks.some:
		case <-ctx.Done():
			s.deleteOnce(ctx)
			return
		}
		if s.deleteOnce(ctx) {
			continue
		}
		timer := s.clock.NewTimer(ackRetry)
		select {
		case <-timer.C():
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// deleteOnce reports whether it could.
func (s *Spool) deleteOnce(ctx context.Context) bool {
	ids := s.acks.take()
	if len(ids) == 0 {
		return true
	}
	err := s.write(ctx, operation{apply: func(c *change) error {
		for _, id := range ids {
			if err := remove(c.events, &c.ledger.Events, id); err != nil {
				return err
			}
		}
		return nil
	}})
	if err == nil {
		s.acks.deleted()
		return true
	}
	s.log.Error(err, "Could not delete from the spool what is written; it may be written again", "count", len(ids))
	s.acks.add(ids...)
	return false
}

// Flush returns when nothing waits that could be written now, or when the context ends. Run has to run meanwhile.
func (s *Spool) Flush(ctx context.Context) {
	for s.busy() {
		timer := s.clock.NewTimer(idlePoll)
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// busy reports whether events are being written or could be. An API server that is away has nothing to offer.
func (s *Spool) busy() bool {
	if s.store == nil || s.breaker.isOpen() {
		return false
	}
	return s.queue.ready.Len() > 0 || s.working.Load() > 0 || s.acks.any()
}
