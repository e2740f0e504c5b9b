// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// ServeHTTP answers one callback. The order is fixed: limit, read the raw body, find the source, verify, decode,
// write (accept.go). Nothing is parsed before it is verified.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := s.clock.Now()
	address := household(s.proxies.client(r))
	a := s.answerTo(w, r, address)
	if a.unproven() {
		s.strangers.fail(address)
	}
	// Over HTTP/2 others share the connection, as behind an ingress: what they are just sending would be refused.
	if r.ProtoMajor == 1 && (a.unproven() || s.closing.Load()) {
		w.Header().Set("Connection", "close")
	}
	a.write(w)
	took := s.clock.Since(started)
	s.observer.CallbackHandled(a.source.Namespace, a.source.Name, a.outcome, took)
	if a.err != nil {
		s.log.Error(a.err, "Could not handle a callback", "source", a.source, "code", a.code, "result", a.result)
		return
	}
	if log := s.log.V(1); log.Enabled() {
		log.Info("Handled a callback", "source", a.source, "code", a.code, "outcome", a.outcome, "file", a.file, "took", took)
	}
}

// answerTo limits and reads.
func (s *Server) answerTo(w http.ResponseWriter, r *http.Request, address netip.Addr) answer {
	name, ok := sourceName(r.URL.Path)
	if !ok {
		return answerNoSource
	}
	if r.Method != http.MethodPost {
		return answerMethod
	}
	slots := s.inFlight
	if s.strangers.enter(address) {
		slots = s.suspects
	}
	// Only of HTTP/2 is it known here that the sender is gone: what it sent would be held for as long as this waits.
	if !slots.take(r.Context().Done()) {
		s.strangers.leave(address)
		return answerThrottled
	}
	defer slots.free()
	raw := s.buffers.get()
	defer s.buffers.put(raw)
	if a, ok := s.read(w, r, address, raw); !ok {
		return a
	}
	// A sender that hangs up has still said something: what it sent is kept, if it is genuine.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.limits.HandleTimeout)
	defer cancel()
	return s.handle(ctx, name, r.Header, raw.Bytes())
}

// sourceName reads /callbacks/{namespace}/{source}.
func sourceName(path string) (types.NamespacedName, bool) {
	rest, ok := strings.CutPrefix(path, sparkrtc.PathPrefix)
	if !ok {
		return types.NamespacedName{}, false
	}
	namespace, name, ok := strings.Cut(rest, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, true
}

// read takes the raw body into the buffer. When it cannot, ok is false and the answer says why.
func (s *Server) read(w http.ResponseWriter, r *http.Request, address netip.Addr, raw *bytes.Buffer) (a answer, ok bool) {
	defer s.strangers.leave(address)
	if r.ContentLength > s.limits.BodyBytes {
		return answerTooLarge, false
	}
	_, err := raw.ReadFrom(http.MaxBytesReader(w, r.Body, s.limits.BodyBytes))
	if err == nil {
		return answer{}, true
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return answerTooLarge, false
	}
	// Too slow, cut off or malformed.
	return answerUnread, false
}

// maxPooled is the largest buffer that is kept for the next callback.
const maxPooled = 64 << 10

// buffers are for bodies. A decoded event shares no memory with its body, so a buffer is free after the answer.
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
