// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/worker/entrypoint"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// exitUsage is the exit code for a wrong command line (EX_USAGE).
const exitUsage = 64

// program is the command line.
type program struct {
	version        string
	stdout, stderr io.Writer
	getenv         func(string) string

	terminationLog string
	workDir        string
	// exit is the exit code that a subcommand decided on.
	exit int
}

const longHelp = `worker does one step of a recording pipeline. Do not start it by hand: the operator creates a Job
for each step, and the Job's pod runs

  worker fetch      (init container)  reads the recording        has the source's credentials
  worker process    (init container)  runs ffmpeg and verifies   has no credentials
  worker publish    (container)       writes and reads back      has the destination's credentials

The environment variable RECORDING_STEP says as JSON what to do. The containers share the folder
/work. The termination message (kubectl describe pod shows it) and the exit code say how it ended:

  0    done
  64   the command line is wrong
  65   failed, and another attempt cannot succeed: for example a segment is missing
  75   failed, and another attempt may succeed: for example the storage did not answer

While it runs, each answers GET /progress on port 8095 with how far it is.

Logs are JSON lines on standard error. Neither they nor the message hold a credential or the
query of a URL.`

const fetchHelp = `fetch reads the recording into /work/source: an object of an S3 bucket, a file of a mounted
volume, or a URL of an allowed host. Of an HLS recording it reads the playlist and every segment
that it names, strictly: a segment that is missing, or that lies outside of the playlist's folder,
is a failure.

S3 credentials are the files accessKeyID, secretAccessKey and sessionToken (optional) in
/credentials/source; the certificates that the server is verified against are /ca/source/ca.crt.`

const processHelp = `process makes the step's result of what fetch read: an MP4 (transcode), pictures (thumbnails), or
the recording as it is (archive). ffmpeg runs in a sandbox: without network and other processes (seccomp), and without files but the recording
where the kernel has Landlock. The first line of the log says which version of Landlock it is.

An MP4 is verified before it counts as made: it must have the recording's streams, its duration,
and every frame. What is missing is named: the segment and the time.`

const publishHelp = `publish writes what process made to its destination, reads every file back, compares its sha256,
and writes manifest.json last: a folder with a manifest is complete. A folder that holds another
recording's manifest, or its .recording-claim while it is being written, is never written to. Run
again, it finds everything done.

S3 credentials are the files accessKeyID, secretAccessKey and sessionToken (optional) in
/credentials/destination. They need the right to get, put, list and delete objects there: without list, some stores say
that a file which is not there is forbidden.`

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "worker",
		Short:         "Do one step of a recording pipeline",
		Long:          longHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().StringVar(&p.terminationLog, "termination-log", "",
		"file that the result is written to (default $TERMINATION_LOG, or else /dev/termination-log)")
	root.PersistentFlags().StringVar(&p.workDir, "work-dir", workerapi.WorkDir, "folder that the step's containers share")
	root.AddCommand(
		p.step(workerapi.ContainerFetch, "Read the recording", fetchHelp, (*worker.Worker).Fetch),
		p.step(workerapi.ContainerProcess, "Make the result and verify it", processHelp, (*worker.Worker).Process),
		p.step(workerapi.ContainerPublish, "Write the result and read it back", publishHelp, (*worker.Worker).Publish),
		p.versionCommand(), p.sandboxCommand(),
	)
	return root
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(command *cobra.Command, _ []string) { command.Println(p.version) },
	}
}

// sandboxCommand becomes another program, in a sandbox. Its arguments are not flags of this one.
func (p *program) sandboxCommand() *cobra.Command {
	return &cobra.Command{
		Use:                sandbox.Subcommand + " [landlock=required] [read=DIR] [write=DIR] -- PROGRAM [ARGUMENT]...",
		Short:              "Run a program in a sandbox",
		Hidden:             true,
		DisableFlagParsing: true,
		Run: func(command *cobra.Command, args []string) {
			command.PrintErrln(sandbox.Run(args).Error())
			p.exit = sandbox.ExitCode
		},
	}
}

// step is a subcommand that does one container's work.
func (p *program) step(name, short, long string, do func(*worker.Worker, context.Context) (workerapi.Result, error)) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Long: long, Args: cobra.NoArgs,
		Run: func(command *cobra.Command, _ []string) {
			log := slog.New(slog.NewJSONHandler(p.stderr, nil)).With("container", name)
			if name == workerapi.ContainerProcess {
				walls := sandbox.CurrentWalls()
				log.Info("Checked the sandbox for ffmpeg", "seccomp", walls.Seccomp, "undumpableWorker", walls.Undumpable, "landlockABI", walls.LandlockABI)
			}
			one := entrypoint.Program{TerminationLog: p.terminationLog, Getenv: p.getenv, Log: log}
			p.exit = one.Run(command.Context(), func(ctx context.Context) (workerapi.Result, error) {
				made, err := p.worker(log)
				if err != nil {
					return workerapi.Result{}, err
				}
				made.Meter = progress.New(stages[name], made.Now)
				defer serve(ctx, made)()
				return do(made, ctx)
			})
		},
	}
}

// stages are what the containers do.
var stages = map[string]v1alpha1.StepStage{
	workerapi.ContainerFetch: v1alpha1.StageFetch, workerapi.ContainerProcess: v1alpha1.StageProcess, workerapi.ContainerPublish: v1alpha1.StagePublish,
}

// serve serves the progress until stop is called. A step goes on without.
func serve(ctx context.Context, w *worker.Worker) (stop func()) {
	_, stop, err := progress.Serve(ctx, progress.Address(), w.Meter)
	if err != nil {
		w.Log.Warn("Nobody can ask for the progress", "error", err.Error())
		return func() {}
	}
	return stop
}

// worker reads the step and finds the programs.
func (p *program) worker(log *slog.Logger) (*worker.Worker, error) {
	var spec workerapi.StepSpec
	if err := json.Unmarshal([]byte(p.getenv(workerapi.EnvStep)), &spec); err != nil {
		return nil, failure.Permanent(workerapi.ReasonInvalidStep, "decode %s: %w", workerapi.EnvStep, err)
	}
	if err := worker.CheckStep(&spec); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the worker itself: %w", err)
	}
	return &worker.Worker{
		Step: spec, WorkDir: p.workDir, RecordingDir: workerapi.RecordingDir,
		Source: storage.SourcePaths(), Destination: storage.DestinationPaths(),
		FFmpeg: find("ffmpeg"), Self: self, Patience: patience, Wait: entrypoint.Pause,
		Version: p.version, Now: time.Now, Log: log.With("recording", spec.Namespace+"/"+spec.File, "step", spec.Step),
	}, nil
}

// patience is how long fetch waits for what is uploaded after the callback.
const patience = time.Minute

// find gives a program's absolute path. One that is not there is not an error yet: each container needs only some.
func find(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		if absolute, err := filepath.Abs(path); err == nil {
			return absolute
		}
	}
	return "/usr/bin/" + program
}
