// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// watchRetry is how soon a watch that failed begins again, and watchMaxRetry how late at most.
	watchRetry    = time.Second
	watchMaxRetry = 30 * time.Second
)

// DoneWatch wakes RecordingFiles and RecordingTasks that are done when their spec changes. The cache does not hold them, and
// neither does DoneWatch: it watches their metadata from now on, without a list.
type DoneWatch struct {
	Client client.WithWatch
	Clock  clock.Clock
	Wake   *Wake
	// Walk finds what changed while there was no watch.
	Walk *Walk
	// Namespaces that are watched; none: all.
	Namespaces []string
}

// NeedLeaderElection says that the leader watches alone.
func (w *DoneWatch) NeedLeaderElection() bool { return true }

// Start watches until the context ends.
func (w *DoneWatch) Start(ctx context.Context) error {
	var watches sync.WaitGroup
	for _, namespace := range orAll(w.Namespaces) {
		watches.Go(func() { w.keepWatching(ctx, "RecordingFileList", namespace, w.Wake.File) })
		watches.Go(func() { w.keepWatching(ctx, "RecordingTaskList", namespace, w.Wake.Task) })
	}
	watches.Wait()
	return nil
}

// orAll stands for all namespaces when none is named.
func orAll(namespaces []string) []string {
	if len(namespaces) == 0 {
		return []string{metav1.NamespaceAll}
	}
	return namespaces
}

// keepWatching begins again whenever a watch ends.
func (w *DoneWatch) keepWatching(ctx context.Context, kind, namespace string, wake func(context.Context, types.NamespacedName)) {
	retry := watchRetry
	for ctx.Err() == nil {
		began := w.Clock.Now()
		err := w.watch(ctx, kind, namespace, wake)
		if ctx.Err() != nil {
			return
		}
		log.FromContext(ctx).V(1).Info("The watch of what is done begins again", "kind", kind, "namespace", namespace, "reason", err.Error())
		if w.Clock.Since(began) > watchMaxRetry {
			retry = watchRetry
		}
		select {
		case <-ctx.Done():
		case <-w.Clock.After(retry):
		}
		retry = min(2*retry, watchMaxRetry)
		w.Walk.Soon() // it finds what changed meanwhile
	}
}

// watch wakes what changes, until the API server cannot go on from the last event.
func (w *DoneWatch) watch(ctx context.Context, kind, namespace string, wake func(context.Context, types.NamespacedName)) error {
	list := func() *metav1.PartialObjectMetadataList {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
		return list
	}
	scope := []client.ListOption{client.InNamespace(namespace), client.MatchingFields{fieldDone: "true"}}
	now := list()
	if err := w.Client.List(ctx, now, append(scope, client.Limit(1))...); err != nil {
		return fmt.Errorf("find where to begin: %w", err)
	}
	from := now.ResourceVersion
	for {
		options := &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: from, AllowWatchBookmarks: true}}
		events, err := w.Client.Watch(ctx, list(), append([]client.ListOption{options}, scope...)...)
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		last, err := follow(ctx, events, wake)
		events.Stop()
		if err != nil {
			return err
		}
		if last == "" {
			return errNoEvents
		}
		from = last
	}
}

// errNoEvents keeps a watch that ends at once from beginning again without a pause.
var errNoEvents = fmt.Errorf("the watch ended without an event")

// follow wakes what changes until the watch ends, and says where the next one goes on.
func follow(ctx context.Context, events watch.Interface, wake func(context.Context, types.NamespacedName)) (last string, err error) {
	for event := range events.ResultChan() {
		if event.Type == watch.Error {
			return "", apierrors.FromObject(event.Object)
		}
		object, ok := event.Object.(client.Object)
		if !ok {
			continue
		}
		last = object.GetResourceVersion()
		if event.Type == watch.Modified {
			wake(ctx, client.ObjectKeyFromObject(object))
		}
	}
	return last, nil
}
