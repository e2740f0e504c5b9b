// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/entrypoint"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// run runs the command line and gives its exit code, its termination message and its log.
func runProgram(t *testing.T, ctx context.Context, spec string, args ...string) (code int, result workerapi.Result, log string) { //nolint:revive // t comes first in tests
	t.Helper()
	dir := t.TempDir()
	message := filepath.Join(dir, "message")
	var stdout, stderr bytes.Buffer
	p := &program{version: "v1.2.3", stdout: &stdout, stderr: &stderr, getenv: func(name string) string {
		return map[string]string{workerapi.EnvStep: spec, entrypoint.EnvTerminationLog: message}[name]
	}}
	command := p.command()
	command.SetArgs(append(args, "--work-dir", filepath.Join(dir, "work")))
	if err := command.ExecuteContext(ctx); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(message)
	if err != nil {
		t.Fatal(err)
	}
	if result, err = workerapi.DecodeResult(string(data)); err != nil {
		t.Fatal(err)
	}
	return p.exit, result, stderr.String()
}

func encode(t *testing.T, change func(*workerapi.StepSpec)) string {
	t.Helper()
	claim := workerapi.Storage{Name: "s", Spec: v1alpha1.StorageLocationSpec{
		PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "none"},
	}}
	spec := workerapi.StepSpec{
		Namespace: "n", File: "f", UID: "u", Step: "s", Kind: "archive", Settings: json.RawMessage("{}"),
		Inputs:      []workerapi.Input{{Format: "MP4", Storage: &claim, Artifact: v1alpha1.Artifact{Key: "x.mp4"}, MaxBytes: 1}},
		Destination: workerapi.Destination{Storage: claim, Path: "p/"},
	}
	change(&spec)
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestProgram_ReportsFailures(t *testing.T) {
	stopped, stop := context.WithCancelCause(t.Context())
	stop(entrypoint.ErrStopped)
	tests := map[string]struct {
		ctx    context.Context
		args   string
		spec   string
		code   int
		reason string
	}{
		"no step":         {args: "fetch", code: workerapi.ExitPermanent, reason: workerapi.ReasonInvalidStep},
		"unknown kind":    {args: "fetch", spec: encode(t, func(spec *workerapi.StepSpec) { spec.Kind = "paint" }), code: workerapi.ExitPermanent, reason: workerapi.ReasonInvalidStep},
		"unknown setting": {args: "process", spec: encode(t, func(spec *workerapi.StepSpec) { spec.Settings = json.RawMessage(`{"color":"red"}`) }), code: workerapi.ExitPermanent, reason: workerapi.ReasonInvalidStep},
		"two inputs":      {args: "fetch", spec: encode(t, func(spec *workerapi.StepSpec) { spec.Inputs = append(spec.Inputs, spec.Inputs[0]) }), code: workerapi.ExitPermanent, reason: workerapi.ReasonInvalidStep},
		"unknown format":  {args: "fetch", spec: encode(t, func(spec *workerapi.StepSpec) { spec.Inputs[0].Format = "FLV" }), code: workerapi.ExitPermanent, reason: workerapi.ReasonUnsupported},
		"host not listed": {args: "fetch", spec: encode(t, func(spec *workerapi.StepSpec) {
			spec.Inputs[0].Storage, spec.Inputs[0].URL = nil, "https://h/x?sig=secret"
		}), code: workerapi.ExitPermanent, reason: workerapi.ReasonForbidden},
		"out of order": {args: "publish", spec: encode(t, func(*workerapi.StepSpec) {}), code: workerapi.ExitTransient, reason: workerapi.ReasonInternal},
		"stopped":      {ctx: stopped, args: "publish", spec: encode(t, func(*workerapi.StepSpec) {}), code: workerapi.ExitTransient, reason: workerapi.ReasonInterrupted},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx := test.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			code, result, log := runProgram(t, ctx, test.spec, test.args)
			if code != test.code || result.Failure == nil || result.Failure.Reason != test.reason || result.Failure.Permanent != (code == workerapi.ExitPermanent) {
				t.Errorf("exit code %d, %+v; want %d, %s", code, result.Failure, test.code, test.reason)
			}
			if !strings.Contains(log, test.reason) || strings.Contains(log, "secret") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// TestProgram_PortOfTheProgressIsTaken: the step goes on without.
func TestProgram_PortOfTheProgressIsTaken(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", progress.Address())
	if err == nil {
		defer listener.Close() //nolint:errcheck // nobody connects
	}
	code, result, log := runProgram(t, t.Context(), encode(t, func(*workerapi.StepSpec) {}), "publish")
	if code != workerapi.ExitTransient || result.Failure.Reason != workerapi.ReasonInternal || !strings.Contains(log, "Nobody can ask for the progress") {
		t.Errorf("exit code %d, %+v\n%s", code, result.Failure, log)
	}
}

func TestProgram_Help(t *testing.T) {
	for args, want := range map[string]string{
		"--help": "RECORDING_STEP", "fetch --help": "accessKeyID", "process --help": "without network", "publish --help": "manifest.json", "version": "v1.2.3",
	} {
		var out bytes.Buffer
		p := &program{version: "v1.2.3", stdout: &out, stderr: &out, getenv: os.Getenv}
		command := p.command()
		command.SetArgs(strings.Fields(args))
		if err := command.Execute(); err != nil || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "sandbox ") {
			t.Errorf("%s: %v\n%s", args, err, out.String())
		}
	}
}
