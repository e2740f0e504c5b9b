// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
)

// Fault says why an event could not be sent. Its text is the operator's own: nothing that a server sends is in it but an
// HTTP status.
type Fault struct {
	// Reason is one of the reasons of the condition NotificationsDelivered.
	Reason string
	text   string
	// scope says what waits: the sink, or this object's events alone.
	scope scope
	// after is how long the sink asks to be left alone; 0: it does not say.
	after time.Duration
}

// scope says what a fault concerns.
type scope int

const (
	// ofSettings: a person has to change something. Trying costs no connection.
	ofSettings scope = iota
	// ofSink: other events would not be taken either.
	ofSink
	// ofEvent: the sink responded, so that other events may be taken.
	ofEvent
	// forGood: the sink says that it is gone (HTTP 410), and asks for no further attempt.
	forGood
)

// Error is one sentence without a full stop.
func (f *Fault) Error() string { return f.text }

// unreachable is the fault of a request without a response.
func unreachable(err error, host string) *Fault {
	reason := v1alpha1.ReasonSinkUnreachable
	if errors.Is(err, networks.ErrDenied) {
		reason = v1alpha1.ReasonSinkNotAllowed
	}
	return &Fault{Reason: reason, scope: ofSink, text: networks.Fault(err, host)}
}

// maxRetryAfter bounds how long a sink may ask to be left alone.
const maxRetryAfter = time.Hour

// refused is the fault of a response that is none of success; nil: it is one.
func refused(response *http.Response, host string, now time.Time) *Fault {
	status := response.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	fault := &Fault{Reason: v1alpha1.ReasonSinkRefused, scope: ofEvent, text: fmt.Sprintf("the host %s responds with HTTP %d", host, status)}
	switch {
	case status < 400:
		fault.text += ", and redirects are not followed"
	case status == http.StatusGone:
		fault.scope = forGood
	case status == http.StatusTooManyRequests, status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		fault.scope, fault.after = ofSink, retryAfter(response.Header.Get("Retry-After"), now)
	}
	return fault
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3); 0: it says nothing that can be read.
func retryAfter(header string, now time.Time) time.Duration {
	after := time.Duration(0)
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), maxRetryAfter)
}
