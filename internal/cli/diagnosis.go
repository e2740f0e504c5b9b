// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/receiver"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// diagnosis is what can be said about a captured callback; -o prints it. It holds nothing of a key.
type diagnosis struct {
	// Source is "namespace/name".
	Source string `json:"source"`
	// Response is what the operator responds with to such a callback.
	Response expected `json:"response"`
	// Method is that of the request; empty when it was not captured.
	Method string `json:"method,omitempty"`
	// Notes say what was done to get at the body, and whether the request was for another path.
	Notes     []string           `json:"notes,omitempty"`
	Signature signatureDiagnosis `json:"signature"`
	Timestamp timestampDiagnosis `json:"timestamp"`
	Body      bodyDiagnosis      `json:"body"`
	App       appDiagnosis       `json:"app"`
}

type expected struct {
	Code   int    `json:"code"`
	Reason string `json:"reason"`
}

type signatureDiagnosis struct {
	Verified bool `json:"verified"`
	// Needed is false for a source whose callbacks are not signed.
	Needed  bool           `json:"needed"`
	Problem string         `json:"problem,omitempty"`
	Keys    []keyDiagnosis `json:"keys"`
	// Hints say what may be wrong when no key verifies.
	Hints []string `json:"hints,omitempty"`
}

type keyDiagnosis struct {
	// Name says where the key is from.
	Name     string `json:"name"`
	Verifies bool   `json:"verifies"`
	// Problem says why the key could not be used.
	Problem string `json:"problem,omitempty"`
	// Hints are the mistakes that explain why the key does not verify.
	Hints []string `json:"hints,omitempty"`
}

type timestampDiagnosis struct {
	Value string        `json:"value,omitempty"`
	Unit  sparkrtc.Unit `json:"unit"`
	Time  string        `json:"time,omitempty"`
	// SkewSeconds is the header less the clock of this machine: below zero for the past.
	SkewSeconds *int64                   `json:"skewSeconds,omitempty"`
	Policy      v1alpha1.TimestampPolicy `json:"policy"`
	Problem     string                   `json:"problem,omitempty"`
}

type bodyDiagnosis struct {
	Bytes int `json:"bytes"`
	// Event is event_type.
	Event   string `json:"event,omitempty"`
	Problem string `json:"problem,omitempty"`
}

type appDiagnosis struct {
	// Sent is app_id, Wanted spec.appID.
	Sent    string `json:"sent,omitempty"`
	Wanted  string `json:"wanted,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// sourceKey is a key to verify with.
type sourceKey struct {
	name string
	// raw is the key as it is stored.
	raw []byte
	// problem says why there is none.
	problem string
}

// diagnose says what the operator makes of a captured callback, and why.
func diagnose(source *v1alpha1.RecordingSource, keys []sourceKey, c *captured, now time.Time) *diagnosis {
	d := &diagnosis{Source: source.Namespace + "/" + source.Name, Method: c.method, Notes: c.notes}
	if note := c.strayed(source); note != "" {
		d.Notes = append(d.Notes, note)
	}
	var usable receiver.Keys
	for _, key := range keys {
		if parsed, err := sparkrtc.ParseKey(key.raw); key.problem == "" && err == nil {
			usable.Usable = append(usable.Usable, parsed)
		}
	}
	e := receiver.Evaluate(source, usable, receiver.Request{Header: c.header, Body: c.body}, now)
	d.Signature = diagnoseSignature(source, keys, usable.Usable, c)
	d.Timestamp = diagnoseTimestamp(source.Spec.Callback.Timestamp, c, now)
	d.Body, d.App = diagnoseBody(source.Spec.AppID, c.body)
	d.Response = responseTo(c, &e)
	return d
}

// responseTo is the operator's response, in its order.
func responseTo(c *captured, e *receiver.Evaluation) expected {
	switch {
	case c.method != "" && c.method != http.MethodPost:
		return expected{http.StatusMethodNotAllowed, "only POST is allowed, and this is a " + c.method + "; a redirect on the way may have made it one"}
	case receiver.Compressed(c.header):
		return expected{http.StatusUnsupportedMediaType, "the body is compressed (Content-Encoding): send it as it is"}
	case len(c.body) > receiver.MaxBodyBytes:
		return expected{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes", receiver.MaxBodyBytes)}
	case e.Result == receiver.Accepted:
		return expected{http.StatusOK, "success"}
	default:
		return expected{e.Result.Code(), e.Err.Error()}
	}
}

func diagnoseSignature(source *v1alpha1.RecordingSource, keys []sourceKey, usable []sparkrtc.Key, c *captured) signatureDiagnosis {
	s := signatureDiagnosis{Needed: source.Spec.Callback.Authentication != v1alpha1.AuthenticationNone, Keys: []keyDiagnosis{}}
	proof, err := sparkrtc.ProofFromHeader(c.header)
	if err != nil {
		s.Problem = err.Error()
		if s.Needed {
			s.Hints = headerHints(err)
		}
		return s
	}
	for _, key := range keys {
		kv := keyDiagnosis{Name: key.name, Problem: key.problem}
		if parsed, err := sparkrtc.ParseKey(key.raw); key.problem == "" && err != nil {
			kv.Problem = err.Error()
		} else if key.problem == "" {
			kv.Verifies = sparkrtc.Verify([]sparkrtc.Key{parsed}, proof, c.body) == nil
		}
		if !kv.Verifies && key.problem == "" {
			kv.Hints = findHints(key.raw, proof, c.body)
		}
		s.Keys = append(s.Keys, kv)
	}
	if err := sparkrtc.Verify(usable, proof, c.body); err != nil {
		s.Problem = err.Error()
		s.Hints = s.signatureHints(err, proof, c.body)
		return s
	}
	s.Verified = true
	return s
}

// headerHints say what to do about headers that are missing or malformed.
func headerHints(err error) []string {
	if errors.Is(err, sparkrtc.ErrUnsigned) {
		return []string{"SparkRTC signs nothing when its console has no Private Key: set one, or a proxy in front removes the X-Rtc-* headers"}
	}
	return []string{"a proxy in front may have dropped, doubled or changed X-Rtc-* headers: each must be there exactly once"}
}

// signatureHints say what may be wrong when no key verifies, apart from mistakes that were found.
func (s *signatureDiagnosis) signatureHints(err error, proof sparkrtc.Proof, body []byte) []string {
	if errors.Is(err, sparkrtc.ErrHeaders) {
		return []string{fmt.Sprintf("%s has %d characters; it should have 64 hexadecimal digits", sparkrtc.HeaderSignature, len(proof.Signature))}
	}
	if errors.Is(err, sparkrtc.ErrNoKey) {
		return nil
	}
	for _, key := range s.Keys {
		if key.Hints != nil {
			return nil
		}
	}
	hints := []string{"compare Private Key in the SparkRTC console with the Secret: none of the usual mistakes explains the signature, so the key is another one, or the body was changed"}
	if json.Valid(body) && bytes.ContainsRune(bytes.TrimSpace(body), '\n') {
		hints = append(hints, "the body is JSON of several lines: if a tool reformatted it, the signature is lost; capture the raw bytes")
	}
	return hints
}

func diagnoseTimestamp(policy *v1alpha1.CallbackTimestamp, c *captured, now time.Time) timestampDiagnosis {
	t := timestampDiagnosis{Value: c.header.Get(sparkrtc.HeaderTimestamp), Unit: sparkrtc.UnknownUnit, Policy: v1alpha1.TimestampObserve}
	tolerance := receiver.DefaultTolerance
	if policy != nil {
		if policy.Policy != "" {
			t.Policy = policy.Policy
		}
		if policy.Tolerance != nil {
			tolerance = policy.Tolerance.Duration
		}
	}
	if t.Value == "" {
		t.Problem = "there is no " + sparkrtc.HeaderTimestamp
		return t
	}
	at, err := sparkrtc.ParseTimestamp(t.Value)
	if err != nil {
		t.Problem = err.Error()
		return t
	}
	// A capture may be old: the unit is that of the time itself.
	t.Unit, _ = sparkrtc.ObserveTimestamp(t.Value, at)
	skew := int64(at.Sub(now).Round(time.Second) / time.Second)
	t.Time, t.SkewSeconds = at.Format(time.RFC3339), &skew
	if err := sparkrtc.CheckTimestamp(t.Value, tolerance, now); err != nil {
		t.Problem = err.Error()
	}
	return t
}

func diagnoseBody(wanted string, body []byte) (bodyDiagnosis, appDiagnosis) {
	b, a := bodyDiagnosis{Bytes: len(body)}, appDiagnosis{Wanted: wanted}
	event, err := sparkrtc.Decode(bytes.TrimPrefix(body, byteOrderMark))
	if err != nil {
		b.Problem = err.Error()
		return b, a
	}
	b.Event, a.Sent = event.Name, event.AppID
	if wanted != "" && event.AppID != "" && event.AppID != wanted {
		a.Problem = receiver.ErrOtherApp.Error()
	}
	return b, a
}
