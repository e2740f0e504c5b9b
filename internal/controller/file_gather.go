// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/plan"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/routing"
	"sparkrtc.dev/recording-operator/internal/status"
)

// gathered is everything that was read for one file.
type gathered struct {
	file *v1alpha1.RecordingFile
	// tasks that reported the file.
	tasks []*v1alpha1.RecordingTaskSpec
	// taskIDs are the tasks that are there, or were.
	taskIDs []string
	// facts are what is known of the recording.
	facts recording.Facts
	// now is one moment for all that is decided.
	now time.Time
	// source that the file names; nil: there is none.
	source *v1alpha1.RecordingSource
	// input is the digest of the facts.
	input string
	// finished: every step ended, and the facts are those that were processed.
	finished bool
	// pipeline as it was when processing began; nil: none, and blocked may say why.
	pipeline *snapshot
	blocked  *status.Problem
	jobs     []plan.Job
}

// snapshot is a pipeline's spec and the ControllerRevision that keeps it.
type snapshot struct {
	ref  v1alpha1.PipelineSnapshot
	spec v1alpha1.RecordingPipelineSpec
	// missing is the revision to create first; nil when it is there.
	missing *appsv1.ControllerRevision
}

func (g *gathered) steps() []v1alpha1.Step {
	if g.pipeline == nil {
		return nil
	}
	return g.pipeline.spec.Steps
}

func (g *gathered) planned() plan.Observation {
	seen := plan.Observation{Steps: g.steps(), Input: g.input, Jobs: g.jobs, Suspend: g.file.Spec.Suspend, Now: g.now}
	if g.file.Status.Input == g.input {
		seen.Recorded = g.file.Status.Steps
	}
	return seen
}

func (g *gathered) observed(steps plan.Plan, problems map[string]status.Problem) status.Observation {
	seen := status.Observation{File: g.file, Facts: g.facts, TaskIDs: g.taskIDs, Steps: steps.Steps, Blocked: g.blocked,
		StepProblems: problems, Now: g.now}
	if recorded := &g.file.Status; g.blocked != nil && recorded.Input == g.input {
		// What stands in the way takes nothing back of what was done.
		seen.Pipeline, seen.Input, seen.Steps = recorded.Pipeline, recorded.Input, recorded.Steps
	}
	if g.pipeline != nil {
		seen.Pipeline, seen.Input = &g.pipeline.ref, g.input
		for _, step := range g.pipeline.spec.Steps {
			if step.Optional {
				seen.Optional = append(seen.Optional, step.Name)
			}
		}
	}
	return seen
}

// gather reads everything that the decision needs, once.
func (r *FileReconciler) gather(ctx context.Context, file *v1alpha1.RecordingFile, now time.Time) (*gathered, error) {
	seen := &gathered{file: file, now: now}
	var err error
	if seen.tasks, err = r.gatherTasks(ctx, file); err != nil {
		return nil, err
	}
	seen.facts = recording.Of(&file.Spec, seen.tasks...)
	seen.input = seen.facts.Digest()
	if finished(&file.Status, seen.input) {
		seen.finished = true
		return seen, nil
	}
	if seen.jobs, err = r.observeJobs(ctx, file); err != nil {
		return nil, err
	}
	if err := r.gatherSource(ctx, seen); err != nil {
		return nil, err
	}
	return seen, r.gatherPipeline(ctx, seen)
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
func sourceNotFound(file *v1alpha1.RecordingFile) status.Problem {
	return status.Problem{Reason: v1alpha1.ReasonSourceNotFound,
		Message: fmt.Sprintf("spec.sourceRef: there is no RecordingSource %q in this namespace", file.Spec.SourceRef.Name)}
}

// finished says whether every step ended for the facts as they are.
func finished(recorded *v1alpha1.RecordingFileStatus, input string) bool {
	return recorded.Pipeline != nil && recorded.Input == input && len(recorded.Steps) > 0 &&
		!slices.ContainsFunc(recorded.Steps, func(step v1alpha1.StepStatus) bool { return !plan.Ended(step.State) })
}

// gatherPipeline finds the pipeline of work that has begun, or chooses one.
func (r *FileReconciler) gatherPipeline(ctx context.Context, seen *gathered) error {
	if revision := begun(seen); revision != "" {
		return r.gatherRevision(ctx, seen, revision)
	}
	if seen.source == nil {
		seen.blocked = new(sourceNotFound(seen.file))
		return nil
	}
	name, chosen := r.choose(ctx, seen)
	if !chosen || seen.file.Spec.Suspend {
		return nil // nothing follows, or not yet
	}
	pipeline := &v1alpha1.RecordingPipeline{}
	switch err := r.Client.Get(ctx, client.ObjectKey{Namespace: seen.file.Namespace, Name: name}, pipeline); {
	case apierrors.IsNotFound(err):
		seen.blocked = &status.Problem{Reason: v1alpha1.ReasonPipelineNotFound,
			Message: fmt.Sprintf("there is no RecordingPipeline %q in this namespace; create it, or name another in spec.pipelineRef", name)}
		return nil
	case err != nil:
		return fmt.Errorf("get pipeline: %w", err)
	}
	if cycle := plan.Cycle(pipeline.Spec.Steps); len(cycle) > 0 {
		seen.blocked = &status.Problem{Reason: v1alpha1.ReasonPipelineInvalid,
			Message: fmt.Sprintf("RecordingPipeline %q: steps %v wait for each other", name, cycle)}
		return nil
	}
	revision, err := newRevision(pipeline)
	if err != nil {
		return err
	}
	seen.pipeline = &snapshot{
		ref:  v1alpha1.PipelineSnapshot{Name: name, Revision: revision.Name},
		spec: pipeline.Spec,
	}
	err = r.Client.Get(ctx, client.ObjectKeyFromObject(revision), &appsv1.ControllerRevision{})
	if apierrors.IsNotFound(err) {
		seen.pipeline.missing = revision
		return nil
	}
	return client.IgnoreNotFound(err)
}

// begun is the revision that work on these facts has begun with; empty: it has not. A Job speaks for it as well as the
// status does, since the operator may have died between creating the one and writing the other.
func begun(seen *gathered) string {
	if recorded := &seen.file.Status; recorded.Pipeline != nil && recorded.Input == seen.input {
		return recorded.Pipeline.Revision
	}
	for _, job := range seen.jobs {
		if job.Input == seen.input && job.Revision != "" {
			return job.Revision
		}
	}
	return ""
}

func (r *FileReconciler) gatherRevision(ctx context.Context, seen *gathered, name string) error {
	revision := &appsv1.ControllerRevision{}
	key := client.ObjectKey{Namespace: seen.file.Namespace, Name: name}
	err := r.Client.Get(ctx, key, revision)
	if apierrors.IsNotFound(err) {
		// The cache may not have seen a revision that was just created.
		err = r.Live.Get(ctx, key, revision)
	}
	if apierrors.IsNotFound(err) {
		seen.blocked = &status.Problem{Reason: v1alpha1.ReasonPipelineNotFound,
			Message: fmt.Sprintf("the ControllerRevision %q that processing began with was deleted", name)}
		return nil
	}
	if err != nil {
		return fmt.Errorf("get pipeline revision: %w", err)
	}
	kept := &snapshot{ref: v1alpha1.PipelineSnapshot{Name: revision.Labels[v1alpha1.LabelPipeline], Revision: name}}
	if err := json.Unmarshal(revision.Data.Raw, &kept.spec); err != nil {
		return fmt.Errorf("decode pipeline revision %s: %w", name, err)
	}
	seen.pipeline = kept
	return nil
}

// choose names the pipeline of a file whose processing has not begun. One that was skipped comes here only when its spec
// has changed since (see upToDate): when routes change later it stays so.
func (r *FileReconciler) choose(ctx context.Context, seen *gathered) (string, bool) {
	if ref := seen.file.Spec.PipelineRef; ref != nil {
		return ref.Name, true
	}
	name, matched, err := r.Router.Choose(seen.source.Spec.Routes, routing.FromFacts(seen.facts))
	if err != nil {
		// The source's own status shows it to the person who can mend it.
		log.FromContext(ctx).V(1).Info("A route was passed over", "source", seen.source.Name, "problem", err.Error())
	}
	return name, matched
}

// skipped says whether it was found that nothing follows.
func skipped(file *v1alpha1.RecordingFile) bool {
	ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Reason == v1alpha1.ReasonSkipped && ready.Status == metav1.ConditionTrue
}

// observeJobs reads the Jobs that belong to the file and what their pods said.
func (r *FileReconciler) observeJobs(ctx context.Context, file *v1alpha1.RecordingFile) ([]plan.Job, error) {
	var owned batchv1.JobList
	if err := r.Client.List(ctx, &owned, client.InNamespace(file.Namespace), client.MatchingFields{indexFile: file.Name}); err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	var observed []plan.Job
	for i := range owned.Items {
		job := &owned.Items[i]
		if !metav1.IsControlledBy(job, file) {
			continue
		}
		result, err := r.observeResult(ctx, job)
		if err != nil {
			return nil, err
		}
		observed = append(observed, observeJob(job, result))
	}
	return observed, nil
}
