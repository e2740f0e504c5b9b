// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"

	"github.com/minio/minio-go/v7"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Codes of S3 errors, from the Amazon S3 API reference, "Error responses", and, where it says so, from Huawei OBS.
const (
	codeAccessDenied          = "AccessDenied"
	codeExpiredToken          = "ExpiredToken"
	codeInvalidAccessKeyID    = "InvalidAccessKeyId"
	codeInvalidObjectState    = "InvalidObjectState"
	codeInvalidToken          = "InvalidToken"
	codeKeyTooLong            = "KeyTooLongError"
	codeNoSuchBucket          = "NoSuchBucket"
	codeNoSuchKey             = "NoSuchKey"
	codeRequestTimeTooSkewed  = "RequestTimeTooSkewed"
	codeSignatureDoesNotMatch = "SignatureDoesNotMatch"
	codeVirtualHostRequired   = "VirtualHostDomainRequired" // Huawei OBS
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
	if response.StatusCode == 0 && response.Code == "" {
		return connectionError(err, where, b.endpoint).About(key)
	}
	return b.explainResponse(response, where).About(key)
}

func (b *s3Bucket) explainResponse(response minio.ErrorResponse, where string) *failure.Error {
	answer := answerOf(response)
	switch code := response.Code; {
	case code == codeNoSuchBucket:
		return failure.Permanent(workerapi.ReasonNotFound, "%s: the bucket %s does not exist at %s", where, b.name, b.endpoint)
	case code == codeInvalidObjectState:
		return failure.Permanent(workerapi.ReasonForbidden, "%s is in cold storage; restore it first (%s)", where, answer)
	case code == codeKeyTooLong:
		return failure.Permanent(workerapi.ReasonUnsupported, "%s: the name is too long for the store at %s (%s)", where, b.endpoint, answer)
	case code == codeVirtualHostRequired:
		return failure.Permanent(workerapi.ReasonForbidden, "%s: set spec.s3.provider to HuaweiOBS (%s)", where, answer)
	case isRefusal(response):
		return failure.Permanent(workerapi.ReasonForbidden, "%s: %s (%s)", where, refusal(code), answer)
	case code == codeNoSuchKey, response.StatusCode == http.StatusNotFound:
		return failure.Permanent(workerapi.ReasonNotFound, "%s is not there", where)
	case response.StatusCode >= 300 && response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests &&
		response.StatusCode != http.StatusRequestTimeout:
		return failure.Transient(workerapi.ReasonStorageUnavailable,
			"%s: %s does not accept the request (%s); are spec.s3.region and spec.s3.provider right?", where, b.endpoint, answer)
	}
	return failure.Transient(workerapi.ReasonStorageUnavailable, "%s: %s cannot serve the request now (%s)", where, b.endpoint, answer)
}

func isRefusal(response minio.ErrorResponse) bool {
	switch response.Code {
	case codeExpiredToken, codeInvalidToken, codeInvalidAccessKeyID:
		return true
	}
	return response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized
}

func refusal(code string) string {
	switch code {
	case codeInvalidAccessKeyID:
		return "the store does not know the accessKeyID"
	case codeSignatureDoesNotMatch:
		return "the secretAccessKey does not belong to the accessKeyID"
	case codeExpiredToken:
		return "the sessionToken has expired"
	case codeInvalidToken:
		return "the sessionToken is not valid"
	case codeRequestTimeTooSkewed:
		return "the clocks of the node and of the store differ too much"
	case codeAccessDenied:
		return "the credentials do not permit this"
	}
	return "the store refuses the credentials"
}

// codeText is how a code looks; a server may send anything in its place.
var codeText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{0,63}$`)

func answerOf(response minio.ErrorResponse) string {
	answer := "HTTP " + strconv.Itoa(response.StatusCode)
	if codeText.MatchString(response.Code) {
		answer += " " + response.Code
	}
	return answer
}
