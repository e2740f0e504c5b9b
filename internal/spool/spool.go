// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package spool keeps verified callbacks on disk while the API server cannot take them, and those that nobody can take
// as dead letters, until a person has looked at them.
//
// A delivery goes to the API server directly as long as that answers within two seconds. If it does not, the delivery
// is synced to disk, which makes it safe as well, and a breaker opens: what comes then goes to disk at once. A drainer
// tries to write what waits, and its first success closes the breaker. Deliveries of one job are written in the order
// in which they came: while older ones wait, newer ones go behind them.
//
// The file is bbolt's. It is read and checked page by page before it is opened, since a disk may lie and a power cut
// may tear; what can be read of a broken one goes into a new one.
package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// The defaults of Options.
const (
	// DefaultMaxBytes is some seven hours of ten callbacks of 1 KiB a second.
	DefaultMaxBytes = 256 << 20
	// DefaultMaxLetterBytes is some ten thousand dead letters.
	DefaultMaxLetterBytes = 16 << 20
	// DefaultDirectTimeout is how long a caller waits for the API server before its delivery goes to disk.
	DefaultDirectTimeout = 2 * time.Second
	// DefaultMaxAge is how long the API server may refuse a delivery, for want of a right, a quota, a namespace or a
	// webhook that works, before it becomes a dead letter: a day is enough for a person to mend it.
	DefaultMaxAge = 24 * time.Hour
	// DefaultWorkers is how many deliveries are drained at one time: enough to keep an API server busy.
	DefaultWorkers = 32
)

// refusedShare is the part of the spool that deliveries may fill which the API server answers and refuses. The rest is
// kept for outages: one namespace without quota must not cost all others their spool.
const refusedShare = 0.5

// diskTimeout is how long a caller waits for the disk. A sync takes milliseconds; a disk that is dying may take forever.
const diskTimeout = 4 * time.Second

// Ingester makes a delivery safe; ingest.Ingester is the one.
type Ingester interface {
	Ingest(ctx context.Context, delivery ingest.Delivery) (ingest.Result, error)
}

// Options are what a Spool needs. Fields without a word about it are required.
type Options struct {
	// Dir is the folder on disk. Empty: nothing is spooled, and a delivery that cannot be written is Unavailable.
	Dir string
	// MaxBytes bounds the deliveries that wait, MaxLetterBytes the dead letters; zero is the default. The file may be
	// twice as large as both together.
	MaxBytes       int64
	MaxLetterBytes int64
	// DirectTimeout, MaxAge and Workers have defaults.
	DirectTimeout time.Duration
	MaxAge        time.Duration
	Workers       int

	Ingester Ingester
	// Sources reads RecordingSources from a cache.
	Sources client.Reader
	// Recorder tells the owner of a source of its dead letters.
	Recorder events.EventRecorder
	Log      logr.Logger
	// Clock is optional.
	Clock clock.WithTicker
}

// Spool is an Ingester that loses nothing while the API server is away.
type Spool struct {
	options Options
	log     logr.Logger
	clock   clock.WithTicker
	breaker *breaker
	queue   *queue
	// store is nil when the spool is off.
	store *store

	acks     acks
	counters counters
	// diskTimeout is shorter in tests.
	diskTimeout time.Duration
	// working counts the workers that are on a lane.
	working atomic.Int64
}

// Open opens the spool's file and reads which deliveries wait in it. The Spool has to be closed, after the last call
// of Ingest.
func Open(options Options) (*Spool, error) {
	options = options.withDefaults()
	s := &Spool{
		options: options, log: options.Log, clock: options.Clock,
		breaker: newBreaker(options.Clock), queue: newQueue(options.Clock), acks: acks{some: make(chan struct{}, 1)},
		diskTimeout: diskTimeout,
	}
	if options.Dir == "" {
		s.log.Info("The spool is off: callbacks are refused while the API server is away")
		return s, nil
	}
	store, held, err := openStore(options.Dir, limits{eventBytes: options.MaxBytes, letterBytes: options.MaxLetterBytes})
	if err != nil {
		return nil, err
	}
	s.store = store
	for _, e := range held.events {
		s.queue.push(e, false)
	}
	if held.damage != nil {
		s.counters.corrupt.Add(uint64(held.lost)) //nolint:gosec // a count
		s.log.Error(held.damage, "The spool was broken and has been made anew", "folder", options.Dir, "lostRecords", held.lost, "keptAs", brokenName)
	}
	if len(held.events) > 0 {
		s.log.Info("Callbacks wait in the spool", "count", len(held.events))
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.MaxLetterBytes = cmp.Or(o.MaxLetterBytes, DefaultMaxLetterBytes)
	o.DirectTimeout = cmp.Or(o.DirectTimeout, DefaultDirectTimeout)
	o.MaxAge = cmp.Or(o.MaxAge, DefaultMaxAge)
	o.Workers = cmp.Or(o.Workers, DefaultWorkers)
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// Close closes the file. What waits in it stays.
func (s *Spool) Close() error {
	s.queue.ready.ShutDown()
	if s.store == nil {
		return nil
	}
	if err := s.store.close(); err != nil {
		return fmt.Errorf("close the spool: %w", err)
	}
	return nil
}

// Ingest makes a delivery safe, in the API server or on disk. Its errors are those of ingest.Ingester: Unavailable says
// that it is safe nowhere, Invalid that it never will be; that the door buries, which knows whether it came before.
func (s *Spool) Ingest(ctx context.Context, d ingest.Delivery) (ingest.Result, error) {
	if d.Event.Type == sparkrtc.Unknown {
		return s.options.Ingester.Ingest(ctx, d)
	}
	waits, refused := s.queue.state(laneOf(d.Namespace, d.Source, d.Event.TaskID))
	var cause error
	if !waits {
		result, err := s.direct(ctx, d)
		if err == nil || ingest.IsInvalid(err) {
			return result, err
		}
		cause, refused = err, !isOutage(err)
	}
	if err := s.append(ctx, d, refused); err != nil {
		return ingest.Result{}, &ingest.Error{Kind: ingest.Unavailable, Err: errors.Join(cause, err)}
	}
	return ingest.Result{Outcome: ingest.Spooled}, nil
}

var errAway = errors.New("the API server is away")

// direct writes to the API server, if that is not known to be away.
func (s *Spool) direct(ctx context.Context, d ingest.Delivery) (ingest.Result, error) {
	// While deliveries wait, a worker holds the turn to try, and no caller gets it.
	done, ok := s.breaker.try()
	if !ok {
		return ingest.Result{}, errAway
	}
	defer done()
	limited, cancel := context.WithTimeout(ctx, s.options.DirectTimeout)
	defer cancel()
	result, err := s.options.Ingester.Ingest(limited, d)
	s.learn(result, err)
	return result, err
}

// learn tells the breaker what an attempt says about the API server.
func (s *Spool) learn(result ingest.Result, err error) {
	switch {
	case err != nil && !ingest.IsInvalid(err) && isOutage(err):
		if s.breaker.failed() {
			s.log.Error(err, "The API server is away; callbacks go to the spool")
		}
	case err == nil && result.Outcome == ingest.Duplicate:
		// It may have been the cache that knew.
		s.breaker.unsure()
	default:
		if s.breaker.answered() {
			s.log.Info("The API server answers again", "waiting", s.queue.len())
		}
	}
}

var errOff = errors.New("the spool is off")

// append makes a delivery safe on disk.
func (s *Spool) append(ctx context.Context, d ingest.Delivery, refused bool) error {
	if s.store == nil {
		return errOff
	}
	r := recordOf(d)
	content, err := r.encode()
	if err != nil {
		return err
	}
	share := 1.0
	if refused {
		share = refusedShare
	}
	if err := s.store.reserve(len(content), share); err != nil {
		return err
	}
	var id uint64
	return s.write(ctx, operation{
		apply: func(c *change) (err error) {
			id, err = put(c.events, &c.ledger.Events, content)
			return err
		},
		landed: func() {
			s.counters.appended.Add(1)
			s.queue.push(entry{id: id, lane: r.lane()}, refused)
		},
		ended: func() { s.store.release(len(content)) },
	})
}

// write gives the disk its time: the API server may have used up the caller's.
func (s *Spool) write(ctx context.Context, op operation) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.diskTimeout)
	defer cancel()
	return s.store.write(ctx, op)
}
