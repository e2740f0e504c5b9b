// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"sparkrtc.dev/recording-operator/internal/ingest"
)

// Cause is why a callback is a dead letter. Its values are few, so that it can label a metric.
type Cause string

// The causes of dead letters.
const (
	// Undecodable says that the body of a verified callback is none of SparkRTC's.
	Undecodable Cause = "undecodable"
	// Invalid says that the API server refuses what the callback says, and always will.
	Invalid Cause = "invalid"
	// Expired says that the API server refused the callback for so long that it was given up.
	Expired Cause = "expired"
)

// maxLetters bounds the dead letters, so that a list of them stays small; oldest out first.
const maxLetters = 10_000

// maxReason bounds the text that says why, in bytes.
const maxReason = 1024

// Letter is a dead letter.
type Letter struct {
	ID        uint64
	Namespace string
	Source    string
	Received  time.Time
	Cause     Cause
	// Reason says in words what is wrong.
	Reason    string
	EventType string
	// Size is the body's, in bytes; Body is nil in a list.
	Size int
	Body []byte
}

// ErrNoLetter says that there is no dead letter of the number.
var ErrNoLetter = errors.New("no such dead letter")

// ErrRefused says that a dead letter is refused still.
var ErrRefused = errors.New("the callback is still refused")

type decodeError struct{ err error }

func (e *decodeError) Error() string { return e.err.Error() }
func (e *decodeError) Unwrap() error { return e.err }

func isUndecodable(err error) bool {
	_, ok := errors.AsType[*decodeError](err)
	return ok
}

// Bury keeps a verified callback as a dead letter, with the reason in words: one that is Invalid to the API server, or,
// without an Event, is Undecodable. Without a spool it does nothing.
func (s *Spool) Bury(ctx context.Context, d ingest.Delivery, reason string) error {
	if s.store == nil {
		return nil
	}
	cause := Invalid
	if d.Event.Name == "" {
		cause = Undecodable
	}
	op, err := s.burial(recordOf(d), cause, reason)
	if err != nil {
		return err
	}
	return s.write(ctx, op)
}

// moveToLetters makes a dead letter of an event on disk. When a try of it before was given up and the disk has done it
// after all, it does nothing.
func (s *Spool) moveToLetters(ctx context.Context, id uint64, r record, cause Cause, reason string) error {
	op, err := s.burial(r, cause, reason)
	if err != nil {
		return err
	}
	put, landed, moved := op.apply, op.landed, false
	op.apply = func(c *change) error {
		if moved = c.events.Get(keyOf(id)) != nil; !moved {
			return nil
		}
		if err := remove(c.events, &c.ledger.Events, id); err != nil {
			return err
		}
		return put(c)
	}
	op.landed = func() {
		if moved {
			landed()
		}
	}
	return s.write(ctx, op)
}

// burial puts a letter, and takes the oldest out until all have room.
func (s *Spool) burial(r record, cause Cause, reason string) (operation, error) {
	// What is cut off may have been the rest of a character.
	r.Cause, r.Reason = cause, strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
	content, err := r.encode()
	if err != nil {
		return operation{}, err
	}
	var dropped uint64
	return operation{
		apply: func(c *change) (err error) {
			if _, err := put(c.letters, &c.ledger.Letters, content); err != nil {
				return err
			}
			dropped, err = c.dropLetters(uint64(s.options.MaxLetterBytes)) //nolint:gosec // a size
			return err
		},
		landed: func() {
			s.counters.buried(cause)
			s.counters.dropped.Add(dropped)
		},
	}, nil
}

// dropLetters deletes the oldest letters until the others are within bounds.
func (c *change) dropLetters(maxBytes uint64) (dropped uint64, err error) {
	for c.ledger.Letters.Bytes > maxBytes || c.ledger.Letters.Count > maxLetters {
		key, _ := c.letters.Cursor().First()
		if key == nil {
			break
		}
		if err := remove(c.letters, &c.ledger.Letters, idOf(key)); err != nil {
			return dropped, err
		}
		dropped++
	}
	return dropped, nil
}

func letterOf(id uint64, r record) Letter {
	return Letter{
		ID: id, Namespace: r.Namespace, Source: r.Source, Received: r.Received, Cause: r.Cause, Reason: r.Reason,
		EventType: r.EventType, Size: len(r.Body), Body: r.Body,
	}
}

// Letters lists the dead letters without their bodies, oldest first.
func (s *Spool) Letters() ([]Letter, error) {
	if s.store == nil {
		return nil, nil
	}
	var letters []Letter
	err := s.store.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(lettersBucket).ForEach(func(key, content []byte) error {
			r, err := decodeRecord(key, content)
			if err != nil {
				return err
			}
			letter := letterOf(idOf(key), r)
			letter.Body = nil
			letters = append(letters, letter)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return letters, nil
}

// Letter returns a dead letter with its body. Its error may be ErrNoLetter.
func (s *Spool) Letter(id uint64) (Letter, error) {
	r, err := s.letter(id)
	return letterOf(id, r), err
}

func (s *Spool) letter(id uint64) (record, error) {
	if s.store == nil {
		return record{}, ErrNoLetter
	}
	r, err := s.store.letter(id)
	if errors.Is(err, errNoRecord) {
		return r, ErrNoLetter
	}
	return r, err
}

// DeleteLetter deletes a dead letter. Its error may be ErrNoLetter.
func (s *Spool) DeleteLetter(ctx context.Context, id uint64) error {
	if _, err := s.letter(id); err != nil {
		return err
	}
	return s.write(ctx, operation{apply: func(c *change) error { return remove(c.letters, &c.ledger.Letters, id) }})
}

// Replay ingests a dead letter again, and deletes it when it is safe. Its error may be ErrNoLetter, ErrRefused, when it
// is no better than before, or another, when the API server cannot say now; the letter stays then.
func (s *Spool) Replay(ctx context.Context, id uint64) (ingest.Result, error) {
	r, err := s.letter(id)
	if err != nil {
		return ingest.Result{}, err
	}
	d, err := r.delivery()
	if err != nil {
		return ingest.Result{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if source := s.source(ctx, r); source != nil {
		if app := source.Spec.AppID; app != "" && d.Event.AppID != "" && d.Event.AppID != app {
			return ingest.Result{}, fmt.Errorf("%w: app_id is %q, spec.appID of the source %q", ErrRefused, d.Event.AppID, app)
		} else if app != "" {
			d.Event.AppID = app
		}
	}
	result, err := s.options.Ingester.Ingest(ctx, d)
	switch {
	case ingest.IsInvalid(err):
		return result, fmt.Errorf("%w: %w", ErrRefused, err)
	case err != nil:
		return result, err
	}
	// Another replay may have been faster.
	if err := s.DeleteLetter(ctx, id); err != nil && !errors.Is(err, ErrNoLetter) {
		return result, err
	}
	return result, nil
}
