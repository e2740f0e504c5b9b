/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package door

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/callback"
	"sparkrtc.dev/recording-operator/internal/ingest"
)

// ServeHTTP answers one callback. The order is fixed: limit, read the raw body, find the source, verify, decode,
// write. Nothing is parsed before it is verified.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := s.clock.Now()
	if s.closing.Load() {
		w.Header().Set("Connection", "close")
	}
	a := s.answerTo(w, r)
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
func (s *Server) answerTo(w http.ResponseWriter, r *http.Request) answer {
	name, ok := sourceName(r.URL.Path)
	if !ok {
		return answerNoPath
	}
	if r.Method != http.MethodPost {
		return answerMethod
	}
	if s.meter.exhausted(name) {
		return answerThrottled.of(name)
	}
	select {
	case s.inFlight <- struct{}{}:
		defer func() { <-s.inFlight }()
	default:
		return answerThrottled
	}
	raw := s.buffers.get()
	defer s.buffers.put(raw)
	if a, ok := s.read(w, r, raw); !ok {
		return a
	}
	// A sender that hangs up has still said something: what it sent is kept, if it is genuine.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.limits.HandleTimeout)
	defer cancel()
	return s.handle(ctx, name, r.Header, raw.Bytes())
}

// handle finds the source, verifies, decodes and writes.
func (s *Server) handle(ctx context.Context, name types.NamespacedName, header http.Header, raw []byte) answer {
	if len(s.namespaces) > 0 && !slices.Contains(s.namespaces, name.Namespace) {
		return answerNoSource
	}
	source := &v1alpha1.RecordingSource{}
	if err := s.sources.Get(ctx, name, source); err != nil {
		if apierrors.IsNotFound(err) {
			return answerNoSource
		}
		return unavailable("source cannot be read now", fmt.Errorf("read source %s: %w", name, err))
	}
	digest, a, ok := s.verify(ctx, source, header, raw)
	if !ok {
		return a.of(name)
	}
	if !s.meter.take(name) {
		return answerThrottled.of(name)
	}
	event, err := callback.Decode(raw)
	if err != nil {
		s.warn(source, reasonInvalid, "Decode", "A callback with a valid signature cannot be used: "+err.Error())
		return invalid(err.Error()).of(name)
	}
	if app := source.Spec.AppID; app != "" {
		if event.AppID != "" && event.AppID != app {
			s.warn(source, reasonRefused, "Refuse", fmt.Sprintf("A callback of app %q was refused: spec.appID is %q", event.AppID, app))
			return forbidden("app_id is not the source's app").of(name)
		}
		// Every field is optional, but a key is one app's: so the app is known even when an event does not name it.
		event.AppID = app
	}
	return s.ingest(ctx, source, ingest.Delivery{
		Namespace: name.Namespace, Source: name.Name, Digest: digest, Event: event,
		Body: raw, Received: s.clock.Now(), Sweeps: source.Spec.Sweep != nil,
	}).of(name)
}

// The reasons of events on a RecordingSource. Only verified callbacks cause events: nobody else may write into a
// namespace.
const (
	reasonInvalid = "CallbackInvalid"
	reasonRefused = "CallbackRefused"
)

// verify says whether the callback is genuine, and the digest of its delivery. When it is not, ok is false and the
// answer says why.
func (s *Server) verify(ctx context.Context, source *v1alpha1.RecordingSource, header http.Header, raw []byte) (digest string, a answer, ok bool) {
	proof, err := callback.ProofFromHeader(header)
	if source.Spec.Callback.Authentication == v1alpha1.AuthenticationNone {
		// The digest of a signature that nobody verifies still tells deliveries apart.
		return proof.Digest(), answer{}, true
	}
	if err != nil {
		return "", unauthorized(err), false
	}
	switch err := s.keys.Verify(ctx, source, proof, raw); {
	case errors.Is(err, ErrNoUsableKey) || errors.Is(err, ErrKeysUnread):
		// Nothing is logged here, since anybody can cause it: the KeyStore logs what it could not read, and the
		// source's Ready condition tells of keys that are missing or unusable.
		return "", unavailable(err.Error(), nil), false
	case err != nil:
		return "", unauthorized(err), false
	}
	if err := s.checkTimestamp(source.Spec.Callback.Timestamp, proof); err != nil {
		return "", unauthorized(err), false
	}
	return proof.Digest(), answer{}, true
}

// checkTimestamp enforces the timestamp where the source asks for that.
func (s *Server) checkTimestamp(policy *v1alpha1.CallbackTimestamp, proof callback.Proof) error {
	if policy == nil || policy.Policy != v1alpha1.TimestampEnforce {
		return nil
	}
	tolerance := defaultTolerance
	if policy.Tolerance != nil {
		tolerance = policy.Tolerance.Duration
	}
	return callback.CheckTimestamp(proof.Timestamp, tolerance, s.clock.Now())
}

// ingest makes the event safe.
func (s *Server) ingest(ctx context.Context, source *v1alpha1.RecordingSource, d ingest.Delivery) answer {
	result, err := s.ingester.Ingest(ctx, d)
	switch {
	case ingest.IsInvalid(err):
		s.warn(source, reasonInvalid, "Store", "A callback with a valid signature cannot be stored: "+err.Error())
		return invalid("recording cannot be stored; an event on the RecordingSource says why")
	case err != nil:
		return unavailable("recording cannot be stored now", err)
	default:
		return answer{code: http.StatusOK, outcome: string(result.Outcome), file: result.File}
	}
}

// maxNote is the longest note of an event, in bytes, as the API server demands.
const maxNote = 1024

func (s *Server) warn(source *v1alpha1.RecordingSource, reason, action, note string) {
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote], "")
	}
	s.recorder.Eventf(source, nil, corev1.EventTypeWarning, reason, action, "%s", note)
}

// sourceName reads /callbacks/{namespace}/{source}.
func sourceName(path string) (types.NamespacedName, bool) {
	rest, ok := strings.CutPrefix(path, "/callbacks/")
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
func (s *Server) read(w http.ResponseWriter, r *http.Request, raw *bytes.Buffer) (a answer, ok bool) {
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
	// Too slow, cut off or malformed: what is left of it must not be taken for the next request.
	w.Header().Set("Connection", "close")
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
