// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/describe"
)

const retryHelp = `Process recordings again, with the pipeline as it is now.

Steps that succeeded are kept with their outputs, as long as the pipeline still has them as they were.
Steps that failed, were skipped or wait run again, with everything that follows them. --from has a step
run again too, and --all-steps all of them.

A recording that is being processed, or waits for a person, is left alone, unless --from or --all-steps asks
for it: then what runs is stopped. So is one whose every step succeeded, unless its spec.pipelineRef names
another pipeline by now. A step of kind approve asks again in each run.

A step that failed over something that may pass, for example a recording that is not there yet, is tried
again without this command: status.steps[].retry.nextTime says when.

The command sets spec.rerun, whose token is the time.`

const retryExample = `  # After the cause is corrected
  kubectl recordings retry camera-zudpi4yqjspvcmd6

  # What of a source has not succeeded; first look what that is
  kubectl recordings retry -l recording.sparkrtc.dev/source=classroom --dry-run
  kubectl recordings retry -l recording.sparkrtc.dev/source=classroom

  # The step "captions" and what follows it, once more
  kubectl recordings retry camera-zudpi4yqjspvcmd6 --from captions`

// retryOptions are the command `retry`.
type retryOptions struct {
	env     Environment
	access  *access
	cluster *cluster

	names    []string
	selector string
	rerun    v1alpha1.Rerun
	dryRun   string
}

func newRetry(env Environment, a *access) *cobra.Command {
	o := &retryOptions{env: env, access: a}
	command := &cobra.Command{
		Use:                   "retry (NAME... | -l SELECTOR) [--from STEP | --all-steps] [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Process recordings again",
		Long:                  retryHelp,
		Example:               retryExample,
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.recordingFiles(command, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(o),
	}
	flags := command.Flags()
	flags.StringVarP(&o.selector, "selector", "l", "", "the recordings with these labels")
	flags.StringVar(&o.rerun.From, "from", "", "run this step again, and every step that follows it, also when they succeeded")
	flags.BoolVar(&o.rerun.IncludeSucceeded, "all-steps", false, "run every step again, also when it succeeded")
	addDryRun(command, &o.dryRun)
	return command
}

func (o *retryOptions) complete(_ *cobra.Command, args []string) error {
	for _, name := range args {
		o.names = append(o.names, fileName(name))
	}
	o.rerun.Token = o.env.Clock.Now().UTC().Format(time.RFC3339)
	var err error
	o.cluster, err = o.access.connect()
	return err
}

func (o *retryOptions) validate() error {
	if (len(o.names) > 0) == (o.selector != "") {
		return usagef("name RecordingFiles, or give --selector")
	}
	if o.rerun.From != "" && o.rerun.IncludeSucceeded {
		return usagef("give --from or --all-steps, not both")
	}
	return validateDryRun(o.dryRun)
}

func (o *retryOptions) run(ctx context.Context) error {
	return o.cluster.eachFile(ctx, o.env, o.names, o.selector, o.retry)
}

// retry asks for another run of one recording, and says what it has done.
func (o *retryOptions) retry(ctx context.Context, name string) (string, error) {
	file, err := o.cluster.file(ctx, name)
	if err != nil {
		return "", err
	}
	if why := o.unneeded(file); why != "" {
		return "unchanged: " + why, nil
	}
	if o.dryRun == dryRunClient {
		return "runs again (dry run)", nil
	}
	// A merge patch of the whole: what an earlier request asked for is not part of this one.
	var from any
	if o.rerun.From != "" {
		from = o.rerun.From
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"rerun": map[string]any{
		"token": o.rerun.Token, "from": from, "includeSucceeded": o.rerun.IncludeSucceeded}}})
	if err != nil {
		return "", fmt.Errorf("encode the patch: %w", err)
	}
	if err := o.cluster.Patch(ctx, file, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return "", o.cluster.explain(err, "patch", "recordingfiles."+v1alpha1.GroupVersion.Group, o.cluster.namespace)
	}
	return "runs again", nil
}

// unneeded says why a recording is left alone; empty: it is not.
func (o *retryOptions) unneeded(file *v1alpha1.RecordingFile) string {
	if o.rerun.From != "" || o.rerun.IncludeSucceeded || len(file.Status.Steps) == 0 {
		return ""
	}
	succeeded := true
	for i := range file.Status.Steps {
		step := &file.Status.Steps[i]
		if step.State == v1alpha1.StepRunning || step.State == v1alpha1.StepPending && step.JobName != "" && step.Retry == nil {
			return fmt.Sprintf("step %q runs", step.Name)
		}
		if describe.AsksPerson(step) {
			return fmt.Sprintf("step %q waits for a person; kubectl recordings approve decides it", step.Name)
		}
		succeeded = succeeded && (step.State == v1alpha1.StepSucceeded || step.State == v1alpha1.StepSkipped && step.Reason != v1alpha1.ReasonDependencyFailed)
	}
	if succeeded && !meta.IsStatusConditionTrue(file.Status.Conditions, v1alpha1.ConditionPipelineChanged) {
		return "every step succeeded or had nothing to do; --from or --all-steps has them run again"
	}
	return ""
}
