/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package door

import (
	"bytes"
	"log"
	"strings"

	"github.com/go-logr/logr"
)

// quietLog is for net/http, which logs every failed handshake and every malformed request: anybody can cause them, so
// they are of interest only to who looks for them. But it also catches a panic, which loses a callback and is ours.
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
