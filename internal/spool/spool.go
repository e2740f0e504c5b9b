// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package spool keeps verified callbacks on disk while the API server cannot take them.
//
// A delivery goes to the API server directly as long as that answers within two seconds. If it does not, the delivery is
// synced to disk, which makes it durable as well. When the API server is away, a breaker opens and callbacks go to disk
// at once. A drainer writes what waits, in no particular order, since deliveries commute.
package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/spool/segment"
)

// The defaults of Options.
const (
	// DefaultMaxBytes is some ten hours of ten callbacks a second.
	DefaultMaxBytes = 256 << 20
	// MinBytes is the least that MaxBytes may be: four segments.
	MinBytes = 4 * segment.DefaultSize
	// DefaultDirectTimeout is how long a caller waits for the API server before its delivery goes to disk.
	DefaultDirectTimeout = 2 * time.Second
	// DefaultMaxAge is how long the API server may refuse a delivery, because of a right, a quota, a namespace or a
	// webhook, before it is rejected: a day is enough for a person to repair that.
	DefaultMaxAge = 24 * time.Hour
	// DefaultWorkers is how many deliveries are drained at one time: enough to keep an API server busy.
	DefaultWorkers = 32
)

// directShare is how many deliveries of one namespace are written at one time, unless they come from the disk: as many as
// DefaultWorkers, which is enough for one that comes alone.
const directShare = DefaultWorkers

// directWaiting is how many more of the namespace wait for these; others go to disk at once, which takes milliseconds.
// Together they are a quarter of the callbacks that the receiver handles at one time: to wait is to hold one of its slots.
const directWaiting = 3 * directShare

// directAll bounds both for all namespaces together: half of the callbacks that the receiver handles at one time.
const directAll = 2 * (directShare + directWaiting)

// diskTimeout is how long a caller waits for the disk. A sync takes milliseconds; a disk that is dying may take forever.
const diskTimeout = 4 * time.Second

// Ingester stores a delivery; ingest.Ingester is the one.
type Ingester interface {
	Ingest(ctx context.Context, delivery ingest.Delivery) (ingest.Result, error)
}

// Rejecter keeps a delivery that cannot be stored for a person to look at; rejected.Store is the one. An error means that
// it could not decide, and that the delivery is to be rejected again later.
type Rejecter interface {
	Reject(ctx context.Context, delivery ingest.Delivery, reason v1alpha1.RejectionReason, message string) error
}

// Options are what a Spool needs. Fields are required unless they say otherwise.
type Options struct {
	// Dir is the folder on disk. Empty: nothing is spooled, and a delivery that cannot be written is Unavailable.
	Dir string
	// MaxBytes bounds what waits, in whole segments of 4 MiB. Zero is DefaultMaxBytes.
	MaxBytes int64
	// DirectTimeout, MaxAge and Workers have defaults.
	DirectTimeout time.Duration
	MaxAge        time.Duration
	Workers       int

	Ingester Ingester
	Rejecter Rejecter
	// Ready asks the API server whether it is ready, as GET /readyz does. An error that is an answer of the API server
	// below 500 counts as ready.
	Ready func(context.Context) error
	Log   logr.Logger
	// Clock is optional.
	Clock clock.WithTicker

	// segmentBytes is smaller in tests.
	segmentBytes int64
}

// Spool is an Ingester that loses nothing while the API server is away.
type Spool struct {
	options Options
	log     logr.Logger
	clock   clock.WithTicker
	breaker *breaker
	pauses  *pauses
	shares  *shares
	// segments is nil when the spool is off.
	segments *segment.Log

	counters counters
	// diskTimeout is shorter in tests.
	diskTimeout time.Duration
	// draining says that a segment is being drained, handled how many of its records are done with.
	draining atomic.Bool
	handled  atomic.Int64
	// otherVersion says once that records of another version wait.
	otherVersion sync.Once
}

// Open opens the spool's folder and reads what waits in it. The Spool has to be closed after the last call of Ingest.
func Open(options Options) (*Spool, error) {
	options = options.withDefaults()
	s := &Spool{
		options: options, log: options.Log, clock: options.Clock,
		breaker: newBreaker(options.Clock, options.Ready), pauses: newPauses(options.Clock),
		shares: newShares(directShare, directWaiting, directAll), diskTimeout: diskTimeout,
	}
	if options.Dir == "" {
		s.log.Info("The spool is off: callbacks are refused while the API server is away")
		return s, nil
	}
	segments, lost, err := segment.Open(segment.Options{
		Dir: options.Dir, MaxSegments: int(options.MaxBytes / options.segmentBytes), Size: options.segmentBytes,
	})
	if err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	s.segments = segments
	s.countLost(lost)
	if waiting := segments.Stats().Records; waiting > 0 {
		s.log.Info("Callbacks wait in the spool", "count", waiting)
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.DirectTimeout = cmp.Or(o.DirectTimeout, DefaultDirectTimeout)
	o.MaxAge = cmp.Or(o.MaxAge, DefaultMaxAge)
	o.Workers = cmp.Or(o.Workers, DefaultWorkers)
	o.segmentBytes = cmp.Or(o.segmentBytes, segment.DefaultSize)
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// countLost counts records that were damaged on disk.
func (s *Spool) countLost(lost int) {
	if lost == 0 {
		return
	}
	s.counters.corrupt.Add(uint64(lost)) //nolint:gosec // a count
	s.log.Error(nil, "Callbacks in the spool are damaged and lost", "folder", s.options.Dir, "count", lost)
}

// Close closes the spool. What waits in it stays on disk.
func (s *Spool) Close() error {
	if s.segments == nil {
		return nil
	}
	if err := s.segments.Close(); err != nil {
		return fmt.Errorf("close the spool: %w", err)
	}
	return nil
}

// Ingest stores a delivery, in the API server or on disk. Its errors are those of ingest.Ingester: Unavailable says that
// it is stored nowhere, Invalid that it never will be; the caller rejects that one.
func (s *Spool) Ingest(ctx context.Context, d ingest.Delivery) (ingest.Result, error) {
	if d.Event.Type == sparkrtc.Unknown {
		return s.options.Ingester.Ingest(ctx, d)
	}
	r := record{Delivery: d}
	cause := errPaused
	if r.NotBefore = s.pauses.until(d.Namespace); s.segments == nil || !r.NotBefore.After(s.clock.Now()) {
		result, away, err := s.direct(ctx, d)
		if err == nil || ingest.IsInvalid(err) {
			return result, err
		}
		cause, r.NotBefore = err, time.Time{}
		if !away {
			r = s.refuse(r)
		}
	}
	if err := s.append(ctx, r); err != nil {
		return ingest.Result{}, &ingest.Error{Kind: ingest.Unavailable, Err: errors.Join(cause, err)}
	}
	s.counters.appended.Add(1)
	return ingest.Result{Outcome: ingest.Spooled}, nil
}

var (
	errAway   = errors.New("the API server is away")
	errPaused = errors.New("the API server refuses callbacks of the namespace")
	errBusy   = errors.New("too many callbacks of the namespace come at one time")
	errOff    = errors.New("the spool is off")
)

// direct writes to the API server, if that is not known to be away.
func (s *Spool) direct(ctx context.Context, d ingest.Delivery) (result ingest.Result, away bool, err error) {
	done, ok := s.breaker.try()
	if !ok {
		return ingest.Result{}, true, errAway
	}
	defer done()
	waiting, cancel := context.WithTimeout(ctx, s.options.DirectTimeout/2)
	defer cancel()
	release, err := s.shares.acquire(waiting, d.Namespace)
	if err != nil { // it says nothing of the API server, and is no refusal
		return ingest.Result{}, true, errors.Join(errBusy, err)
	}
	defer release()
	return s.attempt(ctx, d, s.options.DirectTimeout)
}

// attempt calls the Ingester, and learns what the result says about the API server and the namespace.
func (s *Spool) attempt(ctx context.Context, d ingest.Delivery, timeout time.Duration) (result ingest.Result, away bool, err error) {
	started := s.clock.Now()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	result, err = s.options.Ingester.Ingest(limited, d)
	switch {
	case err == nil || ingest.IsInvalid(err):
		s.pauses.accepted(d.Namespace)
		if s.breaker.succeeded() {
			s.log.Info("The API server answers again")
		}
		return result, false, err
	case ctx.Err() != nil: // the caller gave up, which says nothing
		return result, true, err
	}
	away, opened := s.breaker.failed(ctx, d.Namespace, started, err)
	if opened {
		s.log.Error(err, "The API server is away; callbacks go to the spool")
	}
	if !away {
		s.pauses.refused(d.Namespace, errors.Is(err, context.DeadlineExceeded))
	}
	return result, away, err
}

// refuse counts a refusal of a record, and says when it is tried again.
func (s *Spool) refuse(r record) record {
	r.Refusals++
	return s.postpone(r, s.clock.Now().Add(refusalDelay(r.Refusals)))
}

// postpone has a record wait until its namespace is not paused, and at least until a time.
func (s *Spool) postpone(r record, until time.Time) record {
	now := s.clock.Now()
	if paused := s.pauses.until(r.Delivery.Namespace); paused.After(until) {
		until = paused
	}
	r.NotBefore = until
	r.Refused += max(0, until.Sub(now))
	return r
}

// append makes a record durable. The API server may have used up the caller's time; the disk has its own.
func (s *Spool) append(ctx context.Context, r record) error {
	if s.segments == nil {
		return errOff
	}
	content, err := r.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.diskTimeout)
	defer cancel()
	return s.segments.Append(ctx, r.Delivery.Namespace, content, r.NotBefore)
}
