// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command worker is what runs in the pod of a pipeline's step: it fetches a recording, processes it and publishes the
// result, each in a container of its own.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/worker/entrypoint"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version = "development"

func main() {
	os.Exit(run())
}

func run() int {
	debug.SetMemoryLimit(worker.MemoryLimit)
	// Before anything else: no program that is started later may open this process's memory.
	if err := sandbox.ProtectMemory(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return sandbox.ExitCode
	}
	ctx, stop := entrypoint.Context()
	defer stop()
	program := &program{version: version, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	command := program.command()
	if err := command.ExecuteContext(ctx); err != nil {
		command.PrintErrln("Error:", err.Error())
		return exitUsage
	}
	return program.exit
}
