// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/describe"
)

const logsHelp = `Print what the containers of a recording's step said, in the order in which they run.

Without STEP it is the step that failed, or else the one that runs, or else the last one. Of a step
that was tried several times it is the last attempt; --attempt chooses another. The logs are kept as
long as the pipeline's spec.ttlAfterFinished says.

You need the rights to get recordingfiles, to list pods, and to get pods/log.`

const logsExample = `  kubectl recordings logs camera-zudpi4yqjspvcmd6
  kubectl recordings logs camera-zudpi4yqjspvcmd6 mp4 --attempt 1
  kubectl recordings logs camera-zudpi4yqjspvcmd6 mp4 --follow`

// logsPoll is how often the command looks whether the next container runs.
const logsPoll = time.Second

// maxLogLine bounds a line, in bytes.
const maxLogLine = 1 << 20

// logsOptions is the command `logs`.
type logsOptions struct {
	env     Environment
	access  *access
	cluster *cluster
	pods    corev1client.PodInterface

	name, step string
	follow     bool
	attempt    int
	tail       int64
}

func newLogs(env Environment, a *access) *cobra.Command {
	o := &logsOptions{env: env, access: a}
	command := &cobra.Command{
		Use:                   "logs NAME [STEP] [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Print what the containers of a step said",
		Long:                  logsHelp,
		Example:               logsExample,
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return a.steps(command, args[0], hasJob), cobra.ShellCompDirectiveNoFileComp
			}
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.recordingFiles(command, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(o),
	}
	flags := command.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on until the step has ended")
	flags.IntVar(&o.attempt, "attempt", 0, "the attempt, from 1 on; 0 is the last")
	flags.Int64Var(&o.tail, "tail", -1, "how many lines of each container, from its end; -1 for all")
	return command
}

func (o *logsOptions) complete(_ *cobra.Command, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return usagef("name a RecordingFile, and a step of it if you like: NAME [STEP]")
	}
	o.name = fileName(args[0])
	if len(args) == 2 {
		o.step = args[1]
	}
	var err error
	if o.cluster, err = o.access.connect(); err != nil {
		return err
	}
	config := *o.cluster.config
	config.Timeout = 0 // a log that is followed has no end
	clients, err := corev1client.NewForConfig(&config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	o.pods = clients.Pods(o.cluster.namespace)
	return nil
}

func (o *logsOptions) validate() error {
	if o.attempt < 0 {
		return usagef("--attempt must be at least 1, or 0 for the last one, not %d", o.attempt)
	}
	if o.tail < -1 {
		return usagef("--tail must be a number of lines, or -1 for all, not %d", o.tail)
	}
	return nil
}

func (o *logsOptions) run(ctx context.Context) error {
	file, err := o.cluster.file(ctx, o.name)
	if err != nil {
		return err
	}
	step, err := chooseStep(file, o.step)
	if err != nil {
		return err
	}
	pod, err := o.pod(ctx, step)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(o.env.ErrOut, "step %s, pod %s\n", plain(step.Name), pod.Name)
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		begun, err := o.waitFor(ctx, pod.Name, container.Name)
		if err != nil {
			return err
		}
		if !begun {
			return nil
		}
		if err := o.print(ctx, pod.Name, container.Name); err != nil {
			return err
		}
	}
	return nil
}

// chooseStep is the step of a name, or the one that a person most likely wants to read about.
func chooseStep(file *v1alpha1.RecordingFile, name string) (*v1alpha1.StepStatus, error) {
	steps := file.Status.Steps
	var names []string
	for i := range steps {
		names = append(names, steps[i].Name)
		if steps[i].Name == name {
			return &steps[i], nil
		}
	}
	if name != "" {
		return nil, fmt.Errorf("RecordingFile %q has no step %q; it has: %s", file.Name, name, strings.Join(names, ", "))
	}
	for _, state := range []v1alpha1.StepState{v1alpha1.StepFailed, v1alpha1.StepRunning, v1alpha1.StepSucceeded} {
		last := -1
		for i := range steps {
			if steps[i].State == state && steps[i].JobName != "" {
				last = i
			}
		}
		if last >= 0 {
			return &steps[last], nil
		}
	}
	return nil, fmt.Errorf("no step of RecordingFile %q has begun; `kubectl describe recordingfile %s` says what it waits for", file.Name, file.Name)
}

// pod is that of an attempt.
func (o *logsOptions) pod(ctx context.Context, step *v1alpha1.StepStatus) (*corev1.Pod, error) {
	if step.JobName == "" {
		return nil, fmt.Errorf("step %q has not begun: %s", step.Name, describe.With(string(step.State), step.Message))
	}
	var pods corev1.PodList
	err := o.cluster.List(ctx, &pods, client.InNamespace(o.cluster.namespace), client.MatchingLabels{batchv1.JobNameLabel: step.JobName})
	if err != nil {
		return nil, o.cluster.explain(err, "list", "pods", o.cluster.namespace)
	}
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	attempt := o.attempt
	if attempt == 0 {
		attempt = len(pods.Items)
	}
	switch {
	case len(pods.Items) == 0:
		return nil, fmt.Errorf("the pods of step %q are gone, and their logs with them; spec.ttlAfterFinished of the pipeline says how long they are kept", step.Name)
	case attempt > len(pods.Items):
		return nil, fmt.Errorf("step %q has %d attempt(s) whose logs are left, not %d", step.Name, len(pods.Items), attempt)
	}
	return &pods.Items[attempt-1], nil
}

// waitFor says whether a container has begun. With --follow it waits for that, until the pod has ended.
func (o *logsOptions) waitFor(ctx context.Context, podName, container string) (bool, error) {
	for {
		pod := &corev1.Pod{}
		if err := o.cluster.Get(ctx, client.ObjectKey{Namespace: o.cluster.namespace, Name: podName}, pod); err != nil {
			return false, o.cluster.explain(err, "get", "pods", o.cluster.namespace)
		}
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if status.Name == container && (status.State.Running != nil || status.State.Terminated != nil) {
				return true, nil
			}
		}
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if !o.follow || ended {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-o.env.Clock.After(logsPoll):
		}
	}
}

// print prints the log of a container, each line behind the container's name. Control characters are escaped.
func (o *logsOptions) print(ctx context.Context, pod, container string) error {
	options := &corev1.PodLogOptions{Container: container, Follow: o.follow}
	if o.tail >= 0 {
		options.TailLines = &o.tail
	}
	stream, err := o.pods.GetLogs(pod, options).Stream(ctx)
	if err != nil {
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("the log of container %s is gone: %w", container, err)
		}
		return o.cluster.explain(err, "get", "pods/log", o.cluster.namespace)
	}
	defer stream.Close() //nolint:errcheck // it was read
	lines := bufio.NewReaderSize(stream, maxLogLine)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			if _, err := fmt.Fprintf(o.env.Out, "[%s] %s\n", container, plain(strings.TrimRight(string(line), "\r\n"))); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read the log of container %s: %w", container, err)
		}
	}
}

// hasJob says that a step has had a Job, and so may have a log.
func hasJob(step *v1alpha1.StepStatus) bool { return step.JobName != "" }
