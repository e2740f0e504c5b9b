// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// watchSeconds is how long the API server keeps a watch open at most.
const watchSeconds = 300

// watchBackoff is how long fileWatcher waits before it lists again.
var watchBackoff = wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.1, Cap: 30 * time.Second, Steps: 10}

// The changes that fileWatcher tells.
type (
	// filesListed are all the files there are.
	filesListed struct{ files []v1alpha1.RecordingFile }
	// fileChanged is a file that is new or changed.
	fileChanged struct{ file *v1alpha1.RecordingFile }
	// fileDeleted is a file that is gone.
	fileDeleted struct{ file *v1alpha1.RecordingFile }
	// watchTrouble is why what is shown may be old. The next filesListed ends it.
	watchTrouble struct{ err error }
)

func (t watchTrouble) text() string { return fmt.Sprintf("connecting again: %v", t.err) }

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

// follow tells all files, then every change, until the context ends, which is no error. An API server that cannot be
// reached at first is an error; later it is waited for. A right that is missing is always one.
func (w *fileWatcher) follow(ctx context.Context, tell func(change any)) error {
	backoff := watchBackoff
	for first := true; ; first = false {
		files, version, err := w.list(ctx)
		if err == nil && first && w.name != "" && len(files) == 0 {
			return fmt.Errorf("RecordingFile %q not found in namespace %s; `kubectl get recordingfiles -A` lists them all", w.name, w.namespace)
		}
		if err == nil {
			tell(filesListed{files})
			var heard bool
			if heard, err = w.watch(ctx, version, tell); heard {
				backoff = watchBackoff
			}
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was ended, and the error is about that
		}
		if err != nil {
			if first || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
				return err
			}
			tell(watchTrouble{err})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.clock.After(backoff.Step()):
		}
	}
}

// list reads all files, and the version to watch from. It asks for what the API server knows now, not for what it had
// cached: a file that was done before a retry must not pass for one that is done.
func (w *fileWatcher) list(ctx context.Context) ([]v1alpha1.RecordingFile, string, error) {
	var files []v1alpha1.RecordingFile
	list := &v1alpha1.RecordingFileList{}
	for {
		options := &client.ListOptions{Namespace: w.namespace, LabelSelector: w.labels, FieldSelector: w.fields, Limit: 500, Continue: list.Continue}
		if err := w.page(ctx, list, options); err != nil {
			return nil, "", w.explain(err, "list")
		}
		files = append(files, list.Items...)
		if list.Continue == "" {
			return files, list.ResourceVersion, nil
		}
	}
}

// page reads a part of the list. It has the deadline that requests of other commands have.
func (w *fileWatcher) page(ctx context.Context, list *v1alpha1.RecordingFileList, options *client.ListOptions) error {
	ctx, cancel := context.WithTimeout(ctx, w.cluster.config.Timeout)
	defer cancel()
	return w.cluster.List(ctx, list, options)
}

// watch tells changes until the watch ends, and whether there was one. The API server ends it regularly, and when the version
// is too old for it: neither is an error.
func (w *fileWatcher) watch(ctx context.Context, version string, tell func(change any)) (heard bool, err error) {
	// The API server ends the watch before that, unless the connection died unnoticed.
	ctx, cancel := context.WithTimeout(ctx, watchSeconds*time.Second+w.cluster.config.Timeout)
	defer cancel()
	stream, err := w.cluster.Watch(ctx, &v1alpha1.RecordingFileList{}, &client.ListOptions{
		Namespace: w.namespace, LabelSelector: w.labels, FieldSelector: w.fields,
		Raw: &metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(watchSeconds))},
	})
	if err != nil {
		return false, w.watchError(err)
	}
	defer stream.Stop()
	for event := range stream.ResultChan() {
		file, ok := event.Object.(*v1alpha1.RecordingFile)
		switch {
		case event.Type == watch.Error:
			return heard, w.watchError(apierrors.FromObject(event.Object))
		case !ok:
			return heard, fmt.Errorf("watch recordingfiles: unexpected event %s", event.Type)
		case event.Type == watch.Deleted:
			tell(fileDeleted{file})
		case event.Type == watch.Added, event.Type == watch.Modified:
			tell(fileChanged{file})
		}
		heard = true
	}
	return heard, nil
}

// watchError leaves out what listing again cures.
func (w *fileWatcher) watchError(err error) error {
	if apierrors.IsGone(err) || apierrors.IsResourceExpired(err) || errors.Is(err, context.Canceled) {
		return nil
	}
	return w.explain(err, "watch")
}

func (w *fileWatcher) explain(err error, verb string) error {
	if isNoSuchKind(err) {
		return fmt.Errorf("the cluster knows no RecordingFiles: install the operator first, or choose another --context: %w", err)
	}
	return w.cluster.explain(err, verb, "recordingfiles."+v1alpha1.GroupVersion.Group, w.namespace)
}
