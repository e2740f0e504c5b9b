// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"

	"sparkrtc.dev/recording-operator/internal/doctor"
	"sparkrtc.dev/recording-operator/internal/doctor/gather"
)

const doctorHelp = `Find what is wrong with the operator and its recordings, and print the commands that fix it.

The checks read the cluster with your rights, in less than ten seconds. They change nothing. Each
source is sent a signed callback, through the operator's Service and to --url, that the receiver
verifies and does not store; that takes the rights to get the Secret of a key and to create
services/proxy. A check that could not run says why, and never passes.

Without --namespace, the recordings of all namespaces are examined.

--pre examines a cluster before the operator is installed. --wait repeats the checks until none
finds an error, for example after an installation.

The exit code is 1 when a check finds an error; warnings alone leave it 0.`

const doctorExample = `  # Everything that your rights let you see
  kubectl recordings doctor

  # With the URL that SparkRTC's console has
  kubectl recordings doctor --url https://recordings.example.com

  # Before and after installing
  kubectl recordings doctor --pre
  kubectl recordings doctor --wait --timeout 3m

  # For programs
  kubectl recordings doctor -o json`

// doctorPoll is how long --wait waits between two rounds of checks.
const doctorPoll = 2 * time.Second

// doctorOptions is the command `doctor`.
type doctorOptions struct {
	env    Environment
	access *access
	output *output

	pre, wait         bool
	timeout           time.Duration
	url               string
	operatorNamespace string

	gather gather.Options
}

func newDoctor(env Environment, a *access) *cobra.Command {
	o := &doctorOptions{env: env, access: a, output: newOutput(env.Out)}
	command := &cobra.Command{
		Use:                   "doctor [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Find what is wrong, and how to fix it",
		Long:                  doctorHelp,
		Example:               doctorExample,
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE:                  runs(o),
	}
	flags := command.Flags()
	flags.BoolVar(&o.pre, "pre", false, "examine a cluster before the operator is installed")
	flags.BoolVar(&o.wait, "wait", false, "repeat the checks until none finds an error, or --timeout is over")
	flags.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long to wait with --wait")
	flags.StringVar(&o.url, "url", "", "public `URL` of the receiver, without a path, to send callbacks to as well")
	addOperatorNamespace(command, a, &o.operatorNamespace)
	o.output.addFlags(command)
	return command
}

func addOperatorNamespace(command *cobra.Command, a *access, value *string) {
	command.Flags().StringVar(value, "operator-namespace", gather.DefaultOperatorNamespace, "`namespace` that the operator runs in")
	_ = command.RegisterFlagCompletionFunc("operator-namespace", func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.namespaces(command), cobra.ShellCompDirectiveNoFileComp
	})
}

func (o *doctorOptions) complete(command *cobra.Command, args []string) error {
	if err := exactArgs()(command, args); err != nil {
		return err
	}
	c, err := o.access.connect()
	if err != nil {
		return err
	}
	o.gather = gather.Options{
		Config: c.config, Clock: o.env.Clock, Plugin: o.env.Version, OperatorNamespace: o.operatorNamespace, URL: o.url,
		Namespace: namespaceGiven(command.Flags()),
	}
	return nil
}

// namespaceGiven is --namespace; empty when it is not given, whatever the context's is.
func namespaceGiven(flags *pflag.FlagSet) string {
	if given := flags.Lookup("namespace"); given != nil {
		return given.Value.String()
	}
	return corev1.NamespaceAll
}

func (o *doctorOptions) validate() error {
	if o.url != "" {
		if _, ok := parseHTTP(o.url); !ok || hasPath(o.url) {
			return usagef("--url must be a URL of http or https without a path, for example https://recordings.example.com")
		}
		if o.pre {
			return usagef("give --pre or --url, not both: before the operator is installed, nothing answers there")
		}
	}
	if o.timeout <= 0 {
		return usagef("--timeout must be positive, not %s", o.timeout)
	}
	return o.output.validate()
}

func (o *doctorOptions) run(ctx context.Context) error {
	report, err := o.examine(ctx)
	if o.wait {
		report, err = o.untilHealthy(ctx, report, err)
	}
	if err != nil {
		return err
	}
	if o.output.forPeople() {
		err = printReport(o.env.Out, report)
	} else {
		err = o.output.print("DoctorReport", report)
	}
	if err == nil && report.Errors > 0 {
		return &exitError{code: ExitFailed}
	}
	return err
}

// examine makes one report.
func (o *doctorOptions) examine(ctx context.Context) (*doctor.Report, error) {
	look, checks := gather.Installation, doctor.Checks
	if o.pre {
		look, checks = gather.BeforeInstalling, doctor.PreChecks
	}
	snapshot, err := look(ctx, o.gather)
	if err != nil {
		return nil, err
	}
	return doctor.Examine(snapshot, checks), nil
}

// untilHealthy examines again until there is no error. When time is over, the last report counts.
func (o *doctorOptions) untilHealthy(ctx context.Context, report *doctor.Report, err error) (*doctor.Report, error) {
	over := o.env.Clock.After(o.timeout)
	for err == nil && report.Errors > 0 {
		_, _ = fmt.Fprintf(o.env.ErrOut, "%d errors and %d warnings; waiting\n", report.Errors, report.Warnings)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-over:
			return report, nil
		case <-o.env.Clock.After(doctorPoll):
		}
		report, err = o.examine(ctx)
	}
	return report, err
}

// printReport prints a report for people: a line for each finding, and its fix below it.
func printReport(out io.Writer, report *doctor.Report) error {
	for i := range report.Findings {
		finding := &report.Findings[i]
		text := plain(finding.Message)
		if finding.Object != "" {
			text = plain(finding.Object) + ": " + text
		}
		if _, err := fmt.Fprintf(out, "%-8s %-14s %s\n", finding.Level, finding.Check, text); err != nil {
			return err
		}
		if finding.Fix == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "%24s$ %s\n", "", plain(finding.Fix)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "\n%d errors, %d warnings\n", report.Errors, report.Warnings)
	return err
}
