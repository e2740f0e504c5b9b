// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is the kubectl plugin `kubectl recordings`: it sends signed callbacks, explains captured ones, finds past
// recordings, replays rejected callbacks, shows and steers the processing of recordings, and finds what is wrong. It acts with its user's rights alone.
package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// The exit codes, documented in docs/reference/kubectl-recordings.md and in the plugin's help.
const (
	// ExitDone says that what was asked for is done, or holds.
	ExitDone = 0
	// ExitFailed says that it could not be done: the cluster, the network or a file did not play along.
	ExitFailed = 1
	// ExitUsage says that the command line is wrong.
	ExitUsage = 2
	// ExitRefused says that the answer is no, and stays no: a callback is refused, a recording cannot be stored.
	ExitRefused = 3
	// ExitNotNow says that the answer is "not now": trying again later may succeed.
	ExitNotNow = 4
)

// Environment is what the plugin gets from its process.
type Environment struct {
	genericiooptions.IOStreams
	Clock clock.Clock
	// Version of the plugin.
	Version string
}

// Run runs the plugin with the arguments that follow its name, and returns the exit code. Errors are printed.
func Run(ctx context.Context, env Environment, args []string) int {
	// Libraries that the plugin shares with the operator would otherwise complain that nobody set their logger.
	log.SetLogger(logr.Discard())
	root := newRoot(env)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitDone
	}
	exit, coded := errors.AsType[*exitError](err)
	if !coded {
		// What cobra itself finds before a command runs, such as an unknown command, is about the command line.
		exit = &exitError{code: ExitUsage, err: err}
	}
	if exit.err != nil {
		// The whole error, which may say more than the part that has the code.
		_, _ = fmt.Fprintf(env.ErrOut, "error: %s\n", plainLines(err.Error()))
	}
	if exit.code == ExitUsage {
		_, _ = fmt.Fprintf(env.ErrOut, "See '%s --help' for usage and examples.\n", command.CommandPath())
	}
	return exit.code
}

const longHelp = `Work with SparkRTC's recordings and their callbacks.

The plugin acts with your rights in the cluster, never with the operator's.

Exit codes:
  0  done
  1  failed: the cluster, the network or a file did not play along
  2  the command line is wrong
  3  refused: the callback or recording is not acceptable as it is
  4  not now: trying again later may succeed`

func newRoot(env Environment) *cobra.Command {
	access := &access{flags: genericclioptions.NewConfigFlags(true), version: env.Version}
	root := &cobra.Command{
		Use:           "kubectl-recordings",
		Short:         "Work with SparkRTC's recordings and their callbacks",
		Long:          longHelp,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl recordings"},
		SilenceUsage:  true,
		SilenceErrors: true,
		// There is one of our own.
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.ErrOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	// Nothing is discovered, so nothing is cached.
	access.flags.CacheDir = nil
	access.flags.AddFlags(root.PersistentFlags())
	root.SetUsageTemplate(usageTemplate(root))
	root.AddCommand(newSend(env, access), newVerify(env, access), newDiscover(env, access), newReplay(env, access),
		newTree(env, access), newWatch(env, access), newLogs(env, access), newSuspend(env, access), newResume(env, access),
		newRetry(env, access), newApprove(env, access), newProcess(env, access), newQueue(env, access), newUI(env, access), newRotateKey(env, access),
		newDoctor(env, access), newDebug(env, access), newCompletion(env), newVersion(env))
	_ = root.RegisterFlagCompletionFunc("namespace", func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return access.namespaces(command), cobra.ShellCompDirectiveNoFileComp
	})
	return root
}

// usageTemplate is cobra's without kubectl's own flags, which would hide those of the command.
func usageTemplate(root *cobra.Command) string {
	const globals = `{{if .HasAvailableInheritedFlags}}

Global Flags:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}`
	const instead = `{{if .HasAvailableInheritedFlags}}

The flags of kubectl work too, such as --namespace, --context and --kubeconfig: see 'kubectl recordings --help'.{{end}}`
	return strings.Replace(root.UsageTemplate(), globals, instead, 1)
}

func newVersion(env Environment) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the plugin",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(env.Out, "kubectl recordings %s (%s, %s/%s)\n", env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return failed(err)
		},
	}
}

// exitError is an error with the exit code that it ends the plugin with.
type exitError struct {
	code int
	// err is nil when everything has been said.
	err error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// failed gives an error that has no exit code yet the general one.
func failed(err error) error {
	if _, coded := errors.AsType[*exitError](err); err == nil || coded {
		return err
	}
	return &exitError{code: ExitFailed, err: err}
}

// usagef is about the command line.
func usagef(format string, args ...any) error {
	return &exitError{code: ExitUsage, err: fmt.Errorf(format, args...)}
}

// task is a command's options, in kubectl's three steps.
type task interface {
	// complete fills in what the flags leave open.
	complete(command *cobra.Command, args []string) error
	// validate finds what is wrong without asking anybody.
	validate() error
	run(ctx context.Context) error
}

// runs makes a cobra function of a task.
func runs(t task) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		if err := t.complete(command, args); err != nil {
			return failed(err)
		}
		if err := t.validate(); err != nil {
			return failed(err)
		}
		return failed(t.run(command.Context()))
	}
}

// The values of --dry-run, as kubectl has them. There is no "server": nobody but this plugin could do nothing.
const (
	dryRunNone   = "none"
	dryRunClient = "client"
)

func addDryRun(command *cobra.Command, dryRun *string) {
	command.Flags().StringVar(dryRun, "dry-run", dryRunNone, `"none", or "client" to print what would be done instead of doing it`)
	command.Flags().Lookup("dry-run").NoOptDefVal = dryRunClient
	_ = command.RegisterFlagCompletionFunc("dry-run", cobra.FixedCompletions([]string{dryRunNone, dryRunClient}, cobra.ShellCompDirectiveNoFileComp))
}

func validateDryRun(dryRun string) error {
	if dryRun != dryRunNone && dryRun != dryRunClient {
		return usagef("--dry-run must be none or client, not %q", dryRun)
	}
	return nil
}

// exactArgs wants these arguments, which are named as the usage names them.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("give %s", strings.Join(names[len(args):], " and "))
		case len(args) > len(names):
			return usagef("unexpected argument %q", args[len(names)])
		}
		return nil
	}
}
