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

	"github.com/go-logr/logr"
)

// quietLog is for net/http, which logs every failed handshake and every malformed request: anybody can cause them, so
// they are of interest only to who looks for them.
func quietLog(to logr.Logger) *log.Logger { return log.New(verbose{to.V(1)}, "", 0) }

type verbose struct{ log logr.Logger }

func (v verbose) Write(line []byte) (int, error) {
	v.log.Info("HTTP server", "message", string(bytes.TrimSpace(line)))
	return len(line), nil
}
