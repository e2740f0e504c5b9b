// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ingest turns verified events into RecordingFiles: which file an event speaks of, and the one write that
// follows. Any events may come in any order, any number of times, through any number of replicas: there is one
// RecordingFile per recorded object in the end, each with the same facts.
//
// Deciding (decide.go) is pure. It reads from the cache, and a stale cache is harmless: a create is locked by the
// file's name, which is the next number of its chain, and an update by the resourceVersion that was read. Whoever
// loses reads what has happened from the API server and decides again.
//
// A recording whose COMPLETE was lost is found by a sweep of the bucket (sweep.go), which makes a file outside the chains. A
// COMPLETE that comes after all looks for that file first, and a file that was made in spite of that makes the swept one
// give way before it is processed (settle.go).
//
// What holds two writers apart is that names are taken in order. So a chain's files should be deleted oldest first or
// all together: a replica whose cache has not yet seen a file that another one created after a gap would fill the gap.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// Outcome is what became of a delivery. Its values are few, so that it can label a metric.
type Outcome string

// The outcomes of a delivery that is safe.
const (
	// Created says that a RecordingFile was created.
	Created Outcome = "created"
	// Claimed says that an open RecordingFile got its facts.
	Claimed Outcome = "claimed"
	// Grown says that a RecordingFile's facts grew, or that it got what it lacked of its identity.
	Grown Outcome = "grown"
	// JobOver says that open RecordingFiles were marked because their job ended.
	JobOver Outcome = "job_over"
	// Duplicate says that there was nothing to write.
	Duplicate Outcome = "duplicate"
	// Ignored says that the type of the event is unknown.
	Ignored Outcome = "ignored"
	// Spooled says that the delivery is synced to the spool on disk, and will be written from there.
	Spooled Outcome = "spooled"
)

// Delivery is one verified callback.
type Delivery struct {
	// Namespace and Source are those of the RecordingSource that was called.
	Namespace string
	Source    string
	// Digest is callback.Proof's Digest: the same for a callback that is sent again.
	Digest string
	Event  sparkrtc.Event
	// Body is the raw callback, and Received when it came. They are for a spool, which keeps what the API server cannot
	// take; the body must not be held after the call.
	Body     []byte
	Received time.Time
	// Sweeps says that the source's bucket is swept: a sweep may have made a file for the delivery's object, or be
	// about to.
	Sweeps bool
}

// Result says what became of a delivery.
type Result struct {
	Outcome Outcome
	// File is the name of the RecordingFile that the delivery speaks of, as far as one is known.
	File string
}

const (
	// attempts bounds how often a delivery is decided again, after lost races and failed calls together.
	attempts = 8
	// DefaultCallTimeout is how long one call to the API server may take.
	DefaultCallTimeout = 2 * time.Second
	// firstBackoff doubles with each attempt up to maxBackoff, and is jittered: all eight take less than a second.
	firstBackoff = 5 * time.Millisecond
	maxBackoff   = 200 * time.Millisecond
)

// Options change what an Ingester does by default.
type Options struct {
	// CallTimeout is how long one call to the API server may take; DefaultCallTimeout when it is zero.
	CallTimeout time.Duration
	// Clock is the real one when it is nil.
	Clock clock.Clock
}

// Ingester writes deliveries to the API server. It holds no state and is safe for concurrent use.
type Ingester struct {
	store   store
	timeout time.Duration
	clock   clock.Clock
}

// New makes an Ingester that reads from a client with a cache, indexed by SetupIndexes, and writes through it. It
// reads from the live reader (a manager's GetAPIReader) when the cache may lag.
func New(cached client.Client, live client.Reader, options Options) *Ingester {
	return newIngester(clientStore{cached: cached, live: live}, options)
}

func newIngester(s store, options Options) *Ingester {
	i := &Ingester{store: s, timeout: options.CallTimeout, clock: options.Clock}
	if i.timeout <= 0 {
		i.timeout = DefaultCallTimeout
	}
	if i.clock == nil {
		i.clock = clock.RealClock{}
	}
	return i
}

// Ingest makes a delivery safe: when it returns without an error, the API server holds what the delivery says. Its
// errors are *Error. After an error of kind Unavailable the delivery may or may not have been written; delivering it
// again is always right.
func (i *Ingester) Ingest(ctx context.Context, d Delivery) (Result, error) {
	switch d.Event.Type {
	case sparkrtc.Start, sparkrtc.Complete:
		return i.ingestFile(ctx, d)
	case sparkrtc.Over:
		return i.ingestOver(ctx, d)
	case sparkrtc.Unknown:
		return Result{Outcome: Ignored}, nil
	default:
		return Result{Outcome: Ignored}, nil
	}
}

// ingestFile decides and acts until it is done: at first by what the cache knows, after that by what the API server
// says.
func (i *Ingester) ingestFile(ctx context.Context, d Delivery) (Result, error) {
	c, err := i.cachedChain(ctx, d)
	if err != nil {
		return Result{}, classify(err)
	}
	var decided decision
	return i.repeat(ctx, func(again bool) (Result, error) {
		if again {
			// Without a fresh look the old one will do: what follows from it is guarded all the same.
			if fresh, err := i.refresh(ctx, c, decided.file); err == nil {
				c = fresh
			}
		}
		decided = decide(c, d)
		if d.Sweeps && decided.places() {
			swept, err := i.sweptFile(ctx, d)
			if err != nil {
				return Result{}, err
			}
			if swept != nil {
				c.loose = append(c.loose, swept)
				decided = decide(c, d)
			}
		}
		name, err := i.act(ctx, c, decided)
		return Result{Outcome: decided.outcome, File: name}, err
	})
}

// repeat tries until it is done. A lost race is tried again at once, a call that failed after a pause. When the time is
// over, what went wrong before says why: the API server may have answered.
func (i *Ingester) repeat(ctx context.Context, try func(again bool) (Result, error)) (Result, error) {
	var last error
	for attempt := 1; ; attempt++ {
		result, err := try(attempt > 1)
		if err == nil {
			return result, nil
		}
		if isInvalid(err) {
			return Result{}, classify(err)
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		if attempt == attempts || !isRace(err) && !i.pause(ctx, attempt) {
			return Result{}, classify(last)
		}
	}
}

// act writes what was decided. It returns the name of the file concerned.
func (i *Ingester) act(ctx context.Context, c chain, decided decision) (string, error) {
	switch decided.action {
	case actCreate:
		return i.create(ctx, c, decided)
	case actUpdate:
		return decided.file.Name, i.update(ctx, decided)
	case actConfirm:
		return decided.file.Name, i.confirmOpen(ctx, decided.file)
	case actNone:
		return decided.file.Name, nil
	default:
		return "", fmt.Errorf("unknown action %d", decided.action)
	}
}

func (i *Ingester) update(ctx context.Context, decided decision) error {
	return i.call(ctx, func(ctx context.Context) error {
		return i.store.update(ctx, decided.file, decided.spec, decided.reported)
	})
}

// create takes the next name of the chain. AlreadyExists is a lost race, unless another chain holds the name.
func (i *Ingester) create(ctx context.Context, c chain, decided decision) (string, error) {
	next := strconv.Itoa(c.next())
	var err error
	for _, prefix := range c.names {
		name := prefix + next
		err = i.createFile(ctx, c.key.Namespace, name, decided)
		if !apierrors.IsAlreadyExists(err) {
			return name, err
		}
		holder, found, readErr := i.get(ctx, c.key.Namespace, name)
		if readErr != nil {
			return "", readErr
		}
		if !found || KeyOfFile(holder) == c.key {
			return "", err
		}
	}
	return "", err
}

func (i *Ingester) createFile(ctx context.Context, namespace, name string, decided decision) error {
	file := newFile(namespace, name, decided)
	return i.call(ctx, func(ctx context.Context) error { return i.store.create(ctx, file) })
}

// newFile is the file of a decision to create one.
func newFile(namespace, name string, decided decision) *v1alpha1.RecordingFile {
	file := &v1alpha1.RecordingFile{Spec: decided.spec}
	file.Namespace, file.Name = namespace, name
	file.Labels = map[string]string{v1alpha1.LabelSource: decided.spec.SourceRef.Name}
	file.Annotations = decided.annotations
	return file
}

// errMoved says that a file is no longer as it was read.
var errMoved = errors.New("the recording file has changed")

// confirmOpen makes sure that a file which the cache shows as open is open.
func (i *Ingester) confirmOpen(ctx context.Context, read *v1alpha1.RecordingFile) error {
	file, found, err := i.get(ctx, read.Namespace, read.Name)
	if err != nil {
		return err
	}
	if !found || file.Spec.File != nil || !file.DeletionTimestamp.IsZero() {
		return errMoved
	}
	return nil
}

// refresh reads from the API server what may have changed since the chain was read: the files that were open, the
// one that was to be changed, those outside the chain, and those that were created after the last one. It is point
// reads, not a list: a job's files can be many, and all but the last are done with.
func (i *Ingester) refresh(ctx context.Context, c chain, touched *v1alpha1.RecordingFile) (chain, error) {
	var files []*v1alpha1.RecordingFile
	for _, m := range c.members {
		if !m.open() && m.file != touched {
			files = append(files, m.file)
			continue
		}
		file, found, err := i.get(ctx, c.key.Namespace, m.file.Name)
		if err != nil {
			return chain{}, err
		}
		if found {
			files = append(files, file)
		}
	}
	loose, err := i.getAll(ctx, c.loose)
	if err != nil {
		return chain{}, err
	}
	for n := c.next(); ; n++ {
		file, taken, err := i.at(ctx, c, n)
		if err != nil {
			return chain{}, err
		}
		if !taken {
			return newChain(c.key, files, loose), nil
		}
		files = append(files, file)
	}
}

// at reads the chain's file of a number.
func (i *Ingester) at(ctx context.Context, c chain, n int) (*v1alpha1.RecordingFile, bool, error) {
	for _, prefix := range c.names {
		file, found, err := i.get(ctx, c.key.Namespace, prefix+strconv.Itoa(n))
		if err != nil || !found {
			return nil, false, err
		}
		if KeyOfFile(file) == c.key {
			return file, true, nil
		}
	}
	return nil, false, nil
}

// getAll reads files again; those that are gone are left out.
func (i *Ingester) getAll(ctx context.Context, known []*v1alpha1.RecordingFile) ([]*v1alpha1.RecordingFile, error) {
	var files []*v1alpha1.RecordingFile
	for _, file := range known {
		fresh, found, err := i.get(ctx, file.Namespace, file.Name)
		if err != nil {
			return nil, err
		}
		if found {
			files = append(files, fresh)
		}
	}
	return files, nil
}

func (i *Ingester) get(ctx context.Context, namespace, name string) (file *v1alpha1.RecordingFile, found bool, err error) {
	err = i.call(ctx, func(ctx context.Context) error {
		var err error
		file, err = i.store.get(ctx, namespace, name)
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	return file, err == nil, err
}

// cachedChain is what the cache knows of the delivery's chain and, for a COMPLETE, of its object. What a START needs
// and the cache lacks is read live.
func (i *Ingester) cachedChain(ctx context.Context, d Delivery) (chain, error) {
	key := keyOf(d)
	var files, bearers []*v1alpha1.RecordingFile
	err := i.call(ctx, func(ctx context.Context) error {
		var err error
		files, err = i.store.chain(ctx, key)
		return err
	})
	switch {
	case err != nil:
	case d.Event.Type == sparkrtc.Start:
		files, err = i.recognizable(ctx, key, files, d)
	case d.Event.Type == sparkrtc.Complete:
		bearers, err = i.cachedBearers(ctx, d.Namespace, d.Source, factsOf(d.Event.File))
	}
	return newChain(key, files, bearers), err
}

// call gives one call its deadline.
func (i *Ingester) call(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	return do(ctx)
}

// pause waits a moment before a call that failed is made again. It reports whether there is time for one.
func (i *Ingester) pause(ctx context.Context, attempt int) bool {
	backoff := min(firstBackoff<<attempt, maxBackoff)
	// Any jitter will do; nothing secret depends on it.
	timer := i.clock.NewTimer(backoff/2 + rand.N(backoff/2)) //nolint:gosec // not for secrets
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}
