// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command trigger is what runs in the pod of a pipeline's step of kind trigger: it creates one object with the rights of
// the pod's ServiceAccount, and waits until that object is done.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"sparkrtc.dev/recording-operator/internal/worker/entrypoint"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/trigger"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// exitUsage is the exit code for a wrong command line (EX_USAGE).
const exitUsage = 64

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version = "development"

const longHelp = `trigger creates the object of a step of kind trigger, with the rights of the pod's ServiceAccount, and
waits until that object is done. Do not start it by hand: the operator creates a Job for each step.

The environment variable RECORDING_STEP says as JSON what to do. The termination message (kubectl
describe pod shows it) and the exit code say how it ended:

  0    done
  64   the command line is wrong
  65   failed, and another attempt cannot succeed: for example the object has failed
  75   failed, and another attempt may succeed: for example the account may not create the object

Started again, it finds the object that an earlier attempt has created. Logs are JSON lines on
standard error.`

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := entrypoint.Context()
	defer stop()
	code := 0
	root := &cobra.Command{
		Use: "trigger", Short: "Create the object of a trigger and wait for it", Long: longHelp,
		SilenceUsage: true, SilenceErrors: true, Args: cobra.NoArgs, Version: version,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(&cobra.Command{
		Use: workerapi.ContainerTrigger, Short: root.Short, Long: longHelp, Args: cobra.NoArgs,
		Run: func(command *cobra.Command, _ []string) {
			log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("container", workerapi.ContainerTrigger)
			program := entrypoint.Program{Getenv: os.Getenv, Log: log}
			code = program.Run(command.Context(), func(ctx context.Context) (workerapi.Result, error) { return do(ctx, log) })
		},
	})
	if err := root.ExecuteContext(ctx); err != nil {
		root.PrintErrln("Error:", err.Error())
		return exitUsage
	}
	return code
}

// do reads the step and does it.
func do(ctx context.Context, log *slog.Logger) (workerapi.Result, error) {
	var spec workerapi.StepSpec
	if err := json.Unmarshal([]byte(os.Getenv(workerapi.EnvStep)), &spec); err != nil {
		return workerapi.Result{}, failure.Permanent(workerapi.ReasonInvalidStep, "decode %s: %w", workerapi.EnvStep, err)
	}
	_, object, err := trigger.Settings(&spec)
	if err != nil {
		return workerapi.Result{}, err
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return workerapi.Result{}, fmt.Errorf("find the API server: %w", err)
	}
	config.UserAgent = "recording-trigger/" + version
	api, err := trigger.NewClient(ctx, config, object, entrypoint.Pause)
	if err != nil {
		return workerapi.Result{}, err
	}
	one := &trigger.Trigger{Step: spec, API: api, Changed: api.Changed, Log: log.With("recording", spec.Namespace+"/"+spec.File, "step", spec.Step)}
	return one.Run(ctx)
}
