// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

// Fault says in one sentence why a connection to a host failed, or ended before the response was read. host is what a
// person wrote, with its port; it stands in the sentence, and nothing that the server sent does.
func Fault(err error, host string) string {
	if fault := CertificateFault(err, host); fault != "" {
		return fault
	}
	if speaksNoTLS(err) {
		return "the host " + host + " does not speak TLS; is the endpoint http and not https?"
	}
	if unresolved, ok := errors.AsType[*net.DNSError](err); ok {
		// The name that was looked up, which may have the bucket's before that of the host.
		if unresolved.IsNotFound {
			return "the host " + unresolved.Name + " is not found"
		}
		return "the name server does not answer for the host " + unresolved.Name
	}
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, ErrDenied):
		return "the host " + host + " is in a network that is denied"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the host " + host + " refuses the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to the host " + host
	case isNet && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "the host " + host + " does not answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the host " + host + " cut the connection"
	}
	return "the connection to the host " + host + " failed"
}

// CertificateFault says in one sentence why the certificate of a host is not accepted. It is empty when that is not the
// reason.
func CertificateFault(err error, host string) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the TLS certificate of " + host + " is for another host"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the TLS certificate of " + host + " has expired or is not valid yet"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the TLS certificate of " + host + " is not trusted"
	}
	return ""
}

func speaksNoTLS(err error) bool {
	_, noRecord := errors.AsType[tls.RecordHeaderError](err)
	return noRecord || errors.Is(err, http.ErrSchemeMismatch)
}
