// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// run runs the command line and gives its exit code, its termination message and its log.
func runProgram(t *testing.T, ctx context.Context, todo string, args ...string) (code int, result workerapi.Result, log string) { //nolint:revive // t comes first in tests
	t.Helper()
	dir := t.TempDir()
	message := filepath.Join(dir, "message")
	var stdout, stderr bytes.Buffer
	p := &program{version: "v1.2.3", stdout: &stdout, stderr: &stderr, getenv: func(name string) string {
		return map[string]string{workerapi.EnvTask: todo, envTerminationLog: message}[name]
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

func encode(t *testing.T, change func(*workerapi.Task)) string {
	t.Helper()
	claim := workerapi.Storage{Name: "s", Spec: v1alpha1.StorageLocationSpec{
		PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "none"},
	}}
	todo := workerapi.Task{
		Namespace: "n", File: "f", UID: "u", Step: "s", Archive: &v1alpha1.Archive{},
		Source:      workerapi.Source{Format: "MP4", Storage: &claim, Object: "x.mp4", MaxBytes: 1},
		Destination: workerapi.Destination{Storage: claim, Path: "p/"},
	}
	change(&todo)
	data, err := json.Marshal(todo)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFailuresAreTold(t *testing.T) {
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errTold)
	tests := map[string]struct {
		ctx    context.Context
		args   string
		todo   string
		code   int
		reason string
	}{
		"no task":         {args: "fetch", code: workerapi.ExitPermanent, reason: workerapi.ReasonInvalidTask},
		"two things":      {args: "fetch", todo: encode(t, func(todo *workerapi.Task) { todo.Transcode = &v1alpha1.Transcode{} }), code: workerapi.ExitPermanent, reason: workerapi.ReasonInvalidTask},
		"unknown format":  {args: "fetch", todo: encode(t, func(todo *workerapi.Task) { todo.Source.Format = "FLV" }), code: workerapi.ExitPermanent, reason: workerapi.ReasonUnsupported},
		"host not listed": {args: "fetch", todo: encode(t, func(todo *workerapi.Task) { todo.Source.Storage, todo.Source.URL = nil, "https://h/x?sig=secret" }), code: workerapi.ExitPermanent, reason: workerapi.ReasonForbidden},
		"out of order":    {args: "publish", todo: encode(t, func(*workerapi.Task) {}), code: workerapi.ExitTransient, reason: workerapi.ReasonInternal},
		"told to stop":    {ctx: stopped, args: "publish", todo: encode(t, func(*workerapi.Task) {}), code: workerapi.ExitTransient, reason: workerapi.ReasonInterrupted},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx := test.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			code, result, log := runProgram(t, ctx, test.todo, test.args)
			if code != test.code || result.Failure == nil || result.Failure.Reason != test.reason || result.Failure.Permanent != (code == workerapi.ExitPermanent) {
				t.Errorf("exit code %d, %+v; want %d, %s", code, result.Failure, test.code, test.reason)
			}
			if !strings.Contains(log, test.reason) || strings.Contains(log, "secret") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"--help": "RECORDING_TASK", "fetch --help": "accessKeyID", "process --help": "without network", "publish --help": "manifest.json", "version": "v1.2.3",
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
