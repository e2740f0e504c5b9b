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

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
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

// createTasks creates the tasks of a file whose START was lost, each once: a task that is deleted later does not come
// back. It returns the tasks that are there, or were.
func (r *FileReconciler) createTasks(ctx context.Context, seen *gathered) ([]string, error) {
	file := seen.file
	var there []string
	var failures []error
	for _, id := range file.Spec.TaskIDs {
		known := slices.Contains(file.Status.TaskIDs, id) || slices.ContainsFunc(seen.tasks, func(t *v1alpha1.RecordingTaskSpec) bool { return t.TaskID == id })
		if !known {
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
