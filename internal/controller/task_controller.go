// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/pace"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// defaultOpenTimeout is that of a source that says nothing, or is gone: the longest cycle of the service is 12 h.
const defaultOpenTimeout = 13 * time.Hour

// TaskReconciler says on every RecordingTask whether it goes on, and what it has recorded.
type TaskReconciler struct {
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// Pacer holds statuses back during a burst of callbacks, and while files are written. Optional.
	Pacer *pace.Pacer
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingtasks,verbs=list;watch
// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingtasks/status,verbs=patch

// SetupWithManager registers the reconciler.
func (r *TaskReconciler) SetupWithManager(mgr ctrl.Manager) error {
	generation := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("recordingtask").
		For(&v1alpha1.RecordingTask{}, builder.WithPredicates(predicate.GenerationChangedPredicate{}, notClosed())).
		Watches(&v1alpha1.RecordingFile{}, handler.EnqueueRequestsFromMapFunc(tasksOfFile), builder.WithPredicates(predicate.GenerationChangedPredicate{}, newFilesAlone())).
		Watches(&v1alpha1.RecordingSource{}, handler.EnqueueRequestsFromMapFunc(r.openTasks), generation).
		Complete(r)
}

// Reconcile looks at one task.
func (r *TaskReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	task := &v1alpha1.RecordingTask{}
	if err := r.Client.Get(ctx, request.NamespacedName, task); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !task.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	files, err := filesOf(ctx, r.Client, task)
	if err != nil {
		return ctrl.Result{}, err
	}
	facts := make([]recording.Facts, len(files))
	for i, file := range files {
		facts[i] = recording.Of(&file.Spec)
	}
	source := &v1alpha1.RecordingSource{}
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: task.Namespace, Name: task.Spec.SourceRef.Name}, source); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("get source: %w", err)
	}
	openTimeout := defaultOpenTimeout
	if source.Spec.OpenTimeout != nil {
		openTimeout = source.Spec.OpenTimeout.Duration
	}
	computed, wait := recording.ComputeTask(recording.TaskObservation{Task: task, Files: facts, OpenTimeout: openTimeout, Now: r.Clock.Now()})
	if delay := r.delay(task, &computed); delay > 0 {
		return ctrl.Result{RequeueAfter: delay}, nil
	}
	before := task.DeepCopy()
	task.Status = computed
	if err := patchStatus(ctx, r.Client, before, task); err != nil {
		return afterConflict(err)
	}
	r.recordMissing(source, task, before)
	return ctrl.Result{RequeueAfter: wait}, nil
}

// delay is how long a changed status has to wait. It is computed again then.
func (r *TaskReconciler) delay(task *v1alpha1.RecordingTask, computed *v1alpha1.RecordingTaskStatus) time.Duration {
	if r.Pacer == nil || apiequality.Semantic.DeepEqual(&task.Status, computed) {
		return 0
	}
	return r.Pacer.Task()
}

// recordMissing says once, on the source and on the task, that files are missing.
func (r *TaskReconciler) recordMissing(source *v1alpha1.RecordingSource, task, before *v1alpha1.RecordingTask) {
	missing := meta.FindStatusCondition(task.Status.Conditions, v1alpha1.ConditionFilesMissing)
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionFilesMissing)
	if missing == nil || was != nil && was.Message == missing.Message {
		return
	}
	r.Recorder.Eventf(task, nil, corev1.EventTypeWarning, v1alpha1.ReasonFilesMissing, "Record", "%s", missing.Message)
	if source.Name != "" {
		r.Recorder.Eventf(source, task, corev1.EventTypeWarning, v1alpha1.ReasonFilesMissing, "Record", "RecordingTask %s: %s", task.Name, missing.Message)
	}
}

// tasksOfFile are the tasks that reported a file. Either name may be the task's.
func tasksOfFile(_ context.Context, object client.Object) []reconcile.Request {
	file, ok := object.(*v1alpha1.RecordingFile)
	if !ok {
		return nil
	}
	var requests []reconcile.Request
	for _, id := range file.Spec.TaskIDs {
		for _, name := range ingest.TaskNames(file.Spec.SourceRef.Name, id) {
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: file.Namespace, Name: name}})
		}
	}
	return requests
}

// openTasks are the tasks that a change of their source may end sooner or later.
func (r *TaskReconciler) openTasks(ctx context.Context, source client.Object) []reconcile.Request {
	return requestsFor(ctx, r.Client, &v1alpha1.RecordingTaskList{}, client.InNamespace(source.GetNamespace()), client.MatchingFields{indexOpen: source.GetName()})
}

// notClosed passes over tasks that ended with all their files reported: at the start of the operator those are nearly all.
func notClosed() predicate.Predicate {
	return predicate.NewPredicateFuncs(func(object client.Object) bool {
		task, ok := object.(*v1alpha1.RecordingTask)
		return !ok || !closed(task)
	})
}

// newFilesAlone passes over the files that are there and done at the start of the operator: they were counted before.
func newFilesAlone() predicate.Predicate {
	return predicate.Funcs{CreateFunc: func(e event.CreateEvent) bool {
		file, ok := e.Object.(*v1alpha1.RecordingFile)
		return !ok || !upToDate(file)
	}}
}

// closed says that a task ended, that no file is missing, and that its status speaks of it as it is.
func closed(task *v1alpha1.RecordingTask) bool {
	return task.Status.ObservedGeneration == task.Generation && meta.IsStatusConditionTrue(task.Status.Conditions, v1alpha1.ConditionReady) &&
		(task.Status.Started <= task.Status.Files || task.Status.Started >= v1alpha1.MaxStarts)
}
