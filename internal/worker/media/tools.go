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

package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/exec"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
)

// ExitSandbox is the exit code of the worker's sandbox subcommand when it could not set up the sandbox; the program never ran.
const ExitSandbox = 125

// maxAnswer bounds ffprobe's JSON: a file with hundreds of streams stays far below.
const maxAnswer = 4 << 20

// maxComplaint is how much of what a tool says on its standard error goes into an error.
const maxComplaint = 600

// ErrSandbox says that a tool was not run because the sandbox could not be set up.
var ErrSandbox = errors.New("cannot set up the sandbox for")

// Tools run ffmpeg and ffprobe, each in a sandbox: without network, reading Read, writing Write.
type Tools struct {
	// FFmpeg, FFprobe and Worker are absolute paths; Worker is this program, which runs the others in a sandbox.
	FFmpeg, FFprobe, Worker string
	// Read and Write are the folders that ffmpeg may use. ffprobe reads both and writes nothing.
	Read, Write []string
}

// Probe says what is inside. An error that is no ErrSandbox and no end of ctx means that ffprobe cannot read it.
func (t Tools) Probe(ctx context.Context, in Input) (Probe, error) {
	answer := &limited{limit: maxAnswer}
	if err := t.run(ctx, t.probeRules(), t.FFprobe, ProbeArgs(in), answer); err != nil {
		return Probe{}, err
	}
	if answer.overflow {
		return Probe{}, fmt.Errorf("ffprobe's answer is larger than %d bytes", maxAnswer)
	}
	return ParseProbe(answer.data)
}

// Packets are the times of all packets of the probe's first video and first sound stream.
func (t Tools) Packets(ctx context.Context, in Input, probe Probe) (Packets, error) {
	reader := &PacketReader{Video: probe.Video, Audio: probe.Audio}
	if err := t.run(ctx, t.probeRules(), t.FFprobe, PacketArgs(in), &exec.Lines{Each: reader.Line}); err != nil {
		return Packets{}, err
	}
	return reader.Packets()
}

// Transcode makes output of the input, and hands each line of progress to onProgress.
func (t Tools) Transcode(ctx context.Context, in Input, transcode v1alpha1.Transcode, output string, onProgress func(line []byte)) error {
	rules := sandbox.Rules{Read: t.Read, Write: t.Write}
	return t.run(ctx, rules, t.FFmpeg, TranscodeArgs(in, transcode, output), &exec.Lines{Each: onProgress})
}

func (t Tools) probeRules() sandbox.Rules {
	return sandbox.Rules{Read: append(append([]string{}, t.Read...), t.Write...)}
}

func (t Tools) run(ctx context.Context, rules sandbox.Rules, program string, args []string, stdout io.Writer) error {
	complaint := &exec.Tail{Limit: maxComplaint}
	err := exec.Run(ctx, exec.Command{
		Path:   t.Worker,
		Args:   sandbox.Args(rules, append([]string{program}, args...)),
		Env:    []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"},
		Stdout: stdout,
		Stderr: complaint,
	})
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case !failed:
		return err
	case exit.Code == ExitSandbox:
		return fmt.Errorf("%w %s: %s", ErrSandbox, filepath.Base(program), complaint)
	default:
		return fmt.Errorf("%s ended with exit code %d: %s", filepath.Base(program), exit.Code, complaint)
	}
}

// limited keeps what is written up to a limit.
type limited struct {
	limit    int
	data     []byte
	overflow bool
}

// Write never fails, so that the child is not ended by a broken pipe.
func (l *limited) Write(data []byte) (int, error) {
	if len(l.data)+len(data) > l.limit {
		l.overflow = true
		return len(data), nil
	}
	l.data = append(l.data, data...)
	return len(data), nil
}
