// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"net/http"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
)

// The outcomes of callbacks that are not stored, for metrics. Those of stored ones are ingest's.
const (
	outcomeInvalid      = "invalid"
	outcomeUnauthorized = "unauthorized"
	outcomeForbidden    = "forbidden"
	outcomeNotFound     = "not_found"
	outcomeMethod       = "method_not_allowed"
	outcomeTimeout      = "timeout"
	outcomeTooLarge     = "too_large"
	outcomeEncoding     = "unsupported_encoding"
	outcomeThrottled    = "throttled"
	outcomeUnavailable  = "unavailable"
)

// outcomeReplayed is the outcome of a delivery that was stored before.
const outcomeReplayed = "replayed"

// Seconds that a sender is asked to wait.
const (
	retryThrottled   = 1
	retryUnavailable = 5
)

// response is what a callback is answered with, and what is logged and counted about it.
type response struct {
	code    int
	result  string
	outcome string
	// retryAfter is in seconds; 0 for no header.
	retryAfter int
	// authenticated says that the sender is the source, so that it keeps its connection.
	authenticated bool
	// source is an existing RecordingSource, or empty, so that no request makes up a label.
	source types.NamespacedName
	// file is the RecordingFile that the callback is about, when it is known.
	file string
	// err is what went wrong, for the log.
	err error
}

// body is the body of every response. The service's guide shows status 1 for success, and accepts any JSON.
type body struct {
	Status int    `json:"status"`
	Result string `json:"result"`
}

// The responses that are always the same. A source that does not exist gets the same one as a wrong signature, so that
// responses do not reveal which sources exist.
var (
	responseReplayed        = response{code: http.StatusOK, outcome: outcomeReplayed, authenticated: true}
	responseNoPath          = response{code: http.StatusNotFound, outcome: outcomeNotFound, result: "no such path"}
	responseUnknownSource   = response{code: http.StatusUnauthorized, outcome: outcomeNotFound, result: unauthenticated}
	responseUnauthenticated = response{code: http.StatusUnauthorized, outcome: outcomeUnauthorized, result: unauthenticated}
	responseMethod          = response{code: http.StatusMethodNotAllowed, outcome: outcomeMethod, result: "only POST is allowed"}
	responseTooLarge        = response{code: http.StatusRequestEntityTooLarge, outcome: outcomeTooLarge, result: "body is too large"}
	responseUnread          = response{code: http.StatusRequestTimeout, outcome: outcomeTimeout, result: "body could not be read"}
	responseEncoding        = response{code: http.StatusUnsupportedMediaType, outcome: outcomeEncoding, result: "Content-Encoding is not supported: send the body uncompressed"}
	responseThrottled       = response{code: http.StatusTooManyRequests, outcome: outcomeThrottled, result: "too many callbacks", retryAfter: retryThrottled}
)

const unauthenticated = "no such source, or its signature is missing or wrong"

// unavailable keeps the error for the log: the sender learns nothing about the cluster.
func unavailable(err error) response {
	return response{code: http.StatusServiceUnavailable, outcome: outcomeUnavailable, result: "cannot be stored now", retryAfter: retryUnavailable, err: err}
}

// failed says that the sender could have authenticated and did not. Such clients are counted by their address.
func (r *response) failed() bool {
	switch r.code {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return true
	case http.StatusUnauthorized:
		return !r.authenticated
	default:
		return false
	}
}

// of says which source the response is about.
func (r response) of(source types.NamespacedName) response {
	r.source = source
	return r
}

// toSource says that the source itself sent the request.
func (r response) toSource() response {
	r.authenticated = true
	return r
}

var successBody = []byte(`{"status":1,"result":"success"}` + "\n")

// write sends the response. What cannot be sent any more is lost with its connection.
func (r *response) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	switch r.code {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusUnsupportedMediaType:
		header.Set("Accept-Encoding", "identity")
	}
	if r.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(r.retryAfter))
	}
	content := successBody
	if r.code != http.StatusOK {
		// A struct of a number and a string always has a JSON form.
		content, _ = json.Marshal(body{Result: r.result})
		content = append(content, '\n')
	}
	header.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(r.code)
	_, _ = w.Write(content)
}
