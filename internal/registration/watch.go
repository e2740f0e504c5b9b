// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/queue"
	"sparkrtc.dev/recording-operator/internal/recording"
)

const (
	// indexKey finds RecordingFiles and RecordingTasks by their source and the key that signed (keyIndex).
	indexKey = "key"
	// concurrency is how many sources are looked at at one time: most of a look is waiting for the service.
	concurrency = 4
)

// SetupWithManager registers the reconciler, and the indexes that it reads by.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	for _, object := range []client.Object{&v1alpha1.RecordingFile{}, &v1alpha1.RecordingTask{}} {
		// The context is not used: indexes are added before the caches start.
		if err := mgr.GetFieldIndexer().IndexField(context.Background(), object, indexKey, keyIndex); err != nil {
			return fmt.Errorf("index %T by %s: %w", object, indexKey, err)
		}
	}
	marked := builder.WithPredicates(predicate.NewPredicateFuncs(func(o client.Object) bool { return len(keyIndex(o)) > 0 }))
	return ctrl.NewControllerManagedBy(mgr).
		Named("registration").
		For(&v1alpha1.RecordingSource{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.RecordingFile{}, handler.EnqueueRequestsFromMapFunc(r.waiting), marked).
		Watches(&v1alpha1.RecordingTask{}, handler.EnqueueRequestsFromMapFunc(r.waiting), marked).
		WithOptions(queue.Fair(concurrency, concurrency)).
		Complete(r)
}

// keyIndex is the source and the key ID of an object that is marked with one.
func keyIndex(object client.Object) []string {
	id := object.GetAnnotations()[v1alpha1.AnnotationKeyID]
	if id == "" {
		return nil
	}
	return []string{recording.SourceOf(object) + "/" + id}
}

// waiting is the source of a marked object, if it waits for its next key to be used: every callback marks an object until
// the rotation ends.
func (r *Reconciler) waiting(ctx context.Context, object client.Object) []reconcile.Request {
	name := client.ObjectKey{Namespace: object.GetNamespace(), Name: recording.SourceOf(object)}
	source := &v1alpha1.RecordingSource{}
	if err := r.Client.Get(ctx, name, source); err != nil {
		return nil // it is gone, or is looked at within checkInterval
	}
	registration := source.Status.Registration
	if registration == nil || registration.Rotation == nil || registration.Rotation.RegisteredTime == nil || registration.Rotation.UsedTime != nil {
		return nil
	}
	return []reconcile.Request{{NamespacedName: name}}
}

// used says whether a file or task in the cache was written for a callback that the next key signed. What is done is not in
// the cache: then the next callback tells.
func (r *Reconciler) used(ctx context.Context, source *v1alpha1.RecordingSource, keys *keySecret) (bool, error) {
	if !keys.rotating {
		return false, nil
	}
	marked := client.MatchingFields{indexKey: source.Name + "/" + keys.next.ID()}
	for _, list := range []client.ObjectList{&v1alpha1.RecordingTaskList{}, &v1alpha1.RecordingFileList{}} {
		if err := r.Client.List(ctx, list, client.InNamespace(source.Namespace), marked, client.Limit(1)); err != nil {
			return false, fmt.Errorf("list what the next key signed: %w", err)
		}
		if meta.LenList(list) > 0 {
			return true, nil
		}
	}
	return false, nil
}
