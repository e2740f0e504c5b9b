// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

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
