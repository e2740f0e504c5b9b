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

	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
)

// TestMain lets the test binary stand in for the worker, which sandboxes ffmpeg by running itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.Subcommand {
		fmt.Fprintln(os.Stderr, sandbox.Run(os.Args[2:]))
		os.Exit(sandbox.ExitCode)
	}
	code := m.Run()
	if dir, err := hlsCache(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}
