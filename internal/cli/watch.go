// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"sparkrtc.dev/recording-operator/internal/follow"
)

const watchHelp = `Watch recordings being processed: their running steps and how far these are.

On a terminal it shows a table that follows every change: up and down (or k and j), Page Up and Page Down
scroll, q ends. Elsewhere, for example in a pipe, it prints a line for each change.

PROGRESS is the percentage of a step that is done. A recording whose steps run side by side has a row for
each. A recording that waits says what for.

With --until-done it ends when every recording that is shown is done. The exit code is 1 when one of them
failed, or when there is none. A recording that cannot begin, for example because its RecordingPipeline does
not exist, is not done: it begins when the cause is corrected.

When the connection breaks, it connects again and shows what changed meanwhile. You need the right to list
and watch recordingfiles.`

const watchExample = `  # Everything in the namespace, then one recording
  kubectl recordings watch
  kubectl recordings watch camera-zudpi4yqjspvcmd6

  # What a source records, in a script: wait until it is processed, for half an hour at most
  timeout 30m kubectl recordings watch -l recording.sparkrtc.dev/source=classroom --until-done

  # A line for each change, on a terminal too
  kubectl recordings watch --all-namespaces | cat`

// watchOptions are the command `watch`.
type watchOptions struct {
	env     Environment
	access  *access
	watcher *fileWatcher

	name, selector           string
	allNamespaces, untilDone bool
}

func newWatch(env Environment, a *access) *cobra.Command {
	o := &watchOptions{env: env, access: a}
	command := &cobra.Command{
		Use:                   "watch [NAME | -l SELECTOR] [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Watch recordings being processed",
		Long:                  watchHelp,
		Example:               watchExample,
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.recordingFiles(command, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(o),
	}
	flags := command.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "the recordings of all namespaces")
	flags.StringVarP(&o.selector, "selector", "l", "", "the recordings with these labels")
	flags.BoolVar(&o.untilDone, "until-done", false, "end when every recording that is shown is done")
	return command
}

func (o *watchOptions) complete(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("unexpected argument %q: name one RecordingFile, or give --selector", args[1])
	}
	if len(args) == 1 {
		o.name = fileName(args[0])
	}
	chosen, err := parseSelector(o.selector)
	if err != nil {
		return err
	}
	c, err := o.access.connectForWatch()
	if err != nil {
		return err
	}
	o.watcher = &fileWatcher{cluster: c, clock: o.env.Clock, namespace: c.namespace, name: o.name, labels: chosen, fields: fields.Everything()}
	if o.allNamespaces {
		o.watcher.namespace = metav1.NamespaceAll
	}
	if o.name != "" {
		o.watcher.fields = fields.OneTermEqualSelector(metav1.ObjectNameField, o.name)
	}
	return nil
}

func (o *watchOptions) validate() error {
	if o.name != "" && (o.selector != "" || o.allNamespaces) {
		return usagef("give NAME, or --selector and --all-namespaces, not both")
	}
	return nil
}

func (o *watchOptions) run(ctx context.Context) error {
	files := newFileSet()
	var err error
	if onTerminal(o.env.In, o.env.Out) {
		err = o.runScreen(ctx, files)
	} else {
		err = o.runLines(ctx, files)
	}
	if err != nil || !o.untilDone {
		return err
	}
	return o.outcome(files)
}

// outcome is the error of --until-done, if there is one.
func (o *watchOptions) outcome(files *fileSet) error {
	all := files.sorted()
	if len(all) == 0 && files.listed {
		return fmt.Errorf("no RecordingFile matches; `kubectl get recordingfiles -A` lists them all")
	}
	if !files.done() {
		return &exitError{code: ExitNotNow, err: fmt.Errorf("ended before every recording was done")}
	}
	failures := 0
	for _, file := range all {
		if hasFailed(file) {
			failures++
		}
	}
	if failures > 0 {
		return fmt.Errorf("%d of %d recordings failed; `kubectl recordings tree NAME` says why", failures, len(all))
	}
	return nil
}

// onTerminal says that keys can be read and a screen be drawn.
func onTerminal(in io.Reader, out io.Writer) bool {
	for _, stream := range []any{in, out} {
		file, ok := stream.(*os.File)
		if !ok || !term.IsTerminal(int(file.Fd())) {
			return false
		}
	}
	return os.Getenv("TERM") != "dumb"
}

// runLines prints a line for each change.
func (o *watchOptions) runLines(ctx context.Context, files *fileSet) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	shown := map[string]string{}
	var writeErr error
	err := o.watcher.follow(ctx, func(change any) {
		if unreachable, is := change.(follow.Trouble); is {
			_, _ = fmt.Fprintf(o.env.ErrOut, "%s\n", plain(unreachable.Text()))
		}
		for _, line := range changedLines(shown, files, change) {
			if _, writeErr = fmt.Fprintln(o.env.Out, line); writeErr != nil {
				stop()
			}
		}
		if o.untilDone && files.done() {
			stop()
		}
	})
	if writeErr != nil {
		return fmt.Errorf("print: %w", writeErr)
	}
	return err
}
