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

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingtasks,verbs=create

// gatherTasks reads the tasks that reported the file from the cache.
func (r *FileReconciler) gatherTasks(ctx context.Context, file *v1alpha1.RecordingFile) ([]*v1alpha1.RecordingTaskSpec, error) {
	var tasks []*v1alpha1.RecordingTaskSpec
	for _, id := range file.Spec.TaskIDs {
		task, err := r.task(ctx, file, id)
		if err != nil {
			return nil, err
		}
		if task != nil {
			tasks = append(tasks, &task.Spec)
		}
	}
	return tasks, nil
}

// task reads one task from the cache; nil: there is none.
func (r *FileReconciler) task(ctx context.Context, file *v1alpha1.RecordingFile, id string) (*v1alpha1.RecordingTask, error) {
	for _, name := range ingest.TaskNames(file.Spec.SourceRef.Name, id) {
		task := &v1alpha1.RecordingTask{}
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: file.Namespace, Name: name}, task)
		switch {
		case apierrors.IsNotFound(err):
			return nil, nil //nolint:nilnil // absence is an answer here, not an error
		case err != nil:
			return nil, fmt.Errorf("get task %s: %w", name, err)
		case task.Spec.TaskID == id && task.Spec.SourceRef == file.Spec.SourceRef:
			return task, nil
		}
	}
	return nil, nil //nolint:nilnil // as above
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
	files, err := filesOf(ctx, r.Client, task)
	if err != nil {
		log.FromContext(ctx).Error(err, "A task's files are looked at again when they change themselves")
	}
	var requests []reconcile.Request
	for _, file := range files {
		if lacksIdentity(file) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(file)})
		}
	}
	return requests
}

// filesOf are the files of a task in the cache. They are the cache's own and must not be changed.
func filesOf(ctx context.Context, reader client.Reader, task *v1alpha1.RecordingTask) ([]*v1alpha1.RecordingFile, error) {
	var list v1alpha1.RecordingFileList
	source, id := task.Spec.SourceRef.Name, task.Spec.TaskID
	err := reader.List(ctx, &list, client.InNamespace(task.Namespace), client.MatchingFields{indexTask: taskIndex(source, id)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list the task's files: %w", err)
	}
	var files []*v1alpha1.RecordingFile
	for i := range list.Items {
		if spec := &list.Items[i].Spec; spec.SourceRef.Name == source && slices.Contains(spec.TaskIDs, id) {
			files = append(files, &list.Items[i])
		}
	}
	return files, nil
}

// createTasks creates the tasks of a file whose START was lost, each once: a task that is deleted later does not come
// back. It returns the tasks that are there, or were.
func (r *FileReconciler) createTasks(ctx context.Context, seen *gathered) ([]string, error) {
	file := seen.file
	var there []string
	var failures []error
	for _, id := range file.Spec.TaskIDs {
		if !seen.knowsTask(id) {
			err := r.Client.Create(ctx, ingest.NewTask(file.Namespace, file.Spec.SourceRef.Name, id))
			if err != nil && !apierrors.IsAlreadyExists(err) {
				failures = append(failures, fmt.Errorf("create task of %s: %w", id, err))
				continue
			}
		}
		there = append(there, id)
	}
	return there, errors.Join(failures...)
}

// knowsTask says whether the task is there, or was.
func (g *gathered) knowsTask(id string) bool {
	return slices.Contains(g.file.Status.TaskIDs, id) ||
		slices.ContainsFunc(g.tasks, func(t *v1alpha1.RecordingTaskSpec) bool { return t.TaskID == id })
}
