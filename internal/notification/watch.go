// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	ctrlsource "sigs.k8s.io/controller-runtime/pkg/source"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/queue"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// indexWaiting finds objects in the cache whose events wait.
const indexWaiting = "notifications"

// SetupWithManager registers the controllers of files, tasks and sources, and the indexes that they read by.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	generation := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	for name, k := range map[string]*kind{"notification-file": r.files, "notification-task": r.tasks} {
		// The context is not used: indexes are added before the caches start.
		if err := mgr.GetFieldIndexer().IndexField(context.Background(), k.empty(), indexWaiting, waitingIndex); err != nil {
			return fmt.Errorf("index %T by %s: %w", k.empty(), indexWaiting, err)
		}
		if err := ctrl.NewControllerManagedBy(mgr).
			Named(name).
			Watches(k.empty(), handler.EnqueueRequestsFromMapFunc(k.changed), builder.WithPredicates(news())).
			Watches(&v1alpha1.RecordingSource{}, handler.EnqueueRequestsFromMapFunc(k.ofSource), generation).
			WatchesRawSource(ctrlsource.Channel(k.offers, &handler.EnqueueRequestForObject{})).
			WithOptions(queue.Fair(concurrency, share)).
			Complete(k); err != nil {
			return fmt.Errorf("set up %s: %w", name, err)
		}
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("notification-source").
		For(&v1alpha1.RecordingSource{}, generation).
		WatchesRawSource(ctrlsource.Channel(r.sources, &handler.EnqueueRequestForObject{})).
		WithOptions(queue.Fair(queue.SomeWorkers, queue.SomeWorkers)).
		Complete(reconcile.Func(r.reconcileSource))
}

func waitingIndex(object client.Object) []string {
	if len(*waitingOf(object)) == 0 {
		return nil
	}
	return []string{"true"}
}

// news lets through objects with events that were not there before, and those that leave the cache: the status that made
// them leave is not shown, and may have events.
func news() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(e ctrlevent.CreateEvent) bool { return len(*waitingOf(e.Object)) > 0 },
		UpdateFunc: func(e ctrlevent.UpdateEvent) bool {
			before, after := *waitingOf(e.ObjectOld), *waitingOf(e.ObjectNew)
			return slices.ContainsFunc(after, func(event Waiting) bool {
				return !slices.ContainsFunc(before, func(other Waiting) bool { return same(&event, &other) })
			})
		},
	}
}

// changed is an object that has news, if there is room for it.
func (k *kind) changed(ctx context.Context, object client.Object) []reconcile.Request {
	if len(*waitingOf(object)) == 0 {
		source, err := k.source(ctx, object.GetNamespace(), recording.SourceOf(object))
		if err != nil || source == nil || len(source.Spec.Notifications) == 0 {
			return nil
		}
	}
	name := client.ObjectKeyFromObject(object)
	if !k.subjects.offer(name, recording.SourceOf(object), true) {
		return nil
	}
	return []reconcile.Request{{NamespacedName: name}}
}

// ofSource are the objects that wait for the sinks of a source, which has changed.
func (k *kind) ofSource(_ context.Context, source client.Object) []reconcile.Request {
	names := k.subjects.of(source.GetNamespace(), source.GetName())
	requests := make([]reconcile.Request, len(names))
	for i, name := range names {
		requests[i].NamespacedName = name
	}
	return requests
}

// Offer has the events of an object sent that wait in its status, if there are any and there is room for it. The walk offers
// everything that is done.
func (r *Reconciler) Offer(ctx context.Context, object client.Object) {
	k := r.files
	if _, ok := object.(*v1alpha1.RecordingTask); ok {
		k = r.tasks
	}
	if len(*waitingOf(object)) > 0 && k.subjects.offer(client.ObjectKeyFromObject(object), recording.SourceOf(object), false) {
		offer(ctx, k.offers, object)
	}
}

// OfferCached offers what is not done.
func (r *Reconciler) OfferCached(ctx context.Context) error {
	for _, k := range []*kind{r.files, r.tasks} {
		list, ok := k.list.DeepCopyObject().(client.ObjectList)
		if !ok {
			return fmt.Errorf("a copy of a %T is none", k.list)
		}
		if err := r.Client.List(ctx, list, client.MatchingFields{indexWaiting: "true"}, client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("list what notifications wait for: %w", err)
		}
		if err := meta.EachListItem(list, func(item runtime.Object) error {
			if object, ok := item.(client.Object); ok {
				r.Offer(ctx, object)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// offer hands the name of an object over. It waits no longer than the context: a controller takes what comes into a queue
// without bound, but only while it runs.
func offer(ctx context.Context, to chan<- ctrlevent.GenericEvent, object client.Object) {
	name := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}}
	select {
	case to <- ctrlevent.GenericEvent{Object: name}:
	case <-ctx.Done():
	}
}
