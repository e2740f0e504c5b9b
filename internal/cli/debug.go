// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sparkrtc.dev/recording-operator/internal/debug"
	"sparkrtc.dev/recording-operator/internal/doctor/gather"
)

const debugHelp = `Write an archive to send with a question: what doctor finds, the objects, events and pods of the
operator and of recordings, and the operator's logs.

No value of a Secret is in it, plain or encoded, wherever it appears; Secrets are read to search for
their values. Those that you may not read cannot be searched for, and the command says which. Left
out as well are values of environment variables, annotations of others, bodies of rejected
callbacks, and credentials and queries in URLs. Names of rooms, users and streams are in it: read
the archive before you send it.

Without --namespace, the recordings of all namespaces are in it.`

const debugExample = `  kubectl recordings debug
  kubectl recordings debug -n media -f - | tar -tz`

// debugOptions is the command `debug`.
type debugOptions struct {
	env               Environment
	access            *access
	file              string
	operatorNamespace string
	gather            gather.Options
}

func newDebug(env Environment, a *access) *cobra.Command {
	o := &debugOptions{env: env, access: a}
	command := &cobra.Command{
		Use:                   "debug [-f FILE] [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Write an archive without secrets to send with a question",
		Long:                  debugHelp,
		Example:               debugExample,
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE:                  runs(o),
	}
	command.Flags().StringVarP(&o.file, "filename", "f", "", "`file` to write; - is standard output (default: recording-debug-TIME.tar.gz)")
	addOperatorNamespace(command, a, &o.operatorNamespace)
	return command
}

func (o *debugOptions) complete(command *cobra.Command, args []string) error {
	if err := exactArgs()(command, args); err != nil {
		return err
	}
	c, err := o.access.connect()
	if err != nil {
		return err
	}
	if o.file == "" {
		o.file = "recording-debug-" + o.env.Clock.Now().UTC().Format("20060102T150405Z") + ".tar.gz"
	}
	o.gather = gather.Options{
		Config: c.config, Clock: o.env.Clock, Plugin: o.env.Version, OperatorNamespace: o.operatorNamespace, Namespace: namespaceGiven(command.Flags()),
	}
	return nil
}

func (*debugOptions) validate() error { return nil }

func (o *debugOptions) run(ctx context.Context) error {
	if o.file == "-" {
		return o.write(ctx, o.env.Out)
	}
	// It is for its user alone, and replaces nothing.
	file, err := os.OpenFile(o.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(o.write(ctx, file), file.Close()); err != nil {
		return errors.Join(err, os.Remove(o.file))
	}
	_, err = fmt.Fprintf(o.env.Out, "%s\n", o.file)
	return err
}

func (o *debugOptions) write(ctx context.Context, out io.Writer) error {
	missing, err := debug.Write(ctx, out, o.gather)
	for _, what := range missing {
		_, _ = fmt.Fprintf(o.env.ErrOut, "left out: %s\n", plain(what))
	}
	return err
}
