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

// Command localkube runs a single-node Kubernetes on a bare Debian machine,
// without Docker and without a registry.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := cli.New(os.Stdout, os.Stderr).ExecuteContext(ctx)
	if err == nil {
		return
	}
	if !errors.Is(err, cli.ErrSaid) {
		fmt.Fprintln(os.Stderr, "localkube:", err)
	}
	os.Exit(1)
}
