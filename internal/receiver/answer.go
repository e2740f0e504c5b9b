// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"net/http"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
)

// The outcomes of callbacks that are not safe, for metrics. Those of safe ones are ingest's.
const (
	outcomeInvalid      = "invalid"
	outcomeUnauthorized = "unauthorized"
	outcomeForbidden    = "forbidden"
	outcomeNotFound     = "not_found"
	outcomeMethod       = "method_not_allowed"
	outcomeTimeout      = "timeout"
	outcomeTooLarge     = "too_large"
	outcomeThrottled    = "throttled"
	outcomeUnavailable  = "unavailable"
)

// outcomeReplayed is that of a delivery that was made safe before.
const outcomeReplayed = "replayed"

// Seconds that a sender is asked to wait.
const (
	retryThrottled   = 1
	retryUnavailable = 5
)

// answer is what a callback is answered with, and what is told about it.
type answer struct {
	code    int
	result  string
	outcome string
	// retryAfter is in seconds; 0 for no header.
	retryAfter int
	// source is an existing RecordingSource, or empty: nobody can make up a label.
	source types.NamespacedName
	// file is the RecordingFile that the callback speaks of, when it is known.
	file string
	// err is what went wrong, for the log.
	err error
}

// body is every answer's body. The service's guide shows status 1 for success; any JSON will do.
type body struct {
	Status int    `json:"status"`
	Result string `json:"result"`
}

// The answers that are always the same.
var (
	answerReplayed  = answer{code: http.StatusOK, outcome: outcomeReplayed}
	answerNoSource  = answer{code: http.StatusNotFound, outcome: outcomeNotFound, result: "no such source"}
	answerMethod    = answer{code: http.StatusMethodNotAllowed, outcome: outcomeMethod, result: "only POST is allowed"}
	answerTooLarge  = answer{code: http.StatusRequestEntityTooLarge, outcome: outcomeTooLarge, result: "body is too large"}
	answerUnread    = answer{code: http.StatusRequestTimeout, outcome: outcomeTimeout, result: "body could not be read"}
	answerThrottled = answer{code: http.StatusTooManyRequests, outcome: outcomeThrottled, result: "too many callbacks", retryAfter: retryThrottled}
)

func unauthorized(err error) answer {
	return answer{code: http.StatusUnauthorized, outcome: outcomeUnauthorized, result: err.Error()}
}

func forbidden(result string) answer {
	return answer{code: http.StatusForbidden, outcome: outcomeForbidden, result: result}
}

func invalid(result string) answer {
	return answer{code: http.StatusBadRequest, outcome: outcomeInvalid, result: result}
}

// unavailable keeps the error for the log: what is wrong in the cluster is none of the sender's business.
func unavailable(err error) answer {
	return answer{code: http.StatusServiceUnavailable, outcome: outcomeUnavailable, result: "cannot be made safe now", retryAfter: retryUnavailable, err: err}
}

// unproven says that the sender has not shown that it is the source, and could have. Such senders are counted by their
// address, and do not keep a connection of their own.
func (a answer) unproven() bool {
	switch a.code {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		return true
	default:
		return false
	}
}

// of says which source the answer is about.
func (a answer) of(source types.NamespacedName) answer {
	a.source = source
	return a
}

var successBody = []byte(`{"status":1,"result":"success"}` + "\n")

// write sends the answer. What cannot be sent any more is lost with its connection.
func (a answer) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	if a.code == http.StatusMethodNotAllowed {
		header.Set("Allow", http.MethodPost)
	}
	if a.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	content := successBody
	if a.code != http.StatusOK {
		// A struct of a number and a string always has a JSON form.
		content, _ = json.Marshal(body{Result: a.result})
		content = append(content, '\n')
	}
	header.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(a.code)
	_, _ = w.Write(content)
}
