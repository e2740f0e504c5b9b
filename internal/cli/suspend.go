// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const suspendHelp = `Suspend the processing of recordings: no new step starts, and Jobs that run are suspended, which
ends their pods. What a step has done is kept; a step that was interrupted begins again.

The command sets spec.suspend. "kubectl recordings resume" takes it back.`

const resumeHelp = `Go on with recordings that were suspended.

The command sets spec.suspend to false. A Job that somebody else has suspended, for example Kueue, stays
suspended.`

// suspendOptions are the commands `suspend` and `resume`.
type suspendOptions struct {
	env     Environment
	access  *access
	cluster *cluster

	suspend  bool
	names    []string
	selector string
	all      bool
	dryRun   string
}

func newSuspend(env Environment, a *access) *cobra.Command {
	return suspendCommand(&suspendOptions{env: env, access: a, suspend: true}, "suspend", "Suspend the processing of recordings", suspendHelp)
}

func newResume(env Environment, a *access) *cobra.Command {
	return suspendCommand(&suspendOptions{env: env, access: a}, "resume", "Go on with suspended recordings", resumeHelp)
}

func suspendCommand(o *suspendOptions, name, short, long string) *cobra.Command {
	command := &cobra.Command{
		Use:                   name + " (NAME... | -l SELECTOR | --all) [flags]",
		DisableFlagsInUseLine: true,
		Short:                 short,
		Long:                  long,
		Example: fmt.Sprintf(`  kubectl recordings %[1]s camera-zudpi4yqjspvcmd6
  kubectl recordings %[1]s -l recording.sparkrtc.dev/source=classroom
  kubectl recordings %[1]s --all --dry-run`, name),
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return o.access.recordingFiles(command, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(o),
	}
	flags := command.Flags()
	flags.StringVarP(&o.selector, "selector", "l", "", "the recordings with these labels")
	flags.BoolVar(&o.all, "all", false, "all recordings of the namespace")
	addDryRun(command, &o.dryRun)
	return command
}

func (o *suspendOptions) complete(_ *cobra.Command, args []string) error {
	for _, name := range args {
		o.names = append(o.names, fileName(name))
	}
	var err error
	o.cluster, err = o.access.connect()
	return err
}

func (o *suspendOptions) validate() error {
	chosen := 0
	for _, given := range []bool{len(o.names) > 0, o.selector != "", o.all} {
		if given {
			chosen++
		}
	}
	if chosen != 1 {
		return usagef("name RecordingFiles, or give one of --selector and --all")
	}
	return validateDryRun(o.dryRun)
}

func (o *suspendOptions) run(ctx context.Context) error {
	return o.cluster.eachFile(ctx, o.env, o.names, o.selector, o.set)
}

// set writes spec.suspend, and says what it has done.
func (o *suspendOptions) set(ctx context.Context, name string) (string, error) {
	file, err := o.cluster.file(ctx, name)
	if err != nil {
		return "", err
	}
	done := "resumed"
	if o.suspend {
		done = "suspended"
	}
	switch {
	case file.Spec.Suspend == o.suspend:
		return "unchanged", nil
	case o.dryRun == dryRunClient:
		return done + " (dry run)", nil
	}
	patch := fmt.Appendf(nil, `{"spec":{"suspend":%t}}`, o.suspend)
	if err := o.cluster.Patch(ctx, file, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return "", o.cluster.explain(err, "patch", "recordingfiles."+v1alpha1.GroupVersion.Group, o.cluster.namespace)
	}
	return done, nil
}
