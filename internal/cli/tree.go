// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/describe"
	"sparkrtc.dev/recording-operator/internal/recording"
)

const treeHelp = `Show what became of a recording: its steps, their Jobs and pods, what they published and created.

Each step has its state and, when there is something to say, why. What is in the way of a step is in
its message; "kubectl recordings logs NAME STEP" has what its containers said.

You need the right to get recordingfiles. Jobs and pods are left out where you may not list them.`

const treeExample = `  kubectl recordings tree camera-zudpi4yqjspvcmd6
  kubectl recordings tree $(kubectl get rec -o name)`

// treeOptions is the command `tree`.
type treeOptions struct {
	env     Environment
	access  *access
	cluster *cluster
	names   []string
}

func newTree(env Environment, a *access) *cobra.Command {
	o := &treeOptions{env: env, access: a}
	return &cobra.Command{
		Use:                   "tree NAME... [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Show a recording's steps, Jobs, pods and outputs",
		Long:                  treeHelp,
		Example:               treeExample,
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.recordingFiles(command, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(o),
	}
}

func (o *treeOptions) complete(_ *cobra.Command, args []string) error {
	for _, name := range args {
		o.names = append(o.names, fileName(name))
	}
	var err error
	o.cluster, err = o.access.connect()
	return err
}

func (o *treeOptions) validate() error {
	if len(o.names) == 0 {
		return usagef("name a RecordingFile; `kubectl get recordingfiles` lists them")
	}
	return nil
}

func (o *treeOptions) run(ctx context.Context) error {
	for i, name := range o.names {
		file, err := o.cluster.file(ctx, name)
		if err != nil {
			return err
		}
		root := fileNode(file)
		if err := o.addChildren(ctx, file, root); err != nil {
			return err
		}
		if i > 0 {
			_, _ = fmt.Fprintln(o.env.Out)
		}
		if _, err := fmt.Fprint(o.env.Out, root.String()); err != nil {
			return err
		}
	}
	return nil
}

// addChildren puts the Jobs and pods below the steps that they belong to.
func (o *treeOptions) addChildren(ctx context.Context, file *v1alpha1.RecordingFile, root *treeNode) error {
	of := []client.ListOption{client.InNamespace(file.Namespace), client.MatchingLabels{v1alpha1.LabelFile: file.Name}}
	var jobs batchv1.JobList
	var pods corev1.PodList
	for _, list := range []client.ObjectList{&jobs, &pods} {
		err := o.cluster.List(ctx, list, of...)
		if apierrors.IsForbidden(err) {
			_, _ = fmt.Fprintf(o.env.ErrOut, "left out: %s\n", plainLines(err.Error()))
			continue
		}
		if err != nil {
			return err
		}
	}
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for i := range jobs.Items {
		job := &jobs.Items[i]
		parent := root.child(job.Labels[v1alpha1.LabelStep])
		if parent == nil || job.Annotations[v1alpha1.AnnotationRun] != fmt.Sprint(file.Status.Run) {
			continue
		}
		node := parent.addFirst(fmt.Sprintf("Job %s  %s", job.Name, describe.Job(job)))
		for j := range pods.Items {
			if pod := &pods.Items[j]; pod.Labels[batchv1.JobNameLabel] == job.Name {
				node.add(fmt.Sprintf("Pod %s  %s", pod.Name, describe.Pod(pod)))
			}
		}
	}
	return nil
}

// file reads a RecordingFile of the namespace.
func (c *cluster) file(ctx context.Context, name string) (*v1alpha1.RecordingFile, error) {
	file := &v1alpha1.RecordingFile{}
	err := c.Get(ctx, types.NamespacedName{Namespace: c.namespace, Name: name}, file)
	switch {
	case isNoSuchKind(err):
		return nil, fmt.Errorf("the cluster knows no RecordingFiles: install the operator first, or choose another --context: %w", err)
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("RecordingFile %q not found in namespace %s; `kubectl get recordingfiles -A` lists them all", name, c.namespace)
	case err != nil:
		return nil, c.explain(err, "get", "recordingfiles."+v1alpha1.GroupVersion.Group, c.namespace)
	}
	return file, nil
}

// fileName takes what `kubectl get -o name` prints too.
func fileName(name string) string {
	_, after, found := strings.Cut(name, "/")
	if found {
		return after
	}
	return name
}

// fileNode is a file and its steps.
func fileNode(file *v1alpha1.RecordingFile) *treeNode {
	state, message := describe.Status(file)
	root := &treeNode{text: fmt.Sprintf("RecordingFile %s/%s  %s", file.Namespace, file.Name, describe.With(state, message))}
	if file.Status.Pipeline != nil {
		root.text += fmt.Sprintf("\nRecordingPipeline %s, run %d", file.Status.Pipeline.Name, file.Status.Run)
	}
	for i := range file.Status.Steps {
		addStep(root, &file.Status.Steps[i])
	}
	return root
}

func addStep(root *treeNode, step *v1alpha1.StepStatus) {
	node := root.add(describe.Step(step))
	node.name = step.Name
	if step.Message != "" {
		node.add(step.Message)
	}
	for i := range step.Outputs {
		output := &step.Outputs[i]
		node.add(fmt.Sprintf("%s  %s", output.URI, recording.HumanSize(output.SizeBytes)))
	}
	if more := describe.MoreOutputs(step); more > 0 {
		node.add(fmt.Sprintf("%d more: %s", more, step.Manifest.URI))
	}
	if step.Object != nil {
		node.add(fmt.Sprintf("%s %s", step.Object.Kind, step.Object.Name))
	}
	for _, result := range step.Results {
		node.add(fmt.Sprintf("result %s = %s", result.Name, result.Value))
	}
}
