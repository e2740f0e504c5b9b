// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// ErrorKind says what an error of Ingest means to the sender.
type ErrorKind int

const (
	// Unavailable says that the delivery could not be made safe now. It may succeed when it is sent again. Everything
	// that is not Invalid is Unavailable, Forbidden too: a quota or a missing right is mended in the cluster.
	Unavailable ErrorKind = iota
	// Invalid says that the API server refuses what the delivery says, and always will.
	Invalid
)

// Error is the error of Ingest.
type Error struct {
	Kind ErrorKind
	Err  error
}

// Error is the cause's text.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsInvalid reports whether the API server refuses what the delivery says for good.
func IsInvalid(err error) bool {
	classified, ok := errors.AsType[*Error](err)
	return ok && classified.Kind == Invalid
}

func classify(err error) error {
	if isInvalid(err) {
		return &Error{Kind: Invalid, Err: err}
	}
	return &Error{Kind: Unavailable, Err: err}
}

func isInvalid(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	switch status.Status().Code {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return true
	default:
		return false
	}
}

// isRace says that another writer was faster: there is nothing to wait for.
func isRace(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || errors.Is(err, errMoved)
}
