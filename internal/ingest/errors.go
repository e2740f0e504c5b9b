// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// ErrorKind says what an error of Ingest means to the sender.
type ErrorKind int

const (
	// Unavailable says that the delivery could not be stored now. It may succeed when it is sent again. Everything that
	// is not Invalid is Unavailable, Forbidden too: a quota or a missing right is corrected in the cluster.
	Unavailable ErrorKind = iota
	// Invalid says that the API server refuses what the delivery says, and always will.
	Invalid
)

// ErrNameTaken says that other objects hold both names that the object may have. The error is Invalid.
var ErrNameTaken = errors.New("the name is taken by another object")

// Causes of an Unavailable error that are not the API server's own words. They are statuses nevertheless, since the API
// server answered: it is not away.
var (
	// ErrBeingDeleted says that the object is being deleted: what is written to it would be lost.
	ErrBeingDeleted error = refusal(http.StatusForbidden, metav1.StatusReasonForbidden, "the object is being deleted")
	// ErrBusy says that others changed the object each time, or that it was created and deleted in turn.
	ErrBusy error = refusal(http.StatusConflict, metav1.StatusReasonConflict, "the object keeps changing")
)

func refusal(code int32, reason metav1.StatusReason, message string) *apierrors.StatusError {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}}
}

// errOtherIdentity says that the name is another object's. It never leaves the package.
var errOtherIdentity = errors.New("the object is another one")

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

// RejectionReason says on a RejectedCallback what an error means for which IsInvalid holds.
func RejectionReason(err error) v1alpha1.RejectionReason {
	if errors.Is(err, ErrNameTaken) {
		return v1alpha1.RejectionNameTaken
	}
	return v1alpha1.RejectionInvalid
}

func classify(err error) error {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		switch status.Status().Code {
		case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
			return &Error{Kind: Invalid, Err: err}
		}
	}
	return &Error{Kind: Unavailable, Err: err}
}
