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

package worker_test

import (
	"fmt"
	"os"
	"testing"

	"sparkrtc.dev/recording-operator/internal/worker/confine"
	"sparkrtc.dev/recording-operator/internal/worker/media"
)

// TestMain lets the test binary stand in for the worker, which confines ffmpeg by running itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == confine.Subcommand {
		fmt.Fprintln(os.Stderr, confine.Run(os.Args[2:]))
		os.Exit(media.ExitConfine)
	}
	code := m.Run()
	if dir, err := hlsCache(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}
