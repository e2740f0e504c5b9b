// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"errors"
	"net/http"

	"sparkrtc.dev/recording-operator/internal/s3client"
)

// Kinds of errors of a bucket, for errors.Is. An error of one of the first kinds says more: which host, and what to
// correct. None holds what the server sent beyond its HTTP status, since a person who writes a StorageLocation chooses
// the server that the operator asks.
var (
	// ErrForbidden says that the server does not know the credentials, or that they do not permit the request.
	ErrForbidden = errors.New("the credentials are refused")
	// ErrNoBucket says that there is no such bucket.
	ErrNoBucket = errors.New("there is no such bucket")
	// ErrUnreachable says that there is no connection, or that it ended before the answer did.
	ErrUnreachable = errors.New("the endpoint did not answer as an S3 server in time")
	// ErrUntrusted says that the server's certificate is not accepted.
	ErrUntrusted = errors.New("the certificate of the endpoint is not trusted")
	// ErrRejected says that the server takes no such request: something of the location does not fit it.
	ErrRejected = errors.New("the endpoint does not accept the request")
	// ErrUnavailable says that the server cannot serve the request now.
	ErrUnavailable = errors.New("the endpoint cannot serve the request now")
	// ErrDenied says that the endpoint's address lies in a network that is not connected to.
	ErrDenied = errors.New("spec.s3.endpoint lies in a network that the operator does not connect to (--storage-denied-networks)")
	// ErrNoObject says that an object is not there (any more).
	ErrNoObject = errors.New("there is no such object")
	// ErrUnreadable says that the object is there and cannot be read now, for example because it is in cold storage.
	ErrUnreadable = errors.New("the object cannot be read; it may be in cold storage or encrypted with another key")
	// ErrDisorder says that a listing cannot be relied on to be complete.
	ErrDisorder = errors.New("the listing is not in the order of keys, as S3 demands")

	// ErrCA says that the location's Secret holds no certificate.
	ErrCA = s3client.ErrCA
	// ErrEndpoint says that the location's endpoint is not the URL of a server.
	ErrEndpoint = s3client.ErrEndpoint
)

// problemError is an error of one of the kinds, in a sentence of its own.
type problemError struct {
	kind    error
	message string
}

func (e *problemError) Error() string { return e.message }

// Is says which kind it is.
func (e *problemError) Is(target error) bool { return target == e.kind }

// translate leaves nothing of what the server said.
func (b *Bucket) translate(err error) error {
	problem := s3client.Explain(err, b.location, b.name)
	kind := ErrUnreachable
	switch problem.Kind {
	case s3client.Denied:
		return ErrDenied
	case s3client.NoObject:
		return ErrNoObject
	case s3client.Cold:
		return ErrUnreadable
	case s3client.Untrusted:
		kind = ErrUntrusted
	case s3client.Forbidden:
		kind = ErrForbidden
	case s3client.NoBucket:
		kind = ErrNoBucket
	case s3client.NameTooLong, s3client.Rejected:
		kind = ErrRejected
	case s3client.Unavailable:
		kind = ErrUnavailable
	case s3client.Unreachable:
	}
	if problem.Status == http.StatusRequestedRangeNotSatisfiable {
		return ErrUnreadable
	}
	return &problemError{kind: kind, message: problem.Message(problem.Answer())}
}
