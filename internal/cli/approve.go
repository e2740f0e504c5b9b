// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/describe"
)

const approveHelp = `Approve a step of a recording that waits for a person, or reject it.

A step of kind approve waits until somebody decides. Approved, the steps behind it start; rejected, it fails
with the reason Rejected. "kubectl recordings queue" lists what waits, and "kubectl recordings tree NAME" says
what there is to decide and what the steps before it have published.

The decision is yours: it is written to spec.approvals with the name that the API server knows you by (kubectl
auth whoami), for the run that goes on. Another run asks again. What another person decided is left alone.

You need the rights to get, patch and approve recordingfiles (the ClusterRole recordings-approve). The exit code
is 3 when the step does not wait for a decision.`

const approveExample = `  # What waits, and what of
  kubectl recordings queue
  kubectl recordings tree camera-zudpi4yqjspvcmd6

  kubectl recordings approve camera-zudpi4yqjspvcmd6 release
  kubectl recordings approve camera-zudpi4yqjspvcmd6 release --reject`

// approveOptions are the command `approve`.
type approveOptions struct {
	env     Environment
	access  *access
	cluster *cluster

	name, step string
	reject     bool
	dryRun     string
}

func newApprove(env Environment, a *access) *cobra.Command {
	o := &approveOptions{env: env, access: a}
	command := &cobra.Command{
		Use:                   "approve NAME STEP [--reject] [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Approve or reject a step that waits for a person",
		Long:                  approveHelp,
		Example:               approveExample,
		Args:                  exactArgs("NAME", "STEP"),
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return a.recordingFiles(command, args), cobra.ShellCompDirectiveNoFileComp
			case 1:
				return a.steps(command, args[0], describe.AsksPerson), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(o),
	}
	command.Flags().BoolVar(&o.reject, "reject", false, "reject the step instead: it fails")
	addDryRun(command, &o.dryRun)
	return command
}

func (o *approveOptions) complete(_ *cobra.Command, args []string) error {
	o.name, o.step = fileName(args[0]), args[1]
	var err error
	o.cluster, err = o.access.connect()
	return err
}

func (o *approveOptions) validate() error { return validateDryRun(o.dryRun) }

// approveAttempts is how often a decision is written that somebody else's write was in the way of: the operator writes the
// status of the same object.
const approveAttempts = 5

func (o *approveOptions) run(ctx context.Context) error {
	if err := o.cluster.may(ctx, "approve"); err != nil {
		return err
	}
	person, err := o.cluster.whoAmI(ctx)
	if err != nil {
		return err
	}
	for range approveAttempts {
		var done string
		if done, err = o.decide(ctx, person); err == nil {
			_, err := fmt.Fprintf(o.env.Out, "recordingfile/%s step %s %s\n", o.name, o.step, done)
			return err
		}
		if !apierrors.IsConflict(err) {
			return err
		}
	}
	return &exitError{code: ExitNotNow, err: fmt.Errorf("the RecordingFile kept changing while the decision was written; run the command again: %w", err)}
}

// decide writes the decision to the file as it is now, and says what it has done.
func (o *approveOptions) decide(ctx context.Context, person string) (string, error) {
	file, err := o.cluster.file(ctx, o.name)
	if err != nil {
		return "", err
	}
	if err := o.waits(file); err != nil {
		return "", err
	}
	approval := v1alpha1.Approval{Step: o.step, Run: file.Status.Run, By: person, Decision: v1alpha1.DecisionApprove}
	done := "approved"
	if o.reject {
		approval.Decision, done = v1alpha1.DecisionReject, "rejected"
	}
	approvals := slices.Clone(file.Spec.Approvals)
	i := slices.IndexFunc(approvals, func(a v1alpha1.Approval) bool { return a.Step == o.step })
	switch {
	case i < 0:
		approvals = append(approvals, approval)
	case approvals[i] == approval:
		return done + " already", nil
	case approvals[i].Run == approval.Run && approvals[i].By != person:
		return "", &exitError{code: ExitRefused, err: fmt.Errorf("step %q was decided by %s (%s), and only they may change that",
			o.step, plain(approvals[i].By), approvals[i].Decision)}
	default:
		approvals[i] = approval
	}
	if o.dryRun == dryRunClient {
		return done + " (dry run)", nil
	}
	// Guarded by what was read: two who decide about two steps at one time must not lose one.
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": file.ResourceVersion}, "spec": map[string]any{"approvals": approvals},
	})
	if err != nil {
		return "", fmt.Errorf("encode the patch: %w", err)
	}
	if err := o.cluster.Patch(ctx, file, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return "", o.cluster.explain(err, "patch", "recordingfiles."+v1alpha1.GroupVersion.Group, o.cluster.namespace)
	}
	return done, nil
}

// waits says why there is nothing to decide; nil: there is.
func (o *approveOptions) waits(file *v1alpha1.RecordingFile) error {
	refused := func(format string, args ...any) error {
		return &exitError{code: ExitRefused, err: fmt.Errorf(format, args...)}
	}
	var asking []string
	for i := range file.Status.Steps {
		step := &file.Status.Steps[i]
		switch {
		case describe.AsksPerson(step) && step.Name == o.step:
			return nil
		case describe.AsksPerson(step):
			asking = append(asking, step.Name)
		case step.Name == o.step:
			return refused("step %q does not wait for a decision: it is %s", o.step, plain(describe.With(describe.Words(string(step.State), step.Reason), step.Message)))
		}
	}
	if len(asking) == 0 {
		return refused("RecordingFile %q has no step %q, and no other step of it waits for a decision", file.Name, o.step)
	}
	return refused("RecordingFile %q has no step %q; these wait for a decision: %v", file.Name, o.step, asking)
}

// whoAmI is the name that the API server knows the user by.
func (c *cluster) whoAmI(ctx context.Context) (string, error) {
	review := &authenticationv1.SelfSubjectReview{}
	if err := c.Create(ctx, review); err != nil {
		return "", fmt.Errorf("ask for your name: %w", err)
	}
	if review.Status.UserInfo.Username == "" {
		return "", errors.New("the API server does not say your name (kubectl auth whoami)")
	}
	return review.Status.UserInfo.Username, nil
}
