// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingtasks,verbs=get;create

// gatherTasks reads the tasks that reported the file. Those that are done are not in the cache, and are read only when
// they may know something that the file does not.
func (r *FileReconciler) gatherTasks(ctx context.Context, file *v1alpha1.RecordingFile) ([]*v1alpha1.RecordingTask, error) {
	var tasks []*v1alpha1.RecordingTask
	for _, id := range file.Spec.TaskIDs {
		task, err := findTask(ctx, r.Client, file, id)
		if err == nil && task == nil && lacksIdentity(file) {
			task, err = findTask(ctx, r.Live, file, id)
		}
		if err != nil {
			return nil, err
		}
		if task != nil {
			tasks = append(tasks, task)
		}
	}
	return tasks, nil
}

// findTask reads one task of a file; nil: there is none.
func findTask(ctx context.Context, reader client.Reader, file *v1alpha1.RecordingFile, id string) (*v1alpha1.RecordingTask, error) {
	for _, name := range ingest.TaskNames(file.Spec.SourceRef.Name, id) {
		task := &v1alpha1.RecordingTask{}
		err := reader.Get(ctx, client.ObjectKey{Namespace: file.Namespace, Name: name}, task)
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("get task %s: %w", name, err)
		case task.Spec.TaskID == id && task.Spec.SourceRef == file.Spec.SourceRef:
			return task, nil
		}
	}
	return nil, nil //nolint:nilnil // absence is an answer here, not an error
}

// lacksIdentity says whether the file's tasks may know something of the recording that its report does not.
func lacksIdentity(file *v1alpha1.RecordingFile) bool {
	facts := recording.Of(&file.Spec)
	return len(file.Spec.TaskIDs) > 0 && (facts.App == "" || facts.Room == "" || facts.Stream == "" || facts.Format == "")
}

// filesOfTask are the files that a START or OVER may tell what their report does not, whichever comes first.
func (r *FileReconciler) filesOfTask(ctx context.Context, object client.Object) []reconcile.Request {
	task, ok := object.(*v1alpha1.RecordingTask)
	if !ok {
		return nil
	}
	files, err := r.TaskFiles.of(ctx, r.Client, task)
	if err != nil {
		log.FromContext(ctx).Error(err, "A task's files are looked at again when they change themselves")
	}
	var requests []reconcile.Request
	for _, name := range lackingIdentity(task.Namespace, files) {
		requests = append(requests, reconcile.Request{NamespacedName: name})
	}
	return requests
}

// createTasks creates the tasks of a file whose START was lost, each once: a task that is deleted later does not come
// back. It returns the tasks that are there, or were. The cache does not hold a task that is done: it is woken, so that
// it counts the file.
func (r *FileReconciler) createTasks(ctx context.Context, seen *gathered) ([]string, error) {
	file := seen.file
	var there []string
	var failures []error
	for _, id := range file.Spec.TaskIDs {
		switch {
		case slices.ContainsFunc(seen.tasks, func(t *v1alpha1.RecordingTask) bool { return t.Spec.TaskID == id && !t.Status.Done }):
			// The task's reconciler sees the file itself.
		case slices.Contains(file.Status.TaskIDs, id):
			if !seen.finished && file.Status.ObservedGeneration != file.Generation { // it may have grown
				r.wakeTask(ctx, file, id)
			}
		default:
			err := r.Client.Create(ctx, ingest.NewTask(file.Namespace, file.Spec.SourceRef.Name, id))
			if err != nil && !apierrors.IsAlreadyExists(err) {
				failures = append(failures, fmt.Errorf("create task of %s: %w", id, err))
				continue
			}
			if err != nil {
				r.wakeTask(ctx, file, id)
			}
		}
		there = append(there, id)
	}
	return there, errors.Join(failures...)
}

// wakeTask has a task reconciled that the cache does not hold. Either name may be the task's.
func (r *FileReconciler) wakeTask(ctx context.Context, file *v1alpha1.RecordingFile, id string) {
	for _, name := range ingest.TaskNames(file.Spec.SourceRef.Name, id) {
		r.Wake.Task(ctx, client.ObjectKey{Namespace: file.Namespace, Name: name})
	}
}
