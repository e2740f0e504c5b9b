// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/minio/minio-go/v7"

	"sparkrtc.dev/recording-operator/internal/s3client"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// errorResponse is what an S3 server answered; the zero value when it did not answer.
func errorResponse(err error) minio.ErrorResponse {
	response, _ := errors.AsType[minio.ErrorResponse](err)
	return response
}

// explain says what an error means in one sentence, by its code and status. The server's own words go to the log.
func (b *s3Bucket) explain(err error, key string) error {
	if found, ok := errors.AsType[*failure.Error](err); ok {
		return found
	}
	where, response := b.Describe(key), errorResponse(err)
	// A transfer is canceled when another one fails: it says nothing of its own.
	if response.StatusCode != http.StatusNotFound && !errors.Is(err, context.Canceled) {
		b.log.Warn("S3 request failed", "object", where, "endpoint", b.endpoint, "error", err.Error())
	}
	if errors.Is(err, errStalled) || errors.Is(err, context.Canceled) {
		return connectionError(err, where, b.endpoint).About(key)
	}
	return explained(s3client.Explain(err, b.location, b.name), where).About(key)
}

// explained is a problem as the failure of a step. A mistake in the location is not permanent where it may be corrected
// while the step is tried again.
func explained(problem s3client.Problem, where string) *failure.Error {
	message := problem.Message(answerOf(problem))
	switch problem.Kind {
	case s3client.Denied:
		return failure.Permanent(workerapi.ReasonForbidden, "%s: %s to steps", where, problem.What)
	case s3client.Forbidden, s3client.Cold:
		return failure.Permanent(workerapi.ReasonForbidden, "%s: %s", where, message)
	case s3client.NoBucket:
		return failure.Permanent(workerapi.ReasonNotFound, "%s: %s", where, message)
	case s3client.NoObject:
		return failure.Permanent(workerapi.ReasonNotFound, "%s is not there", where)
	case s3client.NameTooLong:
		return failure.Permanent(workerapi.ReasonUnsupported, "%s: %s", where, message)
	case s3client.Unreachable, s3client.Untrusted, s3client.Rejected, s3client.Unavailable:
	}
	return failure.Transient(workerapi.ReasonStorageUnavailable, "%s: %s", where, message)
}

// codeText is how a code looks; a server may send anything in its place.
var codeText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{0,63}$`)

func answerOf(problem s3client.Problem) string {
	answer := problem.Answer()
	if answer != "" && codeText.MatchString(problem.Code) {
		answer += " " + problem.Code
	}
	return answer
}
