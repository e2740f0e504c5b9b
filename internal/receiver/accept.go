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

// handle finds the source and verifies; what is genuine is accepted.
func (s *Server) handle(ctx context.Context, name types.NamespacedName, header http.Header, raw []byte) answer {
	if len(s.namespaces) > 0 && !slices.Contains(s.namespaces, name.Namespace) {
		return answerNoSource
	}
	source := &v1alpha1.RecordingSource{}
	if err := s.sources.Get(ctx, name, source); err != nil {
		if apierrors.IsNotFound(err) {
			return answerNoSource
		}
		return unavailable(fmt.Errorf("read source %s: %w", name, err))
	}
	proof, err := sparkrtc.ProofFromHeader(header)
	if source.Spec.Callback.Authentication == v1alpha1.AuthenticationNone {
		// The digest of a signature that nobody verifies still tells deliveries apart.
		return s.accept(ctx, source, genuine{digest: proof.Digest()}, raw).of(name)
	}
	if err != nil {
		return unauthorized(err).of(name)
	}
	switch err := s.keys.Verify(ctx, source, proof, raw); {
	case errors.Is(err, ErrNoUsableKey) || errors.Is(err, ErrKeysUnread):
		// Nothing is logged here, since anybody can cause it: the KeyStore logs what it could not read, and the
		// source's Ready condition tells of keys that are missing or unusable.
		return unavailable(nil).of(name)
	case err != nil:
		return unauthorized(err).of(name)
	}
	return s.acceptSigned(ctx, source, proof, raw).of(name)
}

// acceptSigned looks at what a signature adds to a callback: its time, and whether it was here before.
func (s *Server) acceptSigned(ctx context.Context, source *v1alpha1.RecordingSource, proof sparkrtc.Proof, raw []byte) answer {
	name := deliveryOf(source, proof)
	fate := s.deliveries.fateOf(name)
	if fate == unknown {
		// A replay says nothing of the service's clock.
		unit, skew := sparkrtc.ObserveTimestamp(proof.Timestamp, s.clock.Now())
		s.observer.TimestampObserved(source.Namespace, source.Name, string(unit), skew)
		s.timestamps.see(source, unit, skew)
	}
	if err := s.checkTimestamp(source.Spec.Callback.Timestamp, proof); err != nil {
		return unauthorized(err)
	}
	if fate == kept {
		return answerReplayed
	}
	a := s.accept(ctx, source, genuine{digest: proof.Digest(), signed: true, told: fate == refused}, raw)
	switch a.code {
	case http.StatusOK:
		s.deliveries.remember(name, kept)
	case http.StatusBadRequest, http.StatusForbidden:
		if a.err == nil {
			s.deliveries.remember(name, refused)
		}
	}
	return a
}

// checkTimestamp enforces the timestamp where the source asks for that.
func (s *Server) checkTimestamp(policy *v1alpha1.CallbackTimestamp, proof sparkrtc.Proof) error {
	if policy == nil || policy.Policy != v1alpha1.TimestampEnforce {
		return nil
	}
	tolerance := defaultTolerance
	if policy.Tolerance != nil {
		tolerance = policy.Tolerance.Duration
	}
	return sparkrtc.CheckTimestamp(proof.Timestamp, tolerance, s.clock.Now())
}

// genuine is what is known of a callback before it is decoded.
type genuine struct {
	digest string
	// signed is false when the source takes callbacks from anybody.
	signed bool
	// told says that the delivery came before, was refused, and that the refusal was told.
	told bool
}

// accept decodes and writes a callback, or says why it cannot.
func (s *Server) accept(ctx context.Context, source *v1alpha1.RecordingSource, g genuine, raw []byte) answer {
	if !s.meter.take(source) {
		return answerThrottled
	}
	delivery := ingest.Delivery{Namespace: source.Namespace, Source: source.Name, Digest: g.digest,
		Body: raw, Received: s.clock.Now(), Sweeps: source.Spec.Sweep != nil}
	event, err := sparkrtc.Decode(raw)
	if err != nil {
		a := invalid(err.Error())
		a.err = s.bury(ctx, source, delivery, g, "Decode", "A callback with a valid signature cannot be used: %v", err)
		return a
	}
	if app := source.Spec.AppID; app != "" {
		if event.AppID != "" && event.AppID != app {
			if !g.told {
				s.warn(source, reasonRefused, "Refuse", "A callback of app %q was refused: spec.appID is %q", event.AppID, app)
			}
			return forbidden("app_id is not the source's app")
		}
		// Every field is optional, but a key is one app's: so the app is known even when an event does not name it.
		event.AppID = app
	}
	delivery.Event = event
	return s.ingest(ctx, source, delivery, g)
}

// ingest makes the event safe.
func (s *Server) ingest(ctx context.Context, source *v1alpha1.RecordingSource, d ingest.Delivery, g genuine) answer {
	result, err := s.ingester.Ingest(ctx, d)
	switch {
	case ingest.IsInvalid(err):
		a := invalid("recording cannot be stored; an event on the RecordingSource says why")
		a.err = s.bury(ctx, source, d, g, "Store", "A callback with a valid signature cannot be stored: %v", err)
		return a
	case err != nil:
		return unavailable(err)
	default:
		return answer{code: http.StatusOK, outcome: string(result.Outcome), file: result.File}
	}
}

// bury tells the source of a callback that can never be used, and keeps it, once. What nobody signed is not kept: anybody
// could have it push out the dead letters of others.
func (s *Server) bury(ctx context.Context, source *v1alpha1.RecordingSource, d ingest.Delivery, g genuine, action, note string, cause error) error {
	if g.told {
		return nil
	}
	s.warn(source, reasonInvalid, action, note, cause)
	if s.deadLetters == nil || !g.signed {
		return nil
	}
	if err := s.deadLetters.Bury(ctx, d, cause.Error()); err != nil {
		return fmt.Errorf("keep a callback that cannot be used: %w", err)
	}
	return nil
}

// The reasons of events on a RecordingSource. Only verified callbacks cause events: nobody else may write into a
// namespace.
const (
	reasonInvalid = "CallbackInvalid"
	reasonRefused = "CallbackRefused"
)

func (s *Server) warn(source *v1alpha1.RecordingSource, reason, action, note string, args ...any) {
	s.recorder.Eventf(source, nil, corev1.EventTypeWarning, reason, action, note, args...)
}
