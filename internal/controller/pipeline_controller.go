// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/patch"
	rules "sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/queue"
	"sparkrtc.dev/recording-operator/internal/steps"
)

const (
	// revisionRecheck is how often superseded revisions are looked at while files are still processed with them.
	revisionRecheck = 10 * time.Minute
	// revisionMinAge spares a revision that a file may be about to refer to.
	revisionMinAge = 5 * time.Minute
)

// PipelineReconciler says on every RecordingPipeline whether it can be run, and removes revisions that are done with.
type PipelineReconciler struct {
	Client   client.Client
	Recorder events.EventRecorder
	// Conditions checks the when of steps.
	Conditions *expression.Conditions
	Clock      clock.PassiveClock
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingpipelines/status,verbs=patch

// SetupWithManager registers the reconciler.
func (r *PipelineReconciler) SetupWithManager(mgr ctrl.Manager) error {
	generation := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	neighbors := neighborsOf[v1alpha1.RecordingPipelineList](r.Client)
	return ctrl.NewControllerManagedBy(mgr).
		Named("recordingpipeline").
		For(&v1alpha1.RecordingPipeline{}, generation).
		Watches(&v1alpha1.StorageLocation{}, neighbors, generation).
		WithOptions(queue.Fair(queue.SomeWorkers, queue.SomeWorkers)).
		Complete(r)
}

// Reconcile looks at one pipeline, which may be gone.
func (r *PipelineReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	current := ""
	pipeline := &v1alpha1.RecordingPipeline{}
	err := r.Client.Get(ctx, request.NamespacedName, pipeline)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("get pipeline: %w", err)
	}
	if err == nil {
		if err := r.report(ctx, pipeline); err != nil {
			return patch.AfterConflict(err)
		}
		revision, err := newRevision(pipeline)
		if err != nil {
			return ctrl.Result{}, err
		}
		current = revision.Name
	}
	left, err := r.prune(ctx, request, current)
	if err != nil || left == 0 {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: revisionRecheck}, nil
}

func (r *PipelineReconciler) report(ctx context.Context, pipeline *v1alpha1.RecordingPipeline) error {
	found, err := r.examine(ctx, pipeline)
	if err != nil {
		return err
	}
	before := pipeline.DeepCopy()
	pipeline.Status.ObservedGeneration = pipeline.Generation
	setReady(&pipeline.Status.Conditions, found, pipeline.Generation, r.Clock.Now())
	if err := patch.Status(ctx, r.Client, before, pipeline); err != nil {
		return err
	}
	announceReady(r.Recorder, pipeline, before.Status.Conditions, pipeline.Status.Conditions)
	return nil
}

func (r *PipelineReconciler) examine(ctx context.Context, pipeline *v1alpha1.RecordingPipeline) (finding, error) {
	if err := steps.Validate(&pipeline.Spec, r.Conditions); err != nil {
		return notReady(v1alpha1.ReasonPipelineInvalid, "%v", err), nil
	}
	for i, step := range rules.Steps(&pipeline.Spec) {
		if step.Output == nil {
			continue
		}
		name := step.Output.StorageRef.Name
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: pipeline.Namespace, Name: name}, &v1alpha1.StorageLocation{})
		if apierrors.IsNotFound(err) {
			return notReady(v1alpha1.ReasonStorageLocationNotFound, "%s.output.storageRef: StorageLocation %q not found", rules.Field(&pipeline.Spec, i), name), nil
		}
		if err != nil {
			return finding{}, fmt.Errorf("get storage location: %w", err)
		}
	}
	return ready(v1alpha1.ReasonValid, "The steps can run in order and their storage locations exist"), nil
}

// prune deletes the revisions of a pipeline that are superseded and that no unfinished file refers to, and says how
// many superseded ones are left.
func (r *PipelineReconciler) prune(ctx context.Context, request ctrl.Request, current string) (left int, err error) {
	var revisions appsv1.ControllerRevisionList
	if err := r.Client.List(ctx, &revisions, client.InNamespace(request.Namespace), client.MatchingLabels{v1alpha1.LabelPipeline: request.Name}); err != nil {
		return 0, fmt.Errorf("list revisions: %w", err)
	}
	for i := range revisions.Items {
		revision := &revisions.Items[i]
		if revision.Name == current {
			continue
		}
		var users v1alpha1.RecordingFileList
		if err := r.Client.List(ctx, &users, client.InNamespace(request.Namespace), client.MatchingFields{indexRevision: revision.Name}, client.Limit(1)); err != nil {
			return 0, fmt.Errorf("list files of revision %s: %w", revision.Name, err)
		}
		if len(users.Items) > 0 || r.Clock.Since(revision.CreationTimestamp.Time) < revisionMinAge {
			left++
			continue
		}
		if err := r.Client.Delete(ctx, revision); client.IgnoreNotFound(err) != nil {
			return 0, fmt.Errorf("delete revision %s: %w", revision.Name, err)
		}
	}
	return left, nil
}
