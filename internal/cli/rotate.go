// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const rotateHelp = `Replace the callback key of a source that the operator registers with SparkRTC.

The operator writes a next key into the Secret, registers it, waits until a callback is seen that it
signed, and then removes the old key. Callbacks are verified with both keys until then, so none is lost.
The condition Registered of the source says how far that is.

The command sets spec.service.rotateKey to the time, and does not wait. You need the right to patch
RecordingSources, and none to Secrets.`

const rotateExample = `  kubectl recordings rotate-key classroom
  kubectl describe recordingsource classroom`

// rotateOptions is the command `rotate-key`.
type rotateOptions struct {
	env     Environment
	access  *access
	cluster *cluster

	name, dryRun string
}

func newRotateKey(env Environment, a *access) *cobra.Command {
	o := &rotateOptions{env: env, access: a}
	command := &cobra.Command{
		Use:                   "rotate-key SOURCE [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Replace the callback key of a source",
		Long:                  rotateHelp,
		Example:               rotateExample,
		Args:                  exactArgs("the name of a RecordingSource"),
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.sources(command), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(o),
	}
	addDryRun(command, &o.dryRun)
	return command
}

func (o *rotateOptions) complete(_ *cobra.Command, args []string) (err error) {
	o.name = args[0]
	o.cluster, err = o.access.connect()
	return err
}

func (o *rotateOptions) validate() error { return validateDryRun(o.dryRun) }

func (o *rotateOptions) run(ctx context.Context) error {
	source, err := o.cluster.source(ctx, o.name)
	if err != nil {
		return err
	}
	if source.Spec.Service == nil {
		return &exitError{code: ExitRefused, err: fmt.Errorf("RecordingSource %q has no spec.service, so people register its key: "+
			"add the new key to spec.callback.keys, change the Private Key in the SparkRTC console, then remove the old key", o.name)}
	}
	done := "key rotates"
	registration := source.Status.Registration
	switch {
	case registration != nil && registration.Rotation != nil:
		return o.say("unchanged: a rotation goes on since " + registration.Rotation.StartTime.UTC().Format(time.RFC3339))
	case o.dryRun == dryRunClient:
		return o.say(done + " (dry run)")
	}
	patch := fmt.Appendf(nil, `{"spec":{"service":{"rotateKey":%q}}}`, o.env.Clock.Now().UTC().Format(time.RFC3339))
	if err := o.cluster.Patch(ctx, source, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return o.cluster.explain(err, "patch", "recordingsources."+v1alpha1.GroupVersion.Group, o.cluster.namespace)
	}
	return o.say(done)
}

func (o *rotateOptions) say(what string) error {
	_, err := fmt.Fprintf(o.env.Out, "recordingsource/%s %s\n", o.name, what)
	return err
}
