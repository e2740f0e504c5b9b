// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/follow"
)

// The changes that fileWatcher tells, beside follow.Trouble.
type (
	// filesListed are all the files there are.
	filesListed struct{ files []v1alpha1.RecordingFile }
	// fileChanged is a file that is new or changed.
	fileChanged struct{ file *v1alpha1.RecordingFile }
	// fileDeleted is a file that is gone.
	fileDeleted struct{ file *v1alpha1.RecordingFile }
)

// fileWatcher follows the RecordingFiles that a person chose.
type fileWatcher struct {
	cluster   *cluster
	clock     clock.Clock
	namespace string
	// name of the one file; empty: all that have the labels.
	name   string
	labels labels.Selector
	fields fields.Selector
}

// connectForWatch makes a client whose requests have no deadline of their own: a watch stays open.
func (a *access) connectForWatch() (*cluster, error) {
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	config := *c.config
	config.Timeout = 0
	if c.WithWatch, err = client.NewWithWatch(&config, client.Options{Scheme: c.Scheme(), Mapper: c.RESTMapper()}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return c, nil
}

// follow tells all files, then every change, as follow.Follower does.
func (w *fileWatcher) follow(ctx context.Context, tell func(change any)) error {
	follower := follow.Follower{
		Client: w.cluster, Clock: w.clock, Kind: &v1alpha1.RecordingFileList{}, Timeout: w.cluster.config.Timeout, Explain: w.explain,
		Chosen: client.ListOptions{Namespace: w.namespace, LabelSelector: w.labels, FieldSelector: w.fields},
	}
	var listed []v1alpha1.RecordingFile
	known := false
	return follower.Follow(ctx, func(change any) error {
		switch change := change.(type) {
		case follow.Page:
			if change.First {
				listed = nil
			}
			for _, object := range change.Objects {
				if file, ok := object.(*v1alpha1.RecordingFile); ok {
					listed = append(listed, *file)
				}
			}
		case follow.Listed:
			if w.name != "" && len(listed) == 0 && !known {
				return fmt.Errorf("RecordingFile %q not found in namespace %s; `kubectl get recordingfiles -A` lists them all", w.name, w.namespace)
			}
			known = true
			tell(filesListed{listed})
		case follow.Changed:
			if file, ok := change.Object.(*v1alpha1.RecordingFile); ok {
				tell(fileChanged{file})
			}
		case follow.Deleted:
			if file, ok := change.Object.(*v1alpha1.RecordingFile); ok {
				tell(fileDeleted{file})
			}
		case follow.Trouble:
			tell(change)
		}
		return nil
	})
}

func (w *fileWatcher) explain(err error, verb string) error {
	if isNoSuchKind(err) {
		return fmt.Errorf("the cluster knows no RecordingFiles: install the operator first, or choose another --context: %w", err)
	}
	return w.cluster.explain(err, verb, "recordingfiles."+v1alpha1.GroupVersion.Group, w.namespace)
}
