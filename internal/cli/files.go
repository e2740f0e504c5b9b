// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// eachFile does something with each RecordingFile that is named or has the labels, and prints what was done. It goes on
// past what fails.
func (c *cluster) eachFile(ctx context.Context, env Environment, given []string, selector string, do func(ctx context.Context, name string) (string, error)) error {
	names, err := c.fileNames(ctx, given, selector)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		_, err := fmt.Fprintf(env.ErrOut, "no RecordingFile in namespace %s matches\n", c.namespace)
		return err
	}
	var failures []error
	for _, name := range names {
		done, err := do(ctx, name)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		_, _ = fmt.Fprintf(env.Out, "recordingfile/%s %s\n", name, done)
	}
	return errors.Join(failures...)
}

// fileNames are the names that are given, or those of the RecordingFiles with the labels; no labels mean all.
func (c *cluster) fileNames(ctx context.Context, given []string, selector string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	chosen, err := parseSelector(selector)
	if err != nil {
		return nil, err
	}
	var names []string
	list := &v1alpha1.RecordingFileList{}
	for {
		options := &client.ListOptions{Namespace: c.namespace, LabelSelector: chosen, Limit: 500, Continue: list.Continue}
		if err := c.List(ctx, list, options); err != nil {
			if apierrors.IsForbidden(err) {
				return nil, c.explain(err, "list", "recordingfiles."+v1alpha1.GroupVersion.Group, c.namespace)
			}
			return nil, err
		}
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		if list.Continue == "" {
			return names, nil
		}
	}
}
