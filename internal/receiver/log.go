// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"log"
	"strings"

	"github.com/go-logr/logr"
)

// quietLog is for net/http, which logs every failed handshake and every malformed request. Anybody can cause them, so they
// are logged for debugging only. A panic that it caught is ours, and loses a callback.
func quietLog(to logr.Logger) *log.Logger { return log.New(quiet{to}, "", 0) }

type quiet struct{ log logr.Logger }

func (q quiet) Write(line []byte) (int, error) {
	message := string(bytes.TrimSpace(line))
	if strings.HasPrefix(message, "http: panic") || strings.HasPrefix(message, "http2: panic") {
		q.log.Error(nil, "Handling a callback ended in a panic", "message", message)
	} else {
		q.log.V(1).Info("HTTP server", "message", message)
	}
	return len(line), nil
}
