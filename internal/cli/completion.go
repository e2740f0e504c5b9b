// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// completionTimeout bounds what a person waits for after pressing the tab key.
const completionTimeout = 3 * time.Second

// maxNames is how many names are completed.
const maxNames = 500

// names completes the names of the objects of a list that were not given yet. What goes wrong is not told: there is nothing
// to complete then.
func (a *access) names(command *cobra.Command, list client.ObjectList, given []string) []string {
	c, err := a.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()
	options := []client.ListOption{client.Limit(maxNames)}
	if _, ofCluster := list.(*corev1.NamespaceList); !ofCluster {
		options = append(options, client.InNamespace(c.namespace))
	}
	if err := c.List(ctx, list, options...); err != nil {
		return nil
	}
	var names []string
	_ = meta.EachListItem(list, func(item runtime.Object) error {
		if object, ok := item.(client.Object); ok && !slices.Contains(given, object.GetName()) {
			names = append(names, object.GetName())
		}
		return nil
	})
	return names
}

// sources completes the names of RecordingSources.
func (a *access) sources(command *cobra.Command) []string {
	return a.names(command, &v1alpha1.RecordingSourceList{}, nil)
}

// pipelines completes the names of RecordingPipelines.
func (a *access) pipelines(command *cobra.Command) []string {
	return a.names(command, &v1alpha1.RecordingPipelineList{}, nil)
}

// completeSource completes the one argument SOURCE.
func (a *access) completeSource(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.sources(command), cobra.ShellCompDirectiveNoFileComp
}

// namespaces completes the names of namespaces, for a person who may list them.
func (a *access) namespaces(command *cobra.Command) []string {
	return a.names(command, &corev1.NamespaceList{}, nil)
}

// rejectedCallbacks completes the names of RejectedCallbacks that were not given yet.
func (a *access) rejectedCallbacks(command *cobra.Command, given []string) []string {
	return a.names(command, &v1alpha1.RejectedCallbackList{}, given)
}

// recordingFiles completes the names of RecordingFiles that were not given yet.
func (a *access) recordingFiles(command *cobra.Command, given []string) []string {
	return a.names(command, &v1alpha1.RecordingFileList{}, given)
}

// steps completes the names of those of a recording's steps that fit.
func (a *access) steps(command *cobra.Command, file string, fits func(*v1alpha1.StepStatus) bool) []string {
	c, err := a.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()
	found, err := c.file(ctx, fileName(file))
	if err != nil {
		return nil
	}
	var names []string
	for i := range found.Status.Steps {
		if fits(&found.Status.Steps[i]) {
			names = append(names, found.Status.Steps[i].Name)
		}
	}
	return names
}

// completeNames completes a flag by names of the cluster.
func completeNames(names func(*cobra.Command) []string) cobra.CompletionFunc {
	return func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return names(command), cobra.ShellCompDirectiveNoFileComp
	}
}
