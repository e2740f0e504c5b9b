// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/spool/segment"
)

const (
	// DrainTimeout is how long one delivery may take. It is longer than a caller waits: an API server that is slow still
	// drains the spool, if the Ingester gives each call as much. And it is longer than the ten seconds for which an API
	// server waits for a webhook by default: cut off before, a webhook that hangs would look like an API server that does.
	DrainTimeout = 12 * time.Second
	// diskRetry is the time after which a segment is drained again when the disk failed.
	diskRetry = time.Second
	// idlePoll is how often Flush looks, and flushAhead how long it waits for what was refused once: the API server may
	// just have come back.
	idlePoll   = 50 * time.Millisecond
	flushAhead = 2 * firstRefusal
	// otherVersionRetry is how often records of another version are looked at. Until a receiver of that version runs, which
	// looks when it starts, there is nothing to find.
	otherVersionRetry = time.Hour
)

// Run drains the spool until the context ends, once in its life. What is left then stays on disk.
func (s *Spool) Run(ctx context.Context) {
	if s.segments == nil {
		return
	}
	var buffer []byte
	for ctx.Err() == nil {
		next, due := s.segments.Next(s.clock.Now())
		if next == nil {
			buffer = nil // as large as a segment, and an outage is rare
			s.idle(ctx, due)
			continue
		}
		if buffer == nil {
			buffer = s.segments.Buffer()
		}
		s.draining.Store(true)
		s.drainSegment(ctx, next, buffer)
		s.draining.Store(false)
	}
}

// idle waits until something is appended or due.
func (s *Spool) idle(ctx context.Context, due time.Time) {
	var timer <-chan time.Time
	if !due.IsZero() {
		t := s.clock.NewTimer(due.Sub(s.clock.Now()))
		defer t.Stop()
		timer = t.C()
	}
	select {
	case <-s.segments.Changed():
	case <-timer:
	case <-ctx.Done():
	}
}

// drainSegment writes the records of a segment and removes it. What the API server refuses for now is appended again.
func (s *Spool) drainSegment(ctx context.Context, from *segment.Segment, buffer []byte) {
	records, lost, err := s.segments.Read(from, buffer)
	if err != nil {
		s.log.Error(err, "Could not read a segment of the spool")
		s.segments.Defer(from, s.clock.Now().Add(diskRetry))
		return
	}
	s.countLost(lost)
	waiting := newTurns(s.options.Workers)
	for _, r := range leastRefusedFirst(records) {
		waiting.add(r.Key, r.Payload)
	}
	var kept atomic.Bool
	var workers sync.WaitGroup
	for ctx.Err() == nil {
		namespace, payload, ok := waiting.take()
		if !ok {
			break
		}
		workers.Go(func() {
			defer waiting.done(namespace)
			if !s.drain(ctx, waiting, namespace, payload) {
				kept.Store(true)
			}
			s.handled.Add(1)
		})
	}
	workers.Wait()
	s.handled.Store(0) // before the segment goes: Stats may count too many for a moment, and never too few
	if ctx.Err() != nil {
		return
	}
	if !kept.Load() {
		if err = s.segments.Remove(from); err == nil {
			return
		}
		s.log.Error(err, "Could not remove a segment of the spool; its callbacks are written again, which changes nothing")
	}
	s.segments.Defer(from, s.clock.Now().Add(diskRetry))
}

// leastRefusedFirst is the order in which the records of a segment are tried. Of a namespace that is refused only some
// are, and what was refused before must not stand in front of what was never tried. Among equals the order is random.
func leastRefusedFirst(records []segment.Record) []segment.Record {
	type counted struct {
		segment.Record
		refusals int
	}
	order := make([]counted, len(records))
	for i, from := range rand.Perm(len(records)) { //nolint:gosec // not for secrets
		order[i] = counted{records[from], refusalsOf(records[from].Payload)}
	}
	slices.SortStableFunc(order, func(a, b counted) int { return cmp.Compare(a.refusals, b.refusals) })
	for i := range order {
		records[i] = order[i].Record
	}
	return records
}

// drain writes a record, rejects it, or appends it again. It returns false when none of that was possible, so that the
// record has to stay where it is.
func (s *Spool) drain(ctx context.Context, others *turns, namespace string, payload []byte) bool {
	r, err := decodeRecord(payload)
	switch {
	case errors.Is(err, errRecordVersion):
		return s.keep(ctx, namespace, payload, err)
	case err != nil:
		s.counters.corrupt.Add(1)
		s.log.Error(err, "A callback in the spool cannot be read and is lost")
		return true
	}
	if until := s.waitsUntil(r); until.After(s.clock.Now()) || others.exhausted(namespace) {
		return s.appendAgain(ctx, s.postpone(r, until))
	}
	for {
		done, err := s.breaker.wait(ctx)
		if err != nil {
			return false
		}
		_, away, err := s.attempt(ctx, r.Delivery, DrainTimeout)
		done()
		others.learn(namespace, err != nil && !away && !ingest.IsInvalid(err))
		switch {
		case err == nil:
			s.counters.drained.Add(1)
			return true
		case ctx.Err() != nil:
			return false
		case away: // the breaker says when to try again
		case ingest.IsInvalid(err):
			return s.reject(ctx, r, ingest.RejectionReason(err), err)
		case r.Refused > s.options.MaxAge && s.clock.Since(r.Delivery.Received) > s.options.MaxAge:
			return s.reject(ctx, r, v1alpha1.RejectionExpired, err)
		default:
			s.log.V(1).Info("The API server refuses a callback for now", "namespace", namespace,
				"source", r.Delivery.Source, "reason", err.Error())
			return s.appendAgain(ctx, s.refuse(r))
		}
	}
}

// keep leaves a record of another version to the receiver that can read it: that version may run again.
func (s *Spool) keep(ctx context.Context, namespace string, payload []byte, err error) bool {
	s.otherVersion.Do(func() {
		s.log.Error(err, "Callbacks in the spool were written by another version of the receiver. They stay there until that version runs again")
	})
	return s.isAppended(s.appendContent(ctx, namespace, payload, s.clock.Now().Add(otherVersionRetry)))
}

// waitsUntil is when a record is to be tried. The clock may have been set back since it was written.
func (s *Spool) waitsUntil(r record) time.Time {
	until := s.pauses.slowUntil(r.Delivery.Namespace)
	if r.NotBefore.After(until) && r.NotBefore.Sub(s.clock.Now()) <= 2*lastRefusal {
		until = r.NotBefore
	}
	return until
}

// reject keeps a record for a person to look at. Expired says nothing for good of those that are old because of an
// outage: they have not been refused for long.
func (s *Spool) reject(ctx context.Context, r record, reason v1alpha1.RejectionReason, cause error) bool {
	body, err := sparkrtc.Encode(r.Delivery.Event)
	if err == nil {
		r.Delivery.Body = body
		err = s.options.Rejecter.Reject(ctx, r.Delivery, reason, cause.Error())
	}
	if err == nil {
		s.counters.rejected.Add(1)
		return true
	}
	s.log.Error(err, "Could not reject a callback; trying again later", "namespace", r.Delivery.Namespace, "source", r.Delivery.Source)
	return s.appendAgain(ctx, s.refuse(r))
}

// appendAgain puts a record at the end of the log.
func (s *Spool) appendAgain(ctx context.Context, r record) bool {
	content, err := r.encode()
	if err == nil {
		err = s.appendContent(ctx, r.Delivery.Namespace, content, r.NotBefore)
	}
	return s.isAppended(err)
}

// appendContent is appendAgain of an encoded record.
func (s *Spool) appendContent(ctx context.Context, namespace string, content []byte, due time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.diskTimeout)
	defer cancel()
	return s.segments.AppendAgain(ctx, namespace, content, due)
}

// isAppended reports a record that could not be appended.
func (s *Spool) isAppended(err error) bool {
	if err != nil {
		s.log.Error(err, "Could not put a callback at the end of the spool; it stays where it is")
	}
	return err == nil
}

// Flush returns when nothing waits that could be written now or in a moment, or when the context ends. Run has to run meanwhile.
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

// busy reports whether deliveries are being written or could be. An API server that is away takes none.
func (s *Spool) busy() bool {
	if s.segments == nil || s.breaker.isOpen() {
		return false
	}
	return s.draining.Load() || s.segments.Due(s.clock.Now().Add(flushAhead))
}
