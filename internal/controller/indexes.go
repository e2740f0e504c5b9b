// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps/job"
)

// Indexes of the cache.
const (
	// indexFile finds Jobs by the RecordingFile that they work for.
	indexFile = "file"
	// indexJob finds Pods by their Job.
	indexJob = "job"
	// indexServing finds Pods that can be asked for their progress.
	indexServing = "serving"
	// indexPending finds RecordingFiles that may still need something.
	indexPending = "pending"
	// indexOpen finds RecordingTasks that have not ended by their source.
	indexOpen = "open"
	// indexTask finds RecordingFiles by taskIndex of their tasks.
	indexTask = "task"
	// indexRevision finds RecordingFiles that are not finished by the pipeline revision that they are processed with.
	indexRevision = "revision"
)

// setupIndexes registers the indexes that the reconcilers read by.
func setupIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	indexes := []struct {
		object client.Object
		name   string
		values client.IndexerFunc
	}{
		{&batchv1.Job{}, indexFile, func(o client.Object) []string { return label(o, v1alpha1.LabelFile) }},
		{&corev1.Pod{}, indexJob, func(o client.Object) []string { return label(o, batchv1.JobNameLabel) }},
		{&corev1.Pod{}, indexServing, serving},
		{&v1alpha1.RecordingFile{}, indexPending, pending},
		{&v1alpha1.RecordingFile{}, indexTask, taskNames},
		{&v1alpha1.RecordingTask{}, indexOpen, openOfSource},
		{&v1alpha1.RecordingFile{}, indexRevision, unfinishedRevision},
	}
	for _, index := range indexes {
		if err := indexer.IndexField(ctx, index.object, index.name, index.values); err != nil {
			return fmt.Errorf("index %T by %s: %w", index.object, index.name, err)
		}
	}
	return nil
}

func label(object client.Object, key string) []string {
	if value := object.GetLabels()[key]; value != "" {
		return []string{value}
	}
	return nil
}

// pending includes files that no status says anything of yet: what such a file was found to lack may appear between
// that look and the writing of its status, and the watch of what appeared must find the file all the same.
func pending(object client.Object) []string {
	file, ok := object.(*v1alpha1.RecordingFile)
	if !ok || file.Status.Done {
		return nil
	}
	return []string{"true"}
}

func taskNames(object client.Object) []string {
	file, ok := object.(*v1alpha1.RecordingFile)
	if !ok {
		return nil
	}
	var names []string
	for _, id := range file.Spec.TaskIDs {
		names = append(names, taskIndex(file.Spec.SourceRef.Name, id))
	}
	return names
}

// taskIndex is the name of the task that a file belongs to, unless another task has it.
func taskIndex(source, taskID string) string { return ingest.TaskNames(source, taskID)[0] }

func openOfSource(object client.Object) []string {
	task, ok := object.(*v1alpha1.RecordingTask)
	if !ok || task.Spec.Ended {
		return nil
	}
	return []string{task.Spec.SourceRef.Name}
}

func unfinishedRevision(object client.Object) []string {
	file, ok := object.(*v1alpha1.RecordingFile)
	if !ok || file.Status.Pipeline == nil || pipeline.Finished(&file.Status.ProcessingStatus, file.Status.Input) {
		return nil
	}
	return []string{file.Status.Pipeline.Revision}
}

// neighborsOf asks for a look at the objects of a list, in the namespace of one that changed: they may refer to it. The
// options choose among them.
func neighborsOf[List any, Pointer interface {
	*List
	client.ObjectList
}](reader client.Reader, options ...client.ListOption) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, changed client.Object) []reconcile.Request {
		return requestsFor(ctx, reader, Pointer(new(List)), append([]client.ListOption{client.InNamespace(changed.GetNamespace())}, options...)...)
	})
}

// requestsFor asks for a look at every object of a list in the cache. A list that fails costs no more than time: every
// object is looked at again when it changes, and all of them when the operator starts.
func requestsFor(ctx context.Context, reader client.Reader, list client.ObjectList, options ...client.ListOption) []reconcile.Request {
	var requests []reconcile.Request
	err := reader.List(ctx, list, options...)
	if err == nil {
		err = meta.EachListItem(list, func(item runtime.Object) error {
			object, err := meta.Accessor(item)
			if err != nil {
				return err
			}
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}})
			return nil
		})
	}
	if err != nil {
		log.FromContext(ctx).Error(err, "Listing what a change concerns failed; it is looked at again when it changes itself", "list", fmt.Sprintf("%T", list))
	}
	return requests
}

// fileOfChild is the file that a Job or pod works for. One that is done is in no cache, and needs no look: what becomes of
// its Jobs changes nothing any more.
func (r *FileReconciler) fileOfChild(ctx context.Context, object client.Object) []reconcile.Request {
	name := types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetLabels()[v1alpha1.LabelFile]}
	if name.Name == "" {
		return nil
	}
	if err := r.Client.Get(ctx, name, &v1alpha1.RecordingFile{}); apierrors.IsNotFound(err) {
		return nil
	}
	return []reconcile.Request{{NamespacedName: name}}
}

// noDeletion passes over objects that leave the cache: nothing follows when they are done or deleted.
func noDeletion() predicate.Predicate {
	return predicate.Funcs{DeleteFunc: func(event.DeleteEvent) bool { return false }}
}

// podNews lets through what a step's status may say of a pod: that it cannot start, has started, or has ended.
func podNews() predicate.Predicate {
	stage := func(object client.Object) string {
		pod, ok := object.(*corev1.Pod)
		if !ok {
			return ""
		}
		return job.Stage(pod)
	}
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return stage(e.Object) != "" },
		UpdateFunc:  func(e event.UpdateEvent) bool { return stage(e.ObjectNew) != stage(e.ObjectOld) },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// becameReady lets through a StorageLocation that became Ready, or no longer is: what failed over it may be tried again.
func becameReady() predicate.Predicate {
	ready := func(object client.Object) bool {
		location, ok := object.(*v1alpha1.StorageLocation)
		return ok && meta.IsStatusConditionTrue(location.Status.Conditions, v1alpha1.ConditionReady)
	}
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return ready(e.ObjectNew) != ready(e.ObjectOld) }}
}
