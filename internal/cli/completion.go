// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// completionTimeout bounds what a person waits for after pressing the tab key.
const completionTimeout = 3 * time.Second

// sources completes the names of RecordingSources. What goes wrong is not told: there is nothing to complete then.
func (a *access) sources(command *cobra.Command) []string {
	c, err := a.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()
	list := &v1alpha1.RecordingSourceList{}
	if err := c.List(ctx, list, client.InNamespace(c.namespace)); err != nil {
		return nil
	}
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// completeSource completes the one argument SOURCE.
func (a *access) completeSource(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.sources(command), cobra.ShellCompDirectiveNoFileComp
}

// namespaces completes the names of namespaces, for who may list them.
func (a *access) namespaces(command *cobra.Command) []string {
	c, err := a.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()
	list := &corev1.NamespaceList{}
	if err := c.List(ctx, list); err != nil {
		return nil
	}
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// rejectedCallbacks completes the names of RejectedCallbacks that were not given yet.
func (a *access) rejectedCallbacks(command *cobra.Command, given []string) []string {
	c, err := a.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()
	list := &v1alpha1.RejectedCallbackList{}
	if err := c.List(ctx, list, client.InNamespace(c.namespace)); err != nil {
		return nil
	}
	var names []string
	for i := range list.Items {
		if !slices.Contains(given, list.Items[i].Name) {
			names = append(names, list.Items[i].Name)
		}
	}
	return names
}

// recordingFiles completes the names of RecordingFiles that were not given yet, the first 500 of them.
func (a *access) recordingFiles(command *cobra.Command, given []string) []string {
	c, err := a.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()
	list := &v1alpha1.RecordingFileList{}
	if err := c.List(ctx, list, client.InNamespace(c.namespace), client.Limit(500)); err != nil {
		return nil
	}
	var names []string
	for i := range list.Items {
		if !slices.Contains(given, list.Items[i].Name) {
			names = append(names, list.Items[i].Name)
		}
	}
	return names
}

// steps completes the names of a recording's steps.
func (a *access) steps(command *cobra.Command, file string) []string {
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
		names = append(names, found.Status.Steps[i].Name)
	}
	return names
}
