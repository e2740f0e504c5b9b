// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/steps"
)

// gathered is everything that was read for one file.
type gathered struct {
	// Observation is what a decision is made from.
	pipeline.Observation
	file *v1alpha1.RecordingFile
	// tasks that reported the file, as far as they were read.
	tasks []*v1alpha1.RecordingTask
	// facts are what is known of the recording.
	facts recording.Facts
	// source that the file names; nil: there is none.
	source *v1alpha1.RecordingSource
	// storages are the StorageLocations that the pipeline and the source name, and that exist.
	storages map[string]*v1alpha1.StorageLocation
	// triggerAccount is the service account of triggers, as the pipeline names it now and named it when processing began;
	// empty: they differ, or there is none.
	triggerAccount string
	// missing is the revision of the pipeline to create first; nil when it is there.
	missing *appsv1.ControllerRevision
	// notKept: the revision could not be created, so processing has not begun.
	notKept bool
	// pods are those of each Job, by its name.
	pods map[string][]corev1.Pod
	// finished: every step ended, and the facts are those that were processed.
	finished bool
}

// gather reads everything that the decision needs, once.
func (r *FileReconciler) gather(ctx context.Context, file *v1alpha1.RecordingFile, now time.Time) (*gathered, error) {
	seen := &gathered{
		file: file,
		Observation: pipeline.Observation{
			Generation: file.Generation, Conditions: file.Status.Conditions, Recorded: file.Status.ProcessingStatus,
			Suspend: file.Spec.Suspend, Rerun: file.Spec.Rerun, Approvals: file.Spec.Approvals, Now: now,
			Ask: func(step *v1alpha1.Step) *pipeline.Question { return steps.Ask(file, step) },
		},
	}
	var err error
	if seen.tasks, err = r.gatherTasks(ctx, file); err != nil {
		return nil, err
	}
	seen.facts = factsOf(file, seen.tasks)
	seen.Input = inputOf(seen.facts, &seen.Recorded, seen.Conditions)
	if pipeline.Finished(&seen.Recorded, seen.Input) && !seen.RerunAsked() {
		seen.finished = true
		return seen, nil
	}
	if err := r.gatherChildren(ctx, seen); err != nil {
		return nil, err
	}
	if err := r.gatherSource(ctx, seen); err != nil {
		return nil, err
	}
	if err := r.gatherPipeline(ctx, seen); err != nil {
		return nil, err
	}
	if err := r.gatherTriggerAccount(ctx, seen); err != nil {
		return nil, err
	}
	seen.Prepare, seen.Storage = r.prepare(seen), seen.storageOf
	seen.Expressions = r.Conditions.For(expression.FromFacts(seen.facts))
	return seen, r.gatherStorages(ctx, seen)
}

// factsOf is what is known of a recording.
func factsOf(file *v1alpha1.RecordingFile, tasks []*v1alpha1.RecordingTask) recording.Facts {
	told := make([]*v1alpha1.RecordingTaskSpec, len(tasks))
	for i := range tasks {
		told[i] = &tasks[i].Spec
	}
	return recording.Of(&file.Spec, told...)
}

func (r *FileReconciler) gatherSource(ctx context.Context, seen *gathered) error {
	source := &v1alpha1.RecordingSource{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: seen.file.Namespace, Name: seen.file.Spec.SourceRef.Name}, source)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("get source: %w", err)
	}
	if err == nil {
		seen.source = source
	}
	return nil
}

// sourceNotFound is what a file without its source waits for. Jobs that run go on: they have all they need.
func sourceNotFound(file *v1alpha1.RecordingFile) *pipeline.Problem {
	return &pipeline.Problem{Reason: v1alpha1.ReasonSourceNotFound,
		Message: fmt.Sprintf("spec.sourceRef: RecordingSource %q not found; create it", file.Spec.SourceRef.Name)}
}

// gatherPipeline finds the pipeline of work that has begun, or chooses one.
func (r *FileReconciler) gatherPipeline(ctx context.Context, seen *gathered) error {
	if revision := seen.Begun(); revision != "" {
		return r.gatherRevision(ctx, seen, revision)
	}
	if seen.source == nil {
		seen.Blocked = sourceNotFound(seen.file)
		return nil
	}
	name, chosen := r.choose(ctx, seen)
	if !chosen || seen.Suspend {
		return nil // nothing follows, or not yet
	}
	found := &v1alpha1.RecordingPipeline{}
	switch err := r.Client.Get(ctx, client.ObjectKey{Namespace: seen.file.Namespace, Name: name}, found); {
	case apierrors.IsNotFound(err):
		seen.Blocked = &pipeline.Problem{Reason: v1alpha1.ReasonPipelineNotFound,
			Message: fmt.Sprintf("RecordingPipeline %q not found; create it, or name another in spec.pipelineRef", name)}
		return nil
	case err != nil:
		return fmt.Errorf("get pipeline: %w", err)
	}
	if err := steps.Validate(&found.Spec, r.Conditions); err != nil {
		seen.Blocked = &pipeline.Problem{Reason: v1alpha1.ReasonPipelineInvalid, Message: fmt.Sprintf("RecordingPipeline %q: %v", name, err)}
		return nil
	}
	if problem := rerunProblem(seen, found); problem != nil {
		seen.Blocked = problem
		return nil
	}
	revision, err := newRevision(found)
	if err != nil {
		return err
	}
	seen.Pipeline = &pipeline.Snapshot{PipelineSnapshot: v1alpha1.PipelineSnapshot{Name: name, Revision: revision.Name}, Spec: &found.Spec}
	existing := &appsv1.ControllerRevision{}
	err = r.Client.Get(ctx, client.ObjectKeyFromObject(revision), existing)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("get pipeline revision: %w", err)
	}
	if err == nil {
		_, err = readRevision(existing)
	}
	if err != nil {
		seen.missing = revision // or it holds something else: apply finds out
	}
	return nil
}

// rerunProblem says that the run that is asked for begins at a step that the pipeline does not have.
func rerunProblem(seen *gathered, found *v1alpha1.RecordingPipeline) *pipeline.Problem {
	if !seen.RerunAsked() || seen.Rerun.From == "" {
		return nil
	}
	for _, step := range pipeline.Steps(&found.Spec) {
		if step.Name == seen.Rerun.From {
			return nil
		}
	}
	return &pipeline.Problem{Reason: v1alpha1.ReasonRerunInvalid,
		Message: fmt.Sprintf("spec.rerun.from: RecordingPipeline %q has no step %q", found.Name, seen.Rerun.From)}
}

// forged is what a file waits for whose revision holds something else.
func forged(err error) *pipeline.Problem {
	return &pipeline.Problem{Reason: v1alpha1.ReasonPipelineInvalid, Message: err.Error()}
}

// gatherTriggerAccount reads the account of triggers from the pipeline as it is now. The snapshot alone would not do: who
// may write ControllerRevisions could name an account in one that they may not name in a pipeline.
func (r *FileReconciler) gatherTriggerAccount(ctx context.Context, seen *gathered) error {
	if seen.Pipeline == nil || seen.Pipeline.Spec.TriggerServiceAccountName == "" {
		return nil
	}
	now := &v1alpha1.RecordingPipeline{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: seen.file.Namespace, Name: seen.Pipeline.Name}, now)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("get pipeline: %w", err)
	}
	if err == nil && now.Spec.TriggerServiceAccountName == seen.Pipeline.Spec.TriggerServiceAccountName {
		seen.triggerAccount = now.Spec.TriggerServiceAccountName
	}
	return nil
}

// gatherRevision reads the pipeline as it was when work began.
func (r *FileReconciler) gatherRevision(ctx context.Context, seen *gathered, name string) error {
	revision := &appsv1.ControllerRevision{}
	key := client.ObjectKey{Namespace: seen.file.Namespace, Name: name}
	err := r.Client.Get(ctx, key, revision)
	if apierrors.IsNotFound(err) {
		// The cache may not have seen a revision that was just created.
		err = r.Live.Get(ctx, key, revision)
	}
	if apierrors.IsNotFound(err) {
		seen.Blocked = &pipeline.Problem{Reason: v1alpha1.ReasonPipelineNotFound,
			Message: fmt.Sprintf("ControllerRevision %q, which processing began with, was deleted; kubectl recordings retry %s starts again with the pipeline as it is now",
				name, seen.file.Name)}
		return nil
	}
	if err != nil {
		return fmt.Errorf("get pipeline revision: %w", err)
	}
	spec, err := readRevision(revision)
	if errors.Is(err, errForged) {
		seen.Blocked = forged(err)
		return nil
	}
	if err != nil {
		return err
	}
	seen.Pipeline = &pipeline.Snapshot{
		PipelineSnapshot: v1alpha1.PipelineSnapshot{Name: revision.Labels[v1alpha1.LabelPipeline], Revision: name}, Spec: spec,
	}
	return nil
}

// choose names the pipeline of a file whose processing has not begun. One that was skipped comes here only when its spec
// has changed since (see upToDate): when routes change later it stays so.
func (r *FileReconciler) choose(ctx context.Context, seen *gathered) (string, bool) {
	if ref := seen.file.Spec.PipelineRef; ref != nil {
		return ref.Name, true
	}
	name, matched, err := r.Router.Choose(seen.source.Spec.Routes, expression.FromFacts(seen.facts))
	if err != nil {
		// The source's own status shows it to the person who can correct it.
		log.FromContext(ctx).V(1).Info("A route was passed over", "source", seen.source.Name, "problem", err.Error())
	}
	return name, matched
}

// gatherStorages reads the StorageLocations that the pipeline and the source name.
func (r *FileReconciler) gatherStorages(ctx context.Context, seen *gathered) error {
	if seen.Pipeline == nil {
		return nil
	}
	names := map[string]bool{}
	for _, step := range pipeline.Steps(seen.Pipeline.Spec) {
		if step.Output != nil {
			names[step.Output.StorageRef.Name] = true
		}
	}
	if seen.source != nil && seen.source.Spec.StorageRef != nil {
		names[seen.source.Spec.StorageRef.Name] = true
	}
	seen.storages = make(map[string]*v1alpha1.StorageLocation, len(names))
	for name := range names {
		location := &v1alpha1.StorageLocation{}
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: seen.file.Namespace, Name: name}, location)
		switch {
		case apierrors.IsNotFound(err): // said where it is needed
		case err != nil:
			return fmt.Errorf("get storage location: %w", err)
		default:
			seen.storages[name] = location
		}
	}
	return nil
}

// gatherChildren reads the Jobs that belong to the file, and what became of their pods.
func (r *FileReconciler) gatherChildren(ctx context.Context, seen *gathered) error {
	file := seen.file
	var owned batchv1.JobList
	if err := r.Client.List(ctx, &owned, client.InNamespace(file.Namespace), client.MatchingFields{indexFile: file.Name}); err != nil {
		return fmt.Errorf("list jobs: %w", err)
	}
	seen.pods = make(map[string][]corev1.Pod, len(owned.Items))
	for i := range owned.Items {
		job := &owned.Items[i]
		if !metav1.IsControlledBy(job, file) {
			continue
		}
		var pods corev1.PodList
		if err := r.Client.List(ctx, &pods, client.InNamespace(job.Namespace), client.MatchingFields{indexJob: job.Name}); err != nil {
			return fmt.Errorf("list pods of job %s: %w", job.Name, err)
		}
		// A pod speaks for the Job that made it, or adopted it, and for no other.
		own := slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool { return !metav1.IsControlledBy(&pod, job) })
		child := steps.Observe(job, own)
		r.observeProgress(&child, own)
		seen.Children = append(seen.Children, child)
		seen.pods[job.Name] = own
	}
	return nil
}
