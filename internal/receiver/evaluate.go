// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// DefaultTolerance is the default of a RecordingSource's spec.callback.timestamp.tolerance.
const DefaultTolerance = 15 * time.Minute

// Why a request cannot be verified now, although it may be authentic.
var (
	// ErrNoUsableKey says that every key of the source is missing from its Secret or has a wrong length.
	ErrNoUsableKey = errors.New("source has no usable key")
	// ErrKeysUnread says that no key at hand verifies the request, and that not every key could be read.
	ErrKeysUnread = errors.New("source's keys cannot be read now")
	// ErrNotObject says that the signed bytes are no callback.
	ErrNotObject = errors.New("body does not begin with {, so its signature proves nothing")
	// ErrOtherApp says that the request's app_id is not the source's spec.appID.
	ErrOtherApp = errors.New("app_id is not the source's app")
)

// Request is a callback as it was received.
type Request struct {
	Header http.Header
	// Body is raw: the signature covers it byte for byte.
	Body []byte
}

// Keys are a source's callback keys, as far as they are known.
type Keys struct {
	Usable []sparkrtc.Key
	// Unread says that a key could not be read, so that a request which no usable key verifies may still be authentic.
	Unread bool
}

// Result is what a request is found to be.
type Result int

const (
	// Unauthenticated says that the signature is missing or wrong.
	Unauthenticated Result = iota
	// Unverifiable says that the keys that would tell are not known.
	Unverifiable
	// Outdated says that the signature is right, and the timestamp out of the source's tolerance.
	Outdated
	// Undecodable says that the request is authentic, but its body cannot be used.
	Undecodable
	// OtherApp says that the request is authentic, but another app's.
	OtherApp
	// Accepted says that the event can be stored.
	Accepted
)

// Code is the HTTP status of the response. An Accepted request gets it only once its event is stored.
func (r Result) Code() int {
	switch r {
	case Accepted:
		return http.StatusOK
	case Undecodable:
		return http.StatusBadRequest
	case OtherApp:
		return http.StatusForbidden
	case Unverifiable:
		return http.StatusServiceUnavailable
	case Unauthenticated, Outdated:
		return http.StatusUnauthorized
	default:
		return http.StatusUnauthorized
	}
}

// Evaluation is what a request is found to be, and why.
type Evaluation struct {
	Result Result
	// Err says why the request is not Accepted. It holds nothing of a key.
	Err error
	// Signed says that a key of the source made the signature.
	Signed bool
	// KeyID is the ID of that key if it is the next one of a source whose key rotates; empty otherwise.
	KeyID string
	Proof sparkrtc.Proof
	// Event is set for Accepted and OtherApp.
	Event sparkrtc.Event
}

// Authenticated says that the request is the source's, whether it can be used or not.
func (e *Evaluation) Authenticated() bool {
	return e.Result != Unauthenticated && e.Result != Unverifiable
}

// Evaluate says what a request to a source is. It is pure, and parses nothing of the body before the signature is
// verified. Where the source accepts unauthenticated callbacks, every request is taken for the source's.
func Evaluate(source *v1alpha1.RecordingSource, keys Keys, request Request, now time.Time) Evaluation {
	callback := &source.Spec.Callback
	var e Evaluation
	var err error
	e.Proof, err = sparkrtc.ProofFromHeader(request.Header)
	if callback.Authentication != v1alpha1.AuthenticationNone {
		if err != nil {
			e.Err = err
			return e
		}
		if e.Result, e.Err = authenticate(keys, e.Proof, request.Body); e.Err != nil {
			return e
		}
		e.Signed = true
		if e.Err = checkTimestamp(callback.Timestamp, e.Proof, now); e.Err != nil {
			e.Result = Outdated
			return e
		}
	}
	e.decode(source.Spec.AppID, request.Body)
	return e
}

// authenticate says whether one of the keys made the proof for the body. X-Rtc-Rand, X-Rtc-Timestamp and body are signed
// with nothing between them, so that bytes can be moved from one to the other under the same signature. The headers hold
// no brace (sparkrtc.ProofFromHeader), so a body that is no JSON object was either split otherwise than the service did,
// or never was the service's: both are no more than a wrong signature.
func authenticate(keys Keys, proof sparkrtc.Proof, body []byte) (Result, error) {
	err := sparkrtc.Verify(keys.Usable, proof, body)
	switch {
	case errors.Is(err, sparkrtc.ErrHeaders):
		return Unauthenticated, err
	case err != nil && keys.Unread:
		return Unverifiable, ErrKeysUnread
	case errors.Is(err, sparkrtc.ErrNoKey):
		return Unverifiable, ErrNoUsableKey
	case err != nil:
		return Unauthenticated, err
	case !isObject(body):
		return Unauthenticated, ErrNotObject
	default:
		return Accepted, nil
	}
}

// byteOrderMark begins the bodies of some tools, and means nothing in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// isObject says that a JSON object begins here, after white space as RFC 8259 has it.
func isObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(body, byteOrderMark), " \t\r\n"), []byte("{"))
}

// checkTimestamp enforces the timestamp where the source asks for that.
func checkTimestamp(policy *v1alpha1.CallbackTimestamp, proof sparkrtc.Proof, now time.Time) error {
	if policy == nil || policy.Policy != v1alpha1.TimestampEnforce {
		return nil
	}
	tolerance := DefaultTolerance
	if policy.Tolerance != nil {
		tolerance = policy.Tolerance.Duration
	}
	return sparkrtc.CheckTimestamp(proof.Timestamp, tolerance, now)
}

// decode reads the event. Every field is optional, but a key belongs to one app: so the app of a source with spec.appID
// is known even when an event does not name it.
func (e *Evaluation) decode(app string, body []byte) {
	event, err := sparkrtc.Decode(bytes.TrimPrefix(body, byteOrderMark))
	if err != nil {
		e.Result, e.Err = Undecodable, err
		return
	}
	e.Event = event
	if app != "" && event.AppID != "" && event.AppID != app {
		e.Result, e.Err = OtherApp, ErrOtherApp
		return
	}
	if app != "" {
		e.Event.AppID = app
	}
	e.Result = Accepted
}
