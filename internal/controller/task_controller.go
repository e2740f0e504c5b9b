// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	ctrlsource "sigs.k8s.io/controller-runtime/pkg/source"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/notification"
	"sparkrtc.dev/recording-operator/internal/pace"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/queue"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// defaultOpenTimeout is that of a source that says nothing, or is gone: the longest cycle of the service is 12 h.
const defaultOpenTimeout = 13 * time.Hour

// TaskReconciler says on every RecordingTask whether it goes on, and what it has recorded.
type TaskReconciler struct {
	Client client.Client
	// Live reads what the cache does not hold.
	Live     client.Reader
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// Wake brings tasks that are done, and wakes files that are.
	Wake *Wake
	// TaskFiles are those of tasks that are not done.
	TaskFiles *TaskFiles
	// Pacer holds statuses back during a burst of callbacks, and while files are written. Optional.
	Pacer *pace.Pacer
	// Router evaluates the when of notifications.
	Router *expression.Router
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingtasks,verbs=list;watch
// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingtasks/status,verbs=patch

// SetupWithManager registers the reconciler.
func (r *TaskReconciler) SetupWithManager(mgr ctrl.Manager) error {
	generation := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("recordingtask").
		For(&v1alpha1.RecordingTask{}, builder.WithPredicates(predicate.GenerationChangedPredicate{}, noDeletion())).
		WatchesRawSource(ctrlsource.Channel(r.Wake.tasks, &handler.EnqueueRequestForObject{})).
		Watches(&v1alpha1.RecordingFile{}, handler.EnqueueRequestsFromMapFunc(r.tasksOfFile), builder.WithPredicates(predicate.GenerationChangedPredicate{}, noDeletion())).
		Watches(&v1alpha1.RecordingSource{}, handler.EnqueueRequestsFromMapFunc(r.openTasks), generation).
		Watches(&v1alpha1.RecordingSource{}, handler.EnqueueRequestsFromMapFunc(r.silentTasks), builder.WithPredicates(predicate.GenerationChangedPredicate{}, updatesAlone())).
		WithOptions(queue.Fair(queue.SomeWorkers, queue.SomeWorkers)).
		Complete(r)
}

// Reconcile looks at one task.
func (r *TaskReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	task := &v1alpha1.RecordingTask{}
	err := r.Client.Get(ctx, request.NamespacedName, task)
	if apierrors.IsNotFound(err) {
		err = r.Live.Get(ctx, request.NamespacedName, task) // the cache does not hold one that is done
	}
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !task.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	source := &v1alpha1.RecordingSource{}
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: task.Namespace, Name: task.Spec.SourceRef.Name}, source); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("get source: %w", err)
	}
	computed, wait, err := r.compute(ctx, task, source)
	if err != nil {
		return ctrl.Result{}, err
	}
	if delay := r.delay(task, &computed); delay > 0 {
		return ctrl.Result{RequeueAfter: delay}, nil
	}
	computed.Notifications = notification.AfterTask(task, &computed, source.Spec.Notifications, r.matching(task))
	before := task.DeepCopy()
	task.Status = computed
	if err := patch.Status(ctx, r.Client, before, task); err != nil {
		return patch.AfterConflict(err)
	}
	if computed.Done {
		r.TaskFiles.forget(task)
	}
	r.recordMissing(source, task, before)
	return ctrl.Result{RequeueAfter: wait}, nil
}

// matching says whether the when of a notification holds for what a task records.
func (r *TaskReconciler) matching(task *v1alpha1.RecordingTask) func(when string) bool {
	spec := &task.Spec
	return r.Router.Matching(expression.Recording{
		Source: spec.SourceRef.Name, App: spec.App, Task: spec.TaskID, Room: spec.Room, Stream: spec.Stream, Format: spec.Format,
	})
}

// compute is the status of a task. Its files that are done are listed when those that are known may not be all of them:
// the task was done before, or is about to be and the process has not visited all files yet.
func (r *TaskReconciler) compute(ctx context.Context, task *v1alpha1.RecordingTask, source *v1alpha1.RecordingSource) (v1alpha1.RecordingTaskStatus, time.Duration, error) {
	files, err := r.TaskFiles.of(ctx, r.Client, task)
	if err != nil {
		return v1alpha1.RecordingTaskStatus{}, 0, err
	}
	computed, wait := r.statusOf(task, source, files)
	known := r.TaskFiles.isComplete() && len(files) >= int(task.Status.Files)
	if !task.Status.Done && (!computed.Done || known) {
		return computed, wait, nil
	}
	if err := r.TaskFiles.list(ctx, r.Live, task); err != nil {
		return v1alpha1.RecordingTaskStatus{}, 0, err
	}
	if files, err = r.TaskFiles.of(ctx, r.Client, task); err != nil {
		return v1alpha1.RecordingTaskStatus{}, 0, err
	}
	if task.Status.Done && task.Status.ObservedGeneration != task.Generation {
		// A START or OVER that came late may say what the files lack.
		for _, name := range lackingIdentity(task.Namespace, files) {
			r.Wake.File(ctx, name)
		}
	}
	computed, wait = r.statusOf(task, source, files)
	return computed, wait, nil
}

func (r *TaskReconciler) statusOf(task *v1alpha1.RecordingTask, source *v1alpha1.RecordingSource, files map[string]countedFile) (v1alpha1.RecordingTaskStatus, time.Duration) {
	facts := make([]recording.Facts, 0, len(files))
	for _, file := range files {
		facts = append(facts, recording.Facts{Room: file.room, Stream: file.stream,
			RecordingFacts: v1alpha1.RecordingFacts{DurationSeconds: file.duration, SizeBytes: file.sizeBytes}})
	}
	return recording.ComputeTask(recording.TaskObservation{Task: task, Files: facts, OpenTimeout: openTimeout(source), Now: r.Clock.Now()})
}

func openTimeout(source *v1alpha1.RecordingSource) time.Duration {
	if source.Spec.OpenTimeout != nil {
		return source.Spec.OpenTimeout.Duration
	}
	return defaultOpenTimeout
}

// delay is how long a changed status has to wait. It is computed again then.
func (r *TaskReconciler) delay(task *v1alpha1.RecordingTask, computed *v1alpha1.RecordingTaskStatus) time.Duration {
	if r.Pacer == nil || apiequality.Semantic.DeepEqual(&task.Status, computed) {
		return 0
	}
	return r.Pacer.Task(task.Namespace)
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

// tasksOfFile are the tasks that reported a file, and it takes note of the file. Those that are not in the cache are
// created or woken by the file's reconciler.
func (r *TaskReconciler) tasksOfFile(ctx context.Context, object client.Object) []reconcile.Request {
	file, ok := object.(*v1alpha1.RecordingFile)
	if !ok {
		return nil
	}
	r.TaskFiles.note(file)
	var requests []reconcile.Request
	for _, id := range file.Spec.TaskIDs {
		if task, err := findTask(ctx, r.Client, file, id); err == nil && task != nil {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(task)})
		}
	}
	return requests
}

// openTasks are the tasks that a change of their source may end sooner or later.
func (r *TaskReconciler) openTasks(ctx context.Context, source client.Object) []reconcile.Request {
	return requestsFor(ctx, r.Client, &v1alpha1.RecordingTaskList{}, client.InNamespace(source.GetNamespace()), client.MatchingFields{indexOpen: source.GetName()})
}

// silentTasks are those that a change of their source may open again. They are done, and not in the cache.
func (r *TaskReconciler) silentTasks(ctx context.Context, source client.Object) []reconcile.Request {
	var requests []reconcile.Request
	for next := ""; ; {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RecordingTaskList"))
		requests = append(requests, requestsFor(ctx, r.Live, list, client.InNamespace(source.GetNamespace()), client.Limit(pageSize), client.Continue(next),
			client.MatchingFields{"status.state": string(v1alpha1.TaskSilent), "spec.sourceRef.name": source.GetName()})...)
		if next = list.Continue; next == "" {
			return requests
		}
	}
}

// updatesAlone passes over what is there at the start.
func updatesAlone() predicate.Predicate {
	return predicate.Funcs{CreateFunc: func(event.CreateEvent) bool { return false }}
}
