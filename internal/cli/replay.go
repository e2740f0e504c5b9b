// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const replayHelp = `Have the operator store rejected callbacks again.

A RejectedCallback is a callback that was signed correctly but could not be stored: its body could not
be decoded, or the API server refused it. SparkRTC was answered and will not send it again. When the
cause is fixed, replay it. The command sets spec.replay and waits for the condition Replayed.

You need the rights of the ClusterRole recordings-rejected-edit.`

const replayExample = `  # List what was rejected, and read one
  kubectl get rejectedcallbacks -o wide
  kubectl get rcb classroom-07 -o jsonpath='{.spec.body}' | base64 -d

  # Store one again, or all of a source, or all of the namespace
  kubectl recordings replay classroom-07
  kubectl recordings replay --source classroom
  kubectl recordings replay --all`

// replayPoll is how often the command looks whether the operator is done.
const replayPoll = 200 * time.Millisecond

// replayOptions is the command `replay`.
type replayOptions struct {
	env    Environment
	access *access

	names   []string
	source  string
	all     bool
	timeout time.Duration
	cluster *cluster
}

func newReplay(env Environment, a *access) *cobra.Command {
	o := &replayOptions{env: env, access: a}
	command := &cobra.Command{
		Use:                   "replay (NAME... | --source SOURCE | --all) [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Store rejected callbacks again",
		Long:                  replayHelp,
		Example:               replayExample,
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.rejectedCallbacks(command, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(o),
	}
	flags := command.Flags()
	flags.StringVar(&o.source, "source", "", "replay all rejected callbacks of this RecordingSource")
	flags.BoolVar(&o.all, "all", false, "replay all rejected callbacks of the namespace")
	o.timeout = 30 * time.Second
	flags.Var((*durationValue)(&o.timeout), "timeout", "how long to wait for the operator, for each callback")
	_ = command.RegisterFlagCompletionFunc("source", func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.sources(command), cobra.ShellCompDirectiveNoFileComp
	})
	return command
}

func (o *replayOptions) complete(_ *cobra.Command, args []string) (err error) {
	o.names = args
	o.cluster, err = o.access.connect()
	return err
}

func (o *replayOptions) validate() error {
	given := 0
	for _, is := range []bool{len(o.names) > 0, o.source != "", o.all} {
		if is {
			given++
		}
	}
	if given != 1 {
		return usagef("give the names of RejectedCallbacks, or --source, or --all")
	}
	if o.timeout <= 0 {
		return usagef("--timeout must be above zero")
	}
	return nil
}

func (o *replayOptions) run(ctx context.Context) error {
	names, err := o.selected(ctx)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		_, err := fmt.Fprintf(o.env.ErrOut, "No RejectedCallbacks found in namespace %s\n", o.cluster.namespace)
		return err
	}
	refused, pending := 0, 0
	for _, name := range names {
		condition, err := o.replay(ctx, name)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s: %s: %s\n", name, plain(condition.Reason), plain(condition.Message))
		switch condition.Status {
		case metav1.ConditionTrue:
			_, _ = fmt.Fprint(o.env.Out, text)
		case metav1.ConditionFalse:
			refused++
			_, _ = fmt.Fprint(o.env.ErrOut, text)
		default:
			pending++
			_, _ = fmt.Fprint(o.env.ErrOut, text)
		}
	}
	switch {
	case refused > 0:
		return &exitError{code: ExitRefused, err: fmt.Errorf("%d of %d callbacks are still refused", refused, len(names))}
	case pending > 0:
		return &exitError{code: ExitNotNow, err: fmt.Errorf("%d of %d callbacks are not stored yet; the operator goes on trying", pending, len(names))}
	default:
		return nil
	}
}

// selected are the names of the callbacks to replay. Those that are stored already are left out of --source and --all.
func (o *replayOptions) selected(ctx context.Context) ([]string, error) {
	if len(o.names) > 0 {
		return o.names, nil
	}
	list := &v1alpha1.RejectedCallbackList{}
	if err := o.cluster.List(ctx, list, client.InNamespace(o.cluster.namespace)); err != nil {
		return nil, o.cluster.explain(err, "list", rejectedResource, o.cluster.namespace)
	}
	var names []string
	for i := range list.Items {
		item := &list.Items[i]
		stored := meta.IsStatusConditionTrue(item.Status.Conditions, v1alpha1.ConditionReplayed)
		if !stored && (o.all || item.Spec.SourceRef.Name == o.source) {
			names = append(names, item.Name)
		}
	}
	return names, nil
}

var rejectedResource = "rejectedcallbacks." + v1alpha1.GroupVersion.Group

// replay asks for one replay, and waits for what comes of it.
func (o *replayOptions) replay(ctx context.Context, name string) (metav1.Condition, error) {
	rejected, err := o.get(ctx, name)
	if err != nil {
		return metav1.Condition{}, err
	}
	// Only a change makes the operator try.
	values := []bool{true}
	if rejected.Spec.Replay {
		values = []bool{false, true}
	}
	for _, replay := range values {
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replay":%t}}`, replay))
		if err := o.cluster.Patch(ctx, rejected, patch); err != nil {
			return metav1.Condition{}, o.cluster.explain(err, "patch", rejectedResource, o.cluster.namespace)
		}
	}
	return o.await(ctx, rejected)
}

// await waits until the operator has seen the replay that was asked for.
func (o *replayOptions) await(ctx context.Context, asked *v1alpha1.RejectedCallback) (metav1.Condition, error) {
	condition := metav1.Condition{Status: metav1.ConditionUnknown, Reason: "Pending", Message: "The operator has not replayed it yet"}
	err := wait.PollUntilContextTimeout(ctx, replayPoll, o.timeout, true, func(ctx context.Context) (bool, error) {
		found, err := o.get(ctx, asked.Name)
		if err != nil {
			return false, err
		}
		if replayed := meta.FindStatusCondition(found.Status.Conditions, v1alpha1.ConditionReplayed); replayed != nil && replayed.ObservedGeneration >= asked.Generation {
			condition = *replayed
		}
		return found.Status.ObservedGeneration >= asked.Generation, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = nil
	}
	return condition, err
}

func (o *replayOptions) get(ctx context.Context, name string) (*v1alpha1.RejectedCallback, error) {
	rejected := &v1alpha1.RejectedCallback{}
	err := o.cluster.Get(ctx, types.NamespacedName{Namespace: o.cluster.namespace, Name: name}, rejected)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("RejectedCallback %q not found in namespace %s", name, o.cluster.namespace)
	}
	if err != nil {
		return nil, o.cluster.explain(err, "get", rejectedResource, o.cluster.namespace)
	}
	return rejected, nil
}
