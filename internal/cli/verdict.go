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
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// maxBody is the longest body that the operator takes (docs/callbacks.md).
const maxBody = 256 << 10

// defaultTolerance is that of the RecordingSource's definition.
const defaultTolerance = 15 * time.Minute

// verdict is what can be said of a captured callback; -o prints it. It holds nothing of a key.
type verdict struct {
	// Source is "namespace/name".
	Source string `json:"source"`
	// Answer is what the operator answers to such a callback.
	Answer expected `json:"answer"`
	// Method is that of the request; empty when it was not captured.
	Method string `json:"method,omitempty"`
	// Notes say what was done to get at the body, and whether the request was for another path.
	Notes     []string         `json:"notes,omitempty"`
	Signature signatureVerdict `json:"signature"`
	Timestamp timestampVerdict `json:"timestamp"`
	Body      bodyVerdict      `json:"body"`
	App       appVerdict       `json:"app"`
}

type expected struct {
	Code   int    `json:"code"`
	Reason string `json:"reason"`
}

type signatureVerdict struct {
	Verified bool `json:"verified"`
	// Needed is false for a source whose callbacks are not signed.
	Needed  bool         `json:"needed"`
	Problem string       `json:"problem,omitempty"`
	Keys    []keyVerdict `json:"keys"`
	// Hints say what may be the matter when no key verifies.
	Hints []string `json:"hints,omitempty"`
}

type keyVerdict struct {
	// Name says where the key is from.
	Name     string `json:"name"`
	Verifies bool   `json:"verifies"`
	// Problem says why the key could not be used.
	Problem string `json:"problem,omitempty"`
	// Mistakes are those with which the key would verify.
	Mistakes []string `json:"mistakes,omitempty"`
}

type timestampVerdict struct {
	Value string        `json:"value,omitempty"`
	Unit  sparkrtc.Unit `json:"unit"`
	Time  string        `json:"time,omitempty"`
	// SkewSeconds is the header less the clock of this machine: below zero for the past.
	SkewSeconds *int64                   `json:"skewSeconds,omitempty"`
	Policy      v1alpha1.TimestampPolicy `json:"policy"`
	Problem     string                   `json:"problem,omitempty"`
}

type bodyVerdict struct {
	Bytes int `json:"bytes"`
	// Event is event_type.
	Event   string `json:"event,omitempty"`
	Problem string `json:"problem,omitempty"`
}

type appVerdict struct {
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

// judge says what the operator makes of a captured callback, and why.
func judge(source *v1alpha1.RecordingSource, keys []sourceKey, c *captured, now time.Time) *verdict {
	v := &verdict{Source: source.Namespace + "/" + source.Name, Method: c.method, Notes: c.notes}
	if note := c.strayed(source); note != "" {
		v.Notes = append(v.Notes, note)
	}
	v.Signature = judgeSignature(source, keys, c)
	v.Timestamp = judgeTimestamp(source.Spec.Callback.Timestamp, c, now)
	v.Body, v.App = judgeBody(source.Spec.AppID, c.body)
	v.Answer = v.answer()
	return v
}

// answer is the operator's, in its order.
func (v *verdict) answer() expected {
	signed := v.Signature.Needed
	enforced := v.Timestamp.Policy == v1alpha1.TimestampEnforce
	switch {
	case v.Method != "" && v.Method != http.MethodPost:
		return expected{http.StatusMethodNotAllowed, "only POST is allowed, and this is a " + v.Method + "; a redirect on the way may have made it one"}
	case v.Body.Bytes > maxBody:
		return expected{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes", maxBody)}
	case signed && !v.Signature.Verified && v.Signature.unusable():
		return expected{http.StatusServiceUnavailable, "the source has no usable key"}
	case signed && !v.Signature.Verified:
		return expected{http.StatusUnauthorized, v.Signature.Problem}
	case signed && enforced && v.Timestamp.Problem != "":
		return expected{http.StatusUnauthorized, v.Timestamp.Problem}
	case v.Body.Problem != "":
		return expected{http.StatusBadRequest, v.Body.Problem}
	case v.App.Problem != "":
		return expected{http.StatusForbidden, v.App.Problem}
	default:
		return expected{http.StatusOK, "success"}
	}
}

// unusable says that the headers are well, but no key can be used.
func (s *signatureVerdict) unusable() bool {
	for _, key := range s.Keys {
		if key.Problem == "" {
			return false
		}
	}
	return s.Problem == sparkrtc.ErrNoKey.Error()
}

func judgeSignature(source *v1alpha1.RecordingSource, keys []sourceKey, c *captured) signatureVerdict {
	s := signatureVerdict{Needed: source.Spec.Callback.Authentication != v1alpha1.AuthenticationNone, Keys: []keyVerdict{}}
	proof, err := sparkrtc.ProofFromHeader(c.header)
	if err != nil {
		s.Problem = err.Error()
		if s.Needed {
			s.Hints = headerHints(err)
		}
		return s
	}
	var usable []sparkrtc.Key
	for _, key := range keys {
		kv := keyVerdict{Name: key.name, Problem: key.problem}
		if parsed, err := sparkrtc.ParseKey(key.raw); key.problem == "" && err != nil {
			kv.Problem = err.Error()
		} else if key.problem == "" {
			usable = append(usable, parsed)
			kv.Verifies = sparkrtc.Verify([]sparkrtc.Key{parsed}, proof, c.body) == nil
		}
		if !kv.Verifies && key.problem == "" {
			kv.Mistakes = findMistake(key.raw, proof, c.body)
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

// headerHints say what to do about headers that are not as they should be.
func headerHints(err error) []string {
	if errors.Is(err, sparkrtc.ErrUnsigned) {
		return []string{"SparkRTC signs nothing when its console has no Private Key: set one, or a proxy in front removes the X-Rtc-* headers"}
	}
	return []string{"a proxy in front may have dropped, doubled or changed X-Rtc-* headers: each must be there exactly once"}
}

// signatureHints say what may be the matter when no key verifies, apart from mistakes that were found.
func (s *signatureVerdict) signatureHints(err error, proof sparkrtc.Proof, body []byte) []string {
	if errors.Is(err, sparkrtc.ErrHeaders) {
		return []string{fmt.Sprintf("%s has %d characters; it should have 64 hexadecimal digits", sparkrtc.HeaderSignature, len(proof.Signature))}
	}
	if errors.Is(err, sparkrtc.ErrNoKey) {
		return nil
	}
	for _, key := range s.Keys {
		if key.Mistakes != nil {
			return nil
		}
	}
	hints := []string{"compare Private Key in the SparkRTC console with the Secret: none of the usual mistakes explains the signature, so the key is another one, or the body was changed"}
	if json.Valid(body) && bytes.ContainsRune(bytes.TrimSpace(body), '\n') {
		hints = append(hints, "the body is JSON of several lines: if a tool reformatted it, the signature is lost; capture the raw bytes")
	}
	return hints
}

func judgeTimestamp(policy *v1alpha1.CallbackTimestamp, c *captured, now time.Time) timestampVerdict {
	t := timestampVerdict{Value: c.header.Get(sparkrtc.HeaderTimestamp), Unit: sparkrtc.UnknownUnit, Policy: v1alpha1.TimestampObserve}
	tolerance := defaultTolerance
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

func judgeBody(wanted string, body []byte) (bodyVerdict, appVerdict) {
	b, a := bodyVerdict{Bytes: len(body)}, appVerdict{Wanted: wanted}
	event, err := sparkrtc.Decode(body)
	if err != nil {
		b.Problem = err.Error()
		return b, a
	}
	b.Event, a.Sent = event.Name, event.AppID
	if wanted != "" && event.AppID != "" && event.AppID != wanted {
		a.Problem = "app_id is not the source's app (spec.appID)"
	}
	return b, a
}
