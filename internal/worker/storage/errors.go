// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"io/fs"
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
	if errors.Is(err, errStalled) {
		return "no byte moved to or from the host " + host + " for " + stallTimeout.String()
	}
	return networks.Fault(err, host)
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
