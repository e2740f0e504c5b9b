// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controller reconciles the kinds of the API. Every reconciler gathers what it needs, leaves the decision to pure
// packages, carries it out, and writes one status patch; events and metrics come after the write that makes them true.
package controller

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	ctrlsource "sigs.k8s.io/controller-runtime/pkg/source"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/notification"
	"sparkrtc.dev/recording-operator/internal/pace"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/progress"
	"sparkrtc.dev/recording-operator/internal/queue"
	"sparkrtc.dev/recording-operator/internal/tracing"
)

// FileReconciler brings every RecordingFile through its pipeline.
type FileReconciler struct {
	Client client.Client
	// Live reads past the cache, where a stale answer would be wrong.
	Live     client.Reader
	Recorder events.EventRecorder
	Metrics  *metrics.Metrics
	Router   *expression.Router
	// Conditions evaluates the when of steps.
	Conditions *expression.Conditions
	Clock      clock.PassiveClock
	// Pacer holds what is written back during a burst of callbacks, but for Jobs. Optional.
	Pacer *pace.Pacer
	// Wake brings files that are done, and wakes tasks that are.
	Wake *Wake
	// Slots say which steps may start.
	Slots *StepSlots
	// TaskFiles are those of tasks that are not done.
	TaskFiles *TaskFiles
	// Progress has how far running steps are. Optional.
	Progress *progress.Board
	// Traces records what ended. Optional.
	Traces *tracing.Tracer
	// WorkerImage runs the steps.
	WorkerImage string
	// TriggerImage runs the steps of kind trigger.
	TriggerImage string
	// RequireLandlock has steps fail on nodes without Landlock.
	RequireLandlock bool
	// DeniedNetworks are never connected to by a step, neither for its input nor for its output.
	DeniedNetworks []netip.Prefix
	// Concurrency is how many files are reconciled at once.
	Concurrency int
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingfiles;recordingsources;recordingpipelines;storagelocations,verbs=list;watch
// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingfiles/status,verbs=patch
// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingfiles/finalizers,verbs=update
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager registers the reconciler.
func (r *FileReconciler) SetupWithManager(mgr ctrl.Manager) error {
	pending := neighborsOf[v1alpha1.RecordingFileList](r.Client, client.MatchingFields{indexPending: "true"})
	return ctrl.NewControllerManagedBy(mgr).
		Named("recordingfile").
		// The status is this reconciler's own; only a change of the spec is news.
		For(&v1alpha1.RecordingFile{}, builder.WithPredicates(predicate.GenerationChangedPredicate{}, noDeletion())).
		WatchesRawSource(ctrlsource.Channel(r.Wake.files, &handler.EnqueueRequestForObject{})).
		WatchesRawSource(r.Slots).
		Watches(&batchv1.Job{}, handler.EnqueueRequestsFromMapFunc(r.fileOfChild)).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(r.fileOfChild), builder.WithPredicates(podNews())).
		Watches(&v1alpha1.RecordingTask{}, handler.EnqueueRequestsFromMapFunc(r.filesOfTask), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.RecordingSource{}, pending, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.RecordingPipeline{}, pending, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.StorageLocation{}, pending,
			builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, becameReady()))).
		WithOptions(queue.Fair(r.Concurrency, r.Concurrency)).
		Complete(r)
}

// Reconcile brings one file a step further.
func (r *FileReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	file, err := r.read(ctx, request.NamespacedName)
	// The Jobs of a file that is deleted go with it: the garbage collector follows their owner.
	if apierrors.IsNotFound(err) || err == nil && (!file.DeletionTimestamp.IsZero() || upToDate(file) && !lacksIdentity(file)) {
		r.Slots.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	seen, err := r.gather(ctx, file, r.Clock.Now())
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("gather: %w", err)
	}
	if seen.finished {
		r.Slots.forget(request.NamespacedName)
		return r.write(ctx, seen, keptStatus(seen))
	}
	decision := pipeline.Decide(&seen.Observation)
	r.Slots.admit(seen, decision)
	outcome, applyErr := r.apply(ctx, seen, decision)
	status := fileStatus(seen, decision.Status(outcome))
	superseded := supersede(seen.facts, &status)
	r.notify(seen, &status)
	retry, writeErr := r.write(ctx, seen, status)
	switch {
	case retry.RequeueAfter > 0:
	case superseded:
		retry.RequeueAfter = pipeline.WrittenDelay
	case decision.RecheckAfter > 0 && outcome.RecheckAfter > 0:
		retry.RequeueAfter = min(decision.RecheckAfter, outcome.RecheckAfter)
	default:
		retry.RequeueAfter = max(decision.RecheckAfter, outcome.RecheckAfter)
	}
	return retry, errors.Join(applyErr, writeErr)
}

// read reads a file. The cache does not hold one that is done, so that one it does not find is read live.
func (r *FileReconciler) read(ctx context.Context, name client.ObjectKey) (*v1alpha1.RecordingFile, error) {
	file := &v1alpha1.RecordingFile{}
	err := r.Client.Get(ctx, name, file)
	if apierrors.IsNotFound(err) {
		err = r.Live.Get(ctx, name, file)
	}
	return file, err
}

// upToDate says that nothing is left to do for a file.
func upToDate(file *v1alpha1.RecordingFile) bool {
	return file.Status.Done && file.Status.ObservedGeneration == file.Generation
}

// write creates the file's tasks and reports its status. While callbacks arrive in a burst it does so later, and the
// status is computed again then. A file without one of its tasks is not done.
func (r *FileReconciler) write(ctx context.Context, seen *gathered, status v1alpha1.RecordingFileStatus) (ctrl.Result, error) {
	if apiequality.Semantic.DeepEqual(&seen.file.Status, &status) {
		return ctrl.Result{}, nil
	}
	if r.Pacer != nil {
		if delay := r.Pacer.File(seen.file.Namespace); delay > 0 {
			return ctrl.Result{RequeueAfter: delay}, nil
		}
	}
	var taskErr error
	if status.TaskIDs, taskErr = r.createTasks(ctx, seen); taskErr != nil {
		status.Done = false
	}
	result, err := patch.AfterConflict(r.report(ctx, seen, status))
	return result, errors.Join(taskErr, err)
}

// report writes the status when it differs from what is there, and then says so in events and metrics.
func (r *FileReconciler) report(ctx context.Context, seen *gathered, status v1alpha1.RecordingFileStatus) error {
	before := seen.file.DeepCopy()
	seen.file.Status = status
	if err := patch.Status(ctx, r.Client, before, seen.file); err != nil {
		return err
	}
	r.Metrics.StatusPatched(onlyProgress(&before.Status, &seen.file.Status))
	r.count(before, seen.file)
	r.recordEvents(seen, &before.Status)
	r.recordTraces(seen, &before.Status)
	return nil
}

// notify adds the events to a status that it makes true, and that the source's notifications ask for.
func (r *FileReconciler) notify(seen *gathered, status *v1alpha1.RecordingFileStatus) {
	status.Notifications = seen.file.Status.Notifications
	if seen.source == nil {
		return
	}
	holds := r.Router.Matching(expression.FromFacts(seen.facts))
	status.Notifications = notification.AfterFile(seen.file, status, seen.source.Spec.Notifications, holds, seen.Now)
}

// count counts files that are done, and notifications that there was no room for. Files that are not done are counted in the
// cache.
func (r *FileReconciler) count(before, after *v1alpha1.RecordingFile) {
	if dropped := notification.LeftOut(before.Status.Notifications, after.Status.Notifications); dropped > 0 {
		r.Metrics.Notified(after.Namespace, after.Spec.SourceRef.Name, string(notification.Dropped), dropped, 0)
	}
	if before.Status.Done {
		r.Metrics.DoneFiles(reasonOf(before), -1)
	}
	if after.Status.Done {
		r.Metrics.DoneFiles(reasonOf(after), 1)
	}
}
