// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/notification"
	"sparkrtc.dev/recording-operator/internal/pace"
)

const (
	// pageSize is how many objects one list returns: some 400 KB.
	pageSize = 100
	// walkInterval is the time between two walks, walkRetry that after one that failed, and walkPause that between two
	// pages: 100,000 files take some four minutes, which is less than the API server keeps the state that a list began with.
	walkInterval = time.Hour
	walkRetry    = time.Minute
	walkPause    = 200 * time.Millisecond
	// expirePause is the time between two deletions, and maxExpirePause what a burst in a namespace makes of it: the walk
	// goes through all namespaces.
	expirePause    = 100 * time.Millisecond
	maxExpirePause = time.Second
)

// Walk visits everything that is done, page by page: once when the process becomes the leader, and then every hour. The
// cache does not hold what is done, so the walk counts it, deletes it after the source's ttlAfterFinished, and finds
// changes that no watch reported and notifications that were not sent yet. Nothing is kept.
type Walk struct {
	// Client reads the cache, and deletes.
	Client client.Client
	// Live lists.
	Live    client.Reader
	Clock   clock.Clock
	Metrics *metrics.Metrics
	// Pacer holds deletions back during a burst of callbacks. Optional.
	Pacer     *pace.Pacer
	Wake      *Wake
	TaskFiles *TaskFiles
	// Notifications send the events that wait in the statuses.
	Notifications *notification.Reconciler
	// Namespaces that are walked through; none: all.
	Namespaces []string

	soon chan struct{}
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingfiles;recordingtasks,verbs=delete

// NewWalk makes a walk that begins when it is started.
func NewWalk(w Walk) *Walk {
	w.soon = make(chan struct{}, 1)
	w.Notifications.RefillWith(w.Soon)
	return &w
}

// Soon has the next walk begin as soon as the one that goes on has ended.
func (w *Walk) Soon() {
	select {
	case w.soon <- struct{}{}:
	default: // it will
	}
}

// NeedLeaderElection says that the leader walks alone.
func (w *Walk) NeedLeaderElection() bool { return true }

// Start walks until the context ends.
func (w *Walk) Start(ctx context.Context) error {
	for {
		wait := walkInterval
		if err := w.walk(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "The walk through what is done ended early; it begins again")
			wait = walkRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.soon:
		case <-w.Clock.After(wait):
		}
	}
}

// walk visits every file and task that is done.
func (w *Walk) walk(ctx context.Context) error {
	if err := w.Notifications.OfferCached(ctx); err != nil {
		return err
	}
	counted := w.Metrics.CountDoneFiles()
	for _, namespace := range orAll(w.Namespaces) {
		var files v1alpha1.RecordingFileList
		if err := w.pages(ctx, namespace, &files, func() error {
			for i := range files.Items {
				counted.Add(reasonOf(&files.Items[i]))
				if err := w.visitFile(ctx, &files.Items[i]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fmt.Errorf("walk through files: %w", err)
		}
	}
	counted.End()
	w.TaskFiles.allVisited(func(key taskKey) bool { return w.cachedTask(ctx, key) != nil })
	for _, namespace := range orAll(w.Namespaces) {
		var tasks v1alpha1.RecordingTaskList
		if err := w.pages(ctx, namespace, &tasks, func() error {
			for i := range tasks.Items {
				if err := w.visitTask(ctx, &tasks.Items[i]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fmt.Errorf("walk through tasks: %w", err)
		}
	}
	return nil
}

// pages lists what is done in a namespace, page by page. When the API server no longer has the state that the list began
// with, it goes on with the state as it is.
func (w *Walk) pages(ctx context.Context, namespace string, list client.ObjectList, visit func() error) error {
	for next := ""; ; {
		err := w.Live.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{fieldDone: "true"}, client.Limit(pageSize), client.Continue(next))
		if status, ok := errors.AsType[*apierrors.StatusError](err); ok && apierrors.IsResourceExpired(err) && status.Status().Continue != "" {
			next = status.Status().Continue
			continue
		}
		if err != nil {
			return err
		}
		if err := visit(); err != nil {
			return err
		}
		if next = list.GetContinue(); next == "" {
			return nil
		}
		if err := w.pause(ctx, walkPause); err != nil {
			return err
		}
	}
}

func (w *Walk) visitFile(ctx context.Context, file *v1alpha1.RecordingFile) error {
	w.Notifications.Offer(ctx, file)
	var tasks []*v1alpha1.RecordingTask
	for _, id := range file.Spec.TaskIDs {
		if task := w.cachedTask(ctx, taskKey{file.Namespace, file.Spec.SourceRef.Name, id}); task != nil {
			tasks = append(tasks, task)
		}
	}
	if len(tasks) > 0 {
		w.TaskFiles.note(file)
	}
	for _, task := range tasks {
		files, err := w.TaskFiles.of(ctx, w.Client, task)
		if err != nil {
			return err
		}
		if len(files) > int(task.Status.Files) {
			w.Wake.Task(ctx, client.ObjectKeyFromObject(task))
		}
	}
	if !upToDate(file) || len(tasks) > 0 && !shows(file, tasks) {
		w.Wake.File(ctx, client.ObjectKeyFromObject(file))
		return nil
	}
	if !meta.IsStatusConditionTrue(file.Status.Conditions, v1alpha1.ConditionReady) || meta.IsStatusConditionTrue(file.Status.Conditions, v1alpha1.ConditionStalled) {
		return nil // it failed, or a step in the background did: a person has to look at it
	}
	return w.expire(ctx, file, file.Spec.SourceRef.Name, finishedAt(file))
}

// shows says whether the status of a file shows what is known of it together with its tasks.
func shows(file *v1alpha1.RecordingFile, tasks []*v1alpha1.RecordingTask) bool {
	facts, summary := factsOf(file, tasks), file.Status.Summary
	return summary == nil || !lacksIdentity(file) || facts.Room == summary.Room && facts.Stream == summary.Stream && facts.Format == summary.Format
}

func (w *Walk) visitTask(ctx context.Context, task *v1alpha1.RecordingTask) error {
	w.Notifications.Offer(ctx, task)
	source, err := w.source(ctx, task.Namespace, task.Spec.SourceRef.Name)
	if err != nil {
		return err
	}
	opened := task.Status.State == v1alpha1.TaskSilent && task.Status.LastEventTime != nil && w.Clock.Since(task.Status.LastEventTime.Time) < openTimeout(source)
	if task.Status.ObservedGeneration != task.Generation || opened {
		w.Wake.Task(ctx, client.ObjectKeyFromObject(task))
		return nil
	}
	if task.Status.LastEventTime == nil || meta.IsStatusConditionTrue(task.Status.Conditions, v1alpha1.ConditionFilesMissing) {
		return nil
	}
	return w.expire(ctx, task, task.Spec.SourceRef.Name, task.Status.LastEventTime.Time)
}

// cachedTask is a task that is not done; nil: there is none.
func (w *Walk) cachedTask(ctx context.Context, key taskKey) *v1alpha1.RecordingTask {
	file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: key.namespace},
		Spec: v1alpha1.RecordingFileSpec{SourceRef: v1alpha1.LocalReference{Name: key.source}}}
	task, err := findTask(ctx, w.Client, file, key.taskID)
	if err != nil {
		return nil
	}
	return task
}

// source is a source as the cache has it; an empty one: there is none.
func (w *Walk) source(ctx context.Context, namespace, name string) (*v1alpha1.RecordingSource, error) {
	source := &v1alpha1.RecordingSource{}
	if err := w.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, source); client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("get source: %w", err)
	}
	return source, nil
}

// finishedAt is when the last step ended, or when it was found that nothing follows.
func finishedAt(file *v1alpha1.RecordingFile) time.Time {
	var last time.Time
	for i := range file.Status.Conditions {
		if at := file.Status.Conditions[i].LastTransitionTime.Time; at.After(last) {
			last = at
		}
	}
	for i := range file.Status.Steps {
		if at := file.Status.Steps[i].CompletionTime; at != nil && at.After(last) {
			last = at.Time
		}
	}
	return last
}

// expire deletes an object whose time is over, as it was read, and gives way to everything else.
func (w *Walk) expire(ctx context.Context, object client.Object, sourceName string, finished time.Time) error {
	source, err := w.source(ctx, object.GetNamespace(), sourceName)
	if err != nil {
		return err
	}
	ttl := source.Spec.TTLAfterFinished
	if ttl == nil || w.Clock.Since(finished) < ttl.Duration {
		return nil
	}
	pause := expirePause
	if w.Pacer != nil {
		pause = max(pause, min(w.Pacer.Task(object.GetNamespace()), maxExpirePause))
	}
	if err := w.pause(ctx, pause); err != nil {
		return err
	}
	uid, version := object.GetUID(), object.GetResourceVersion()
	err = w.Client.Delete(ctx, object, client.Preconditions{UID: &uid, ResourceVersion: &version}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err := ignoreChanged(err); err != nil {
		return fmt.Errorf("delete %s %s: %w", object.GetNamespace(), object.GetName(), err)
	}
	if file, ok := object.(*v1alpha1.RecordingFile); ok && err == nil {
		w.Metrics.DoneFiles(reasonOf(file), -1)
	}
	return nil
}

func (w *Walk) pause(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.Clock.After(pause):
		return nil
	}
}
