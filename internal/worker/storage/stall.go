// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Deadlines of a server. A body has none in total, since it may be large: it must move.
const (
	connectTimeout = 15 * time.Second
	headerTimeout  = 60 * time.Second
	stallTimeout   = 60 * time.Second
)

// errStalled says that no byte of a request or of its response moved in time.
var errStalled = errors.New("no byte moved in time")

// stallGuard ends a request with errStalled when no byte of its body or of the response's moves for a while.
type stallGuard struct {
	next http.RoundTripper
	idle time.Duration
}

// RoundTrip sends the request under guard until the response's body is closed.
func (s stallGuard) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	guard := &guarded{idle: s.idle, cancel: cancel, ctx: ctx}
	guard.timer = time.AfterFunc(s.idle, func() { cancel(errStalled) })
	request = request.WithContext(ctx)
	if request.Body != nil && request.Body != http.NoBody {
		request.Body = &guardedBody{ReadCloser: request.Body, guarded: guard}
	}
	response, err := s.next.RoundTrip(request)
	if err != nil {
		err = guard.explain(err)
		guard.end()
		return nil, err
	}
	guard.moved()
	response.Body = &guardedBody{ReadCloser: response.Body, guarded: guard, last: true}
	return response, nil
}

// guarded is one request under guard.
type guarded struct {
	//nolint:containedctx // the request's own, to tell a stall from another end
	ctx    context.Context
	idle   time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (g *guarded) moved() { g.timer.Reset(g.idle) }

func (g *guarded) end() {
	g.timer.Stop()
	g.cancel(nil)
}

func (g *guarded) explain(err error) error {
	if err != nil && errors.Is(context.Cause(g.ctx), errStalled) {
		return errStalled
	}
	return err
}

// guardedBody is a body whose every byte counts as a move. The last one ends the guard.
type guardedBody struct {
	io.ReadCloser
	*guarded

	last bool
}

// Read reads, and tells a stall from another error.
func (b *guardedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if n > 0 {
		b.moved()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.explain(err)
	}
	return n, err
}

// Close closes the body.
func (b *guardedBody) Close() error {
	err := b.ReadCloser.Close()
	if b.last {
		b.end()
	}
	return err
}
