// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package failure says why a step's container failed, in the words of the contract with the operator.
package failure

import (
	"errors"
	"fmt"

	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Error is an error with a reason of the contract. Its message is for a person and holds neither a secret nor the
// query or userinfo of a URL.
type Error struct {
	// Reason is one of workerapi's Reason constants.
	Reason string
	// Permanent says that another attempt cannot succeed.
	Permanent bool
	// NothingToDo says that the step is skipped, since it has nothing to do for this recording.
	NothingToDo bool
	// Object is the object that could not be had, when the failure is about one.
	Object string

	err error
}

// Error is the message for a person.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.err }

// About says which object the failure is about.
func (e *Error) About(object string) *Error {
	e.Object = object
	return e
}

// Permanent is a failure that another attempt cannot fix. The format is fmt.Errorf's.
func Permanent(reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Permanent: true, err: fmt.Errorf(format, args...)}
}

// Skip says that the step has nothing to do for this recording. The format is fmt.Errorf's.
func Skip(reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Permanent: true, NothingToDo: true, err: fmt.Errorf(format, args...)}
}

// Transient is a failure that another attempt may fix. The format is fmt.Errorf's.
func Transient(reason, format string, args ...any) *Error {
	return &Error{Reason: reason, err: fmt.Errorf(format, args...)}
}

// Of finds the Error in err; an error without one is internal and transient, since nobody has said that another
// attempt cannot succeed.
func Of(err error) *Error {
	if found, ok := errors.AsType[*Error](err); ok {
		return found
	}
	return &Error{Reason: workerapi.ReasonInternal, err: err}
}

// Report is err as the operator reads it. The whole chain's message is kept, the reason is that of the Error in it.
func Report(err error) *workerapi.Failure {
	found := Of(err)
	return &workerapi.Failure{Reason: found.Reason, Message: err.Error(), Permanent: found.Permanent, NothingToDo: found.NothingToDo}
}
