// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// handle finds the source, evaluates the request, and stores the event of an accepted one.
func (s *Server) handle(ctx context.Context, name types.NamespacedName, request Request) response {
	source, err := s.source(ctx, name)
	switch {
	case err != nil:
		return unavailable(err)
	case source == nil:
		// As long as a wrong signature takes.
		Evaluate(&v1alpha1.RecordingSource{}, s.decoy, request, s.clock.Now())
		return responseUnknownSource
	}
	e := s.keys.Evaluate(ctx, source, request)
	switch {
	case e.Result == Unverifiable:
		// Nothing is logged here, since anybody can cause it: the KeyStore logs what it could not read, and the source's
		// Ready condition says which keys are missing or unusable.
		return unavailable(nil).of(name)
	case !e.Authenticated():
		s.notices.unauthenticated(source, e.Err)
		return responseUnauthenticated.of(name)
	case e.Signed:
		return s.acceptSigned(ctx, source, &e, request).of(name).toSource()
	default:
		return s.accept(ctx, source, &e, request, unknown).of(name).toSource()
	}
}

// source reads a source from the cache; nil: there is none, or none that is served here.
func (s *Server) source(ctx context.Context, name types.NamespacedName) (*v1alpha1.RecordingSource, error) {
	if len(s.namespaces) > 0 && !slices.Contains(s.namespaces, name.Namespace) {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	source := &v1alpha1.RecordingSource{}
	err := s.sources.Get(ctx, name, source)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("read source %s: %w", name, err)
	}
	return source, nil
}

// misdirected gives a response to a request that cannot be read, and says so on the source, if there is one.
func (s *Server) misdirected(ctx context.Context, name types.NamespacedName, r response, problem string) response {
	if source, err := s.source(ctx, name); err == nil && source != nil {
		s.notices.report(source, problem)
		return r.of(name)
	}
	return r
}

// acceptSigned adds what a signature allows: to observe the timestamp, and to recognize a delivery that came before.
func (s *Server) acceptSigned(ctx context.Context, source *v1alpha1.RecordingSource, e *Evaluation, request Request) response {
	key := deliveryKeyOf(source, e.Proof)
	before := s.replays.Get(key)
	if before == unknown {
		// A replay says nothing about the service's clock.
		unit, skew := sparkrtc.ObserveTimestamp(e.Proof.Timestamp, s.clock.Now())
		s.observer.TimestampObserved(source.Namespace, source.Name, string(unit), skew)
		s.notices.timestamp(source, unit, skew)
	}
	if e.Result == Outdated {
		s.notices.report(source, "their X-Rtc-Timestamp is out of spec.callback.timestamp.tolerance")
		return response{code: e.Result.Code(), outcome: outcomeUnauthorized, result: e.Err.Error()}
	}
	if before == accepted {
		return responseReplayed
	}
	r := s.accept(ctx, source, e, request, before)
	switch {
	case r.code == http.StatusOK:
		s.replays.Put(key, accepted)
	case (r.code == http.StatusBadRequest || r.code == http.StatusForbidden) && r.err == nil:
		s.replays.Put(key, rejected)
	}
	return r
}

// accept stores an authentic callback, or says why it cannot. A rejected delivery that comes again has a small rate of
// its own, so that a captured one cannot be used to exhaust the source's.
func (s *Server) accept(ctx context.Context, source *v1alpha1.RecordingSource, e *Evaluation, request Request, before deliveryResult) response {
	limiter := s.rates
	if before == rejected {
		limiter = s.rejectedRates
	}
	if !limiter.allow(source) {
		return responseThrottled
	}
	d := ingest.Delivery{Namespace: source.Namespace, Source: source.Name, Digest: e.Proof.Digest(), Event: e.Event,
		KeyID: e.KeyID, Body: request.Body, Received: s.clock.Now()}
	if e.Signed {
		d.Timestamp = e.Proof.Timestamp
	}
	switch e.Result {
	case Undecodable:
		r := response{code: e.Result.Code(), outcome: outcomeInvalid, result: e.Err.Error()}
		r.err = s.reject(ctx, source, d, e.Signed, before, v1alpha1.RejectionUndecodable, e.Err.Error())
		return r
	case OtherApp:
		if before != rejected {
			s.warn(source, reasonRefused, "Refuse", "A callback of app %q was refused: spec.appID is %q", e.Event.AppID, source.Spec.AppID)
		}
		return response{code: e.Result.Code(), outcome: outcomeForbidden, result: e.Err.Error()}
	default:
		return s.store(ctx, source, d, e.Signed, before)
	}
}

// store writes the event.
func (s *Server) store(ctx context.Context, source *v1alpha1.RecordingSource, d ingest.Delivery, signed bool, before deliveryResult) response {
	result, err := s.ingester.Ingest(ctx, d)
	switch {
	case ingest.IsInvalid(err):
		r := response{code: http.StatusBadRequest, outcome: outcomeInvalid, result: "recording cannot be stored; an event on the RecordingSource says why"}
		r.err = s.reject(ctx, source, d, signed, before, ingest.RejectionReason(err), err.Error())
		return r
	case err != nil:
		return unavailable(err)
	}
	if d.Event.NamesFile {
		if err := s.reject(ctx, source, d, signed, before, v1alpha1.RejectionUnknownEvent, unknownEvent(d.Event.Name)); err != nil {
			return unavailable(err)
		}
	}
	return response{code: http.StatusOK, outcome: string(result.Outcome), file: result.File}
}

// unknownEvent says why a callback that is answered with 200 is kept for a person.
func unknownEvent(name string) string {
	if name == "" {
		return "event_type: is missing, but the callback names a finished file"
	}
	return fmt.Sprintf("event_type: %q is unknown, but the callback names a finished file", name)
}

// reject keeps a callback that cannot be stored, and reports it on its source, once. Unsigned ones are not kept: anybody
// could send them to push out those of the service.
func (s *Server) reject(ctx context.Context, source *v1alpha1.RecordingSource, d ingest.Delivery, signed bool, before deliveryResult, reason v1alpha1.RejectionReason, message string) error {
	if before == rejected {
		return nil
	}
	if s.rejecter == nil || !signed {
		s.warn(source, reasonInvalid, "Reject", "A callback was rejected (%s): %s", reason, message)
		return nil
	}
	if err := s.rejecter.Reject(ctx, d, reason, message); err != nil {
		return fmt.Errorf("keep a callback that cannot be stored: %w", err)
	}
	return nil
}

// The reasons of events on a RecordingSource.
const (
	reasonInvalid         = "CallbackInvalid"
	reasonRefused         = "CallbackRefused"
	reasonUnauthenticated = "CallbackUnauthenticated"
	reasonTimestamp       = "TimestampObserved"
)

func (s *Server) warn(source *v1alpha1.RecordingSource, reason, action, note string, args ...any) {
	s.recorder.Eventf(source, nil, corev1.EventTypeWarning, reason, action, note, args...)
}

// problemOf says for people why a request is not authenticated. Nothing of the request is in it.
func problemOf(err error) string {
	switch {
	case errors.Is(err, sparkrtc.ErrUnsigned):
		return "they are not signed: set the Private Key of the recording callback in the SparkRTC console, and keep proxies from removing X-Rtc-* headers"
	case errors.Is(err, sparkrtc.ErrHeaders):
		return "their X-Rtc-* headers are incomplete or malformed: a proxy may have dropped, doubled or changed them"
	case errors.Is(err, ErrNotObject):
		return "their body is no JSON object"
	default:
		return "no key of the source verifies them: compare the Private Key in the SparkRTC console with the Secret"
	}
}
