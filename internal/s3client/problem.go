// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/minio/minio-go/v7"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
)

// Kind says what sort of mistake or fault makes a request to an S3 server fail.
type Kind int

// Kinds of problems.
const (
	// Unreachable: there is no connection, or it ended too early.
	Unreachable Kind = iota
	// Denied: the endpoint's address lies in a network that is not connected to.
	Denied
	// Untrusted: the server's certificate is not accepted.
	Untrusted
	// Forbidden: the server knows or permits the credentials not.
	Forbidden
	// NoBucket: there is no such bucket.
	NoBucket
	// NoObject: there is no such object.
	NoObject
	// Cold: the object must be restored before it can be read.
	Cold
	// NameTooLong: the server takes no key of this length.
	NameTooLong
	// Rejected: the server takes no such request: something of the S3Location does not fit it, or it is no S3 server.
	Rejected
	// Unavailable: the server cannot serve the request now.
	Unavailable
)

// Problem says why a request to an S3 server failed.
type Problem struct {
	Kind Kind
	// What is wrong, in a clause that names the host or the field. Nothing in it is the server's own.
	What string
	// Advice says what to correct; it may be empty.
	Advice string
	// Status of the response, and the code in it, which is whatever the server sent. 0 and empty without a response.
	Status int
	Code   string
}

// Message is the problem in one sentence. answer, unless it is empty, stands for what the server responded.
func (p Problem) Message(answer string) string {
	message := p.What
	if answer != "" {
		message += " (" + answer + ")"
	}
	if p.Advice != "" {
		message += "; " + p.Advice
	}
	return message
}

// Answer is "HTTP 403"; empty without a response.
func (p Problem) Answer() string {
	if p.Status == 0 {
		return ""
	}
	return "HTTP " + strconv.Itoa(p.Status)
}

// Codes of S3 errors, from the Amazon S3 API reference, "Error responses", and, where it says so, from Huawei OBS.
const (
	codeAccessDenied          = "AccessDenied"
	codeExpiredToken          = "ExpiredToken"
	codeInvalidAccessKeyID    = "InvalidAccessKeyId"
	codeInvalidObjectState    = "InvalidObjectState"
	codeInvalidToken          = "InvalidToken"
	codeKeyTooLong            = "KeyTooLongError"
	codeMalformedHeader       = "AuthorizationHeaderMalformed"
	codeInvalidRegion         = "InvalidRegion"
	codeNoSuchBucket          = "NoSuchBucket"
	codeNoSuchKey             = "NoSuchKey"
	codeRequestTimeTooSkewed  = "RequestTimeTooSkewed"
	codeSignatureDoesNotMatch = "SignatureDoesNotMatch"
	codeNoSuchVersion         = "NoSuchVersion"
	codeUserNotFound          = "XAdminUserNotFound"        // versitygw, with HTTP 404
	codeVirtualHostRequired   = "VirtualHostDomainRequired" // Huawei OBS
)

// Explain says why a request to the server of a location failed. bucket is the one that was asked for. A response to HEAD
// has no code, so that a wrong key cannot be told from a missing right, nor a missing bucket from a missing object: ask
// again by GET where it matters.
func Explain(err error, location *v1alpha1.S3Location, bucket string) Problem {
	host := hostOf(location)
	response, answered := errors.AsType[minio.ErrorResponse](err)
	if !answered || response.StatusCode == 0 && response.Code == "" {
		return explainConnection(err, location, host)
	}
	problem := explainResponse(response, location, host, bucket)
	problem.Status, problem.Code = response.StatusCode, response.Code
	return problem
}

func hostOf(location *v1alpha1.S3Location) string {
	if parsed, err := url.Parse(endpointOf(location)); err == nil {
		return parsed.Host
	}
	return location.Endpoint
}

func explainConnection(err error, location *v1alpha1.S3Location, host string) Problem {
	switch {
	case errors.Is(err, networks.ErrDenied):
		return Problem{Kind: Denied, What: networks.Fault(err, host),
			Advice: "spec.s3.endpoint must name a server outside of --storage-denied-networks"}
	case networks.CertificateFault(err, host) != "":
		return Problem{Kind: Untrusted, What: networks.CertificateFault(err, host), Advice: certificateAdvice(location)}
	case !isConnection(err):
		return notS3(host)
	}
	problem := Problem{Kind: Unreachable, What: networks.Fault(err, host)}
	if _, unresolved := errors.AsType[*net.DNSError](err); unresolved && virtualHosts(location.Provider) {
		problem.Advice = "provider " + string(location.Provider) + " puts the bucket's name before the endpoint's: are spec.s3.provider and endpoint right?"
	}
	return problem
}

func notS3(host string) Problem {
	return Problem{Kind: Rejected, What: "the host " + host + " does not answer as an S3 server", Advice: "is spec.s3.endpoint right?"}
}

func certificateAdvice(location *v1alpha1.S3Location) string {
	if location.CASecretRef != nil {
		return "are spec.s3.endpoint and the certificate that spec.s3.caSecretRef names right?"
	}
	return "is spec.s3.endpoint right? A CA of your own goes into spec.s3.caSecretRef"
}

// isConnection says that an error is one of the connection, not of what came over it.
func isConnection(err error) bool {
	_, request := errors.AsType[*url.Error](err)
	_, network := errors.AsType[net.Error](err)
	return request || network || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF)
}

func explainResponse(response minio.ErrorResponse, location *v1alpha1.S3Location, host, bucket string) Problem {
	switch code := response.Code; {
	case code == codeNoSuchBucket && response.XMLName.Local == "":
		// The library's word for any 404 to a request about a bucket. A store says in XML what is missing.
		return notS3(host)
	case code == codeNoSuchBucket:
		return Problem{Kind: NoBucket, What: "the bucket " + bucket + " does not exist at " + host}
	case code == codeInvalidObjectState:
		return Problem{Kind: Cold, What: "it is in cold storage", Advice: "restore it first"}
	case code == codeKeyTooLong:
		return Problem{Kind: NameTooLong, What: "the name is too long for the store at " + host}
	case code == codeVirtualHostRequired:
		return Problem{Kind: Forbidden, What: "the store wants the bucket's name before the endpoint's", Advice: "set spec.s3.provider to HuaweiOBS"}
	case code == codeMalformedHeader, code == codeInvalidRegion:
		return Problem{Kind: Rejected, What: "the bucket " + bucket + " is in another region", Advice: "correct spec.s3.region" + orSet(location.Region)}
	case isRefusal(response):
		return explainRefusal(code)
	}
	return explainStatus(response.StatusCode, response.Code, location, host)
}

// explainStatus is for codes that say no more than the status does.
func explainStatus(status int, code string, location *v1alpha1.S3Location, host string) Problem {
	switch {
	case code == codeNoSuchKey, code == codeNoSuchVersion, code == "" && status == http.StatusNotFound:
		return Problem{Kind: NoObject, What: "it is not there"}
	case status >= 300 && status < 400:
		return Problem{Kind: Rejected, What: "the host " + host + " does not accept the request and redirects it",
			Advice: "the bucket may be in another region: correct spec.s3.endpoint and spec.s3.region"}
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
		return Problem{Kind: Rejected, What: "the host " + host + " does not accept the request", Advice: rejectionAdvice(location)}
	}
	return Problem{Kind: Unavailable, What: "the host " + host + " cannot serve the request now"}
}

func orSet(region string) string {
	if region == "" {
		return ", which is not set"
	}
	return ""
}

func rejectionAdvice(location *v1alpha1.S3Location) string {
	advice := "are spec.s3.region and spec.s3.provider right?"
	if parsed, err := url.Parse(endpointOf(location)); err == nil && parsed.Scheme == "http" {
		advice = "are spec.s3.region and spec.s3.provider right, and is the endpoint http and not https?"
	}
	return advice
}

func isRefusal(response minio.ErrorResponse) bool {
	switch response.Code {
	case codeExpiredToken, codeInvalidToken, codeInvalidAccessKeyID, codeUserNotFound, codeSignatureDoesNotMatch, codeRequestTimeTooSkewed:
		return true
	}
	return response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized
}

func explainRefusal(code string) Problem {
	const secret = "correct the Secret that spec.s3.credentialsSecretRef names"
	switch code {
	case codeInvalidAccessKeyID, codeUserNotFound:
		return Problem{Kind: Forbidden, What: "the store does not know the accessKeyID", Advice: secret}
	case codeSignatureDoesNotMatch:
		return Problem{Kind: Forbidden, What: "the secretAccessKey does not belong to the accessKeyID", Advice: secret}
	case codeExpiredToken:
		return Problem{Kind: Forbidden, What: "the sessionToken has expired", Advice: secret}
	case codeInvalidToken:
		return Problem{Kind: Forbidden, What: "the sessionToken is not valid", Advice: secret}
	case codeRequestTimeTooSkewed:
		return Problem{Kind: Forbidden, What: "the clocks of the node and of the store differ too much", Advice: "set the clock of the one that is wrong"}
	case codeAccessDenied:
		return Problem{Kind: Forbidden, What: "the credentials do not permit this", Advice: "grant them access to the bucket, or name others in spec.s3.credentialsSecretRef"}
	}
	return Problem{Kind: Forbidden, What: "the store refuses the credentials", Advice: secret}
}
