// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"

	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// connectionError says in one sentence why a server cannot be used. what is what was wanted, host the server; the
// library's own words are for the log.
func connectionError(err error, what, host string) *failure.Error {
	if errors.Is(err, networks.ErrDenied) {
		return failure.Permanent(workerapi.ReasonForbidden, "%s: the host %s is in a network that is denied to steps", what, host)
	}
	return failure.Transient(workerapi.ReasonStorageUnavailable, "%s: %s", what, connectionFault(err, host))
}

func connectionFault(err error, host string) string {
	if fault := certificateFault(err, host); fault != "" {
		return fault
	}
	if unresolved, ok := errors.AsType[*net.DNSError](err); ok {
		if unresolved.IsNotFound {
			return "the host " + host + " is not found"
		}
		return "the name server does not answer for the host " + host
	}
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the host " + host + " refuses the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to the host " + host
	case errors.Is(err, errStalled):
		return "no byte moved to or from the host " + host + " for " + stallTimeout.String()
	case isNet && timeout.Timeout():
		return "the host " + host + " does not answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the host " + host + " cut the connection"
	}
	return "the connection to the host " + host + " failed"
}

// certificateFault is empty when TLS is not the reason.
func certificateFault(err error, host string) string {
	if errors.Is(err, http.ErrSchemeMismatch) {
		return "the host " + host + " does not speak TLS; is the endpoint http and not https?"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the host " + host + " does not speak TLS; is the endpoint http and not https?"
	}
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

// workVolumeError says why a file on the work volume cannot be written. Nobody can do anything about its name.
func workVolumeError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return failure.Transient(workerapi.ReasonInternal, "the work volume is full: %w", cause(err))
	}
	return failure.Transient(workerapi.ReasonInternal, "the work volume cannot be written: %w", cause(err))
}

// cause is a file error without the operation and the local name.
func cause(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	return err
}

// printable is text for a message: control characters, which a name of another system may hold, are shown as �.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
