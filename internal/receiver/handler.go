// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// ServeHTTP serves one callback. The order is fixed: limit, read the raw body, find the source, verify, decode, store
// (store.go). Nothing is parsed before it is verified.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := s.clock.Now()
	client := clientKeysOf(s.proxies.client(r))
	response := s.serveCallback(w, r, client)
	if response.failed() {
		s.clients.fail(client)
	}
	// Over HTTP/2 others share the connection, as behind an ingress: what they are just sending would be refused.
	if r.ProtoMajor == 1 && (!response.authenticated || s.closing.Load()) {
		w.Header().Set("Connection", "close")
	}
	response.write(w)
	took := s.clock.Since(started)
	s.observer.CallbackHandled(response.source.Namespace, response.source.Name, response.outcome, took)
	if response.err != nil {
		s.log.Error(response.err, "Could not handle a callback", "source", response.source, "code", response.code, "result", response.result)
		return
	}
	if log := s.log.V(1); log.Enabled() {
		log.Info("Handled a callback", "source", response.source, "code", response.code, "outcome", response.outcome, "file", response.file, "took", took)
	}
}

// serveCallback limits and reads. A client that is throttled holds one of a few slots from the first byte on. The others
// take a slot only once their body is there, so that slow senders hold none; until then the body counts as being read,
// also while it waits for its slot, which bounds the memory of bodies.
func (s *Server) serveCallback(w http.ResponseWriter, r *http.Request, client clientKeys) response {
	name, exact, ok := sourceOf(r)
	switch {
	case !ok:
		return responseNoPath
	case !exact:
		return s.misdirected(r.Context(), name, responseNoPath, "their path is longer than the source's status.callbackPath")
	case r.Method != http.MethodPost:
		return responseMethod
	case Compressed(r.Header):
		return s.misdirected(r.Context(), name, responseEncoding, "they are compressed: switch Content-Encoding off in what sends or forwards them")
	}
	throttled := s.clients.enter(client)
	reading := s.reading
	if throttled {
		reading = s.throttled
	}
	// Only over HTTP/2 is it known here that the sender is gone: what it sent would be held for as long as this waits.
	if !reading.acquire(r.Context().Done()) {
		s.clients.leave(client)
		return responseThrottled
	}
	release := sync.OnceFunc(reading.release)
	defer release()
	raw := s.buffers.get()
	defer s.buffers.put(raw)
	err := s.read(w, r, raw)
	s.clients.leave(client)
	if err != nil {
		return err.response
	}
	if !throttled {
		if !s.inFlight.acquire(r.Context().Done()) {
			return responseThrottled
		}
		defer s.inFlight.release()
		release()
	}
	// A sender that hangs up has still said something: what it sent is stored, if it is authentic.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.limits.HandleTimeout)
	defer cancel()
	return s.handle(ctx, name, Request{Header: r.Header, Body: raw.Bytes()})
}

// sourceOf reads /callbacks/{namespace}/{source}. Consoles and proxies add slashes at the end or between: these are
// ignored, and so is a query. What follows a source is not (exact is false), and a path with escapes names nothing, since
// proxies differ in what they make of them.
func sourceOf(r *http.Request) (name types.NamespacedName, exact, ok bool) {
	path := r.URL.EscapedPath()
	if strings.Contains(path, "%") {
		return types.NamespacedName{}, false, false
	}
	parts := strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
	if len(parts) < 3 || parts[0] != strings.Trim(sparkrtc.PathPrefix, "/") {
		return types.NamespacedName{}, false, false
	}
	return types.NamespacedName{Namespace: parts[1], Name: parts[2]}, len(parts) == 3, true
}

// Compressed says that the body is not sent as it is, and is refused with 415 for that.
func Compressed(header http.Header) bool {
	for _, encoding := range header.Values("Content-Encoding") {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return true
		}
	}
	return false
}

// readError is the response to a body that could not be read.
type readError struct{ response response }

// read takes the raw body into the buffer.
func (s *Server) read(w http.ResponseWriter, r *http.Request, raw *bytes.Buffer) *readError {
	if r.ContentLength > s.limits.BodyBytes {
		return &readError{responseTooLarge}
	}
	_, err := raw.ReadFrom(http.MaxBytesReader(w, r.Body, s.limits.BodyBytes))
	if err == nil {
		return nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return &readError{responseTooLarge}
	}
	// Too slow, cut off or malformed.
	return &readError{responseUnread}
}

// maxPooled is the largest buffer that is kept for the next callback.
const maxPooled = 64 << 10

// buffers are for bodies. A decoded event shares no memory with its body, so a buffer is free after the response.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *bytes.Buffer {
	if buffer, ok := b.pool.Get().(*bytes.Buffer); ok {
		buffer.Reset()
		return buffer
	}
	return bytes.NewBuffer(make([]byte, 0, 4<<10))
}

func (b *buffers) put(buffer *bytes.Buffer) {
	if buffer.Cap() <= maxPooled {
		b.pool.Put(buffer)
	}
}
