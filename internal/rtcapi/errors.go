// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rtcapi

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"sparkrtc.dev/recording-operator/internal/networks"
)

// Kind says why a request to the service failed.
type Kind int

// The kinds of errors.
const (
	// Unreachable: there is no connection, it is not trusted, or there was no response in time.
	Unreachable Kind = iota
	// Denied: the endpoint lies in a network that is not connected to.
	Denied
	// Forbidden: the service does not accept the access key, or it has no right to the app.
	Forbidden
	// URLUnavailable: the service probed the callback URL and got no answer (RTC.00001018).
	URLUnavailable
	// Refused: the service does not accept the request: the project or the app is not the access key's, or does not exist.
	Refused
	// Unavailable: the service cannot serve requests now.
	Unavailable
	// Malformed: the response is none of the service's API.
	Malformed
)

// codeURLUnavailable is the service's code for "callback url unavailable".
const codeURLUnavailable = "RTC.00001018"

// Error says why a request to the service failed. Its text is the operator's own but for the service's error code, whose
// form is checked: nothing that a server chooses reaches a status or a log.
type Error struct {
	Kind Kind
	// Status is the HTTP status; 0 without a response.
	Status int
	// Code is the service's error code, for example RTC.00001018; empty when there is none.
	Code string

	text  string
	cause error
}

// Error is one sentence without a full stop.
func (e *Error) Error() string { return e.text }

// Unwrap is the fault of the connection, if that is why.
func (e *Error) Unwrap() error { return e.cause }

// unreachable is the error for a request without a usable response.
func unreachable(err error, host string) *Error {
	kind := Unreachable
	if errors.Is(err, networks.ErrDenied) {
		kind = Denied
	}
	return &Error{Kind: kind, text: networks.Fault(err, host), cause: err}
}

// codeForm is what error codes of Huawei Cloud look like: RTC.00001018, APIGW.0301.
var codeForm = regexp.MustCompile(`^[A-Z]{2,16}\.[0-9A-Z]{2,16}$`)

// refusal is the error for a response whose status is not that of success.
func refusal(status int, code, host string) *Error {
	if !codeForm.MatchString(code) {
		code = ""
	}
	e := &Error{Kind: kindOf(status, code), Status: status, Code: code}
	named := fmt.Sprintf("HTTP %d", status)
	if code != "" {
		named += ", " + code
	}
	switch e.Kind {
	case URLUnavailable:
		e.text = fmt.Sprintf("the service cannot reach the callback URL (%s)", named)
	case Forbidden:
		e.text = fmt.Sprintf("the service does not accept the access key, or it has no right to this app (%s)", named)
	case Unavailable:
		e.text = fmt.Sprintf("the service cannot serve requests now (%s)", named)
	case Malformed:
		e.text = fmt.Sprintf("the host %s does not respond as the service's API does (%s)", host, named)
	default:
		e.text = fmt.Sprintf("the service refuses the request (%s)", named)
	}
	return e
}

func kindOf(status int, code string) Kind {
	switch {
	case code == codeURLUnavailable:
		return URLUnavailable
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Forbidden
	case status == http.StatusTooManyRequests || status >= 500:
		return Unavailable
	case status >= 400:
		return Refused
	default:
		return Malformed // a redirect, or another success than the API documents
	}
}
