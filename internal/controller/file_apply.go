// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/jobs"
	"sparkrtc.dev/recording-operator/internal/plan"
	"sparkrtc.dev/recording-operator/internal/status"
)

// apply carries the plan out. It goes on past what fails, so that one step's trouble does not hold up another; what a
// person has to correct comes back by step, what may pass as an error.
func (r *FileReconciler) apply(ctx context.Context, seen *gathered, steps *plan.Plan) (map[string]status.Problem, error) {
	var failures []error
	if seen.pipeline != nil && seen.pipeline.missing != nil {
		if err := r.Client.Create(ctx, seen.pipeline.missing); err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("keep pipeline revision: %w", err)
		}
	}
	for _, name := range steps.Delete {
		failures = append(failures, r.deleteJob(ctx, seen.file.Namespace, name))
	}
	for _, name := range steps.Suspend {
		failures = append(failures, r.suspendJob(ctx, seen.file.Namespace, name, true))
	}
	for _, name := range steps.Resume {
		failures = append(failures, r.suspendJob(ctx, seen.file.Namespace, name, false))
	}
	problems := map[string]status.Problem{}
	for _, name := range steps.Create {
		job, err := r.createJob(ctx, seen, steps, name)
		var problem *jobs.Problem
		switch {
		case errors.As(err, &problem):
			problems[name] = status.Problem{Reason: problem.Reason, Message: problem.Message}
		case err != nil:
			problems[name] = passing(err)
			failures = append(failures, err)
		default:
			i := slices.IndexFunc(steps.Steps, func(s v1alpha1.StepStatus) bool { return s.Name == name })
			steps.Steps[i].JobName = job.Name
			steps.Steps[i].StartTime = &job.CreationTimestamp
		}
	}
	return problems, errors.Join(failures...)
}

// passing says why a Job is not created yet. A refusal, for example by a quota, says what a person may want to know;
// anything else is over with the next attempt.
func passing(err error) status.Problem {
	problem := status.Problem{Reason: v1alpha1.ReasonQueued, Message: "the Job could not be created yet", Passing: true}
	if apierrors.IsForbidden(err) {
		problem.Message += ": " + err.Error()
	}
	return problem
}

// createJob creates the Job for one step, or finds it there already.
func (r *FileReconciler) createJob(ctx context.Context, seen *gathered, steps *plan.Plan, name string) (*batchv1.Job, error) {
	work, err := r.work(ctx, seen, steps, name)
	if err != nil {
		return nil, err
	}
	job, err := jobs.Build(work)
	if err != nil {
		return nil, err
	}
	err = r.Client.Create(ctx, job)
	switch {
	case apierrors.IsAlreadyExists(err):
		return r.adopted(ctx, seen.file, job.Name)
	case apierrors.IsInvalid(err):
		return nil, &jobs.Problem{Reason: v1alpha1.ReasonJobInvalid, Message: "the API server refuses the step's Job: " + err.Error()}
	case err != nil:
		return nil, fmt.Errorf("create job %s: %w", job.Name, err)
	}
	return job, nil
}

// adopted reads the Job that already bears the name. The cache had not shown it, so it is read live; a Job of somebody
// else is left alone.
func (r *FileReconciler) adopted(ctx context.Context, file *v1alpha1.RecordingFile, name string) (*batchv1.Job, error) {
	existing := &batchv1.Job{}
	if err := r.Live.Get(ctx, client.ObjectKey{Namespace: file.Namespace, Name: name}, existing); err != nil {
		return nil, fmt.Errorf("get job %s: %w", name, err)
	}
	if !metav1.IsControlledBy(existing, file) {
		return nil, &jobs.Problem{Reason: v1alpha1.ReasonJobInvalid,
			Message: fmt.Sprintf("a Job %q that is not this file's already exists; delete it", name)}
	}
	return existing, nil
}

// work collects what a step's Job is made from.
func (r *FileReconciler) work(ctx context.Context, seen *gathered, steps *plan.Plan, name string) (jobs.Work, error) {
	spec := &seen.pipeline.spec
	step := &spec.Steps[slices.IndexFunc(spec.Steps, func(s v1alpha1.Step) bool { return s.Name == name })]
	work := jobs.Work{
		File: seen.file, Facts: seen.facts, Step: step, Source: seen.source,
		Revision: seen.pipeline.ref.Revision, WorkerImage: r.WorkerImage, RequireLandlock: r.RequireLandlock, DeniedNetworks: r.DeniedNetworks,
	}
	if spec.TTLAfterFinished != nil {
		work.TTL = spec.TTLAfterFinished.Duration
	}
	var err error
	if work.DestinationStorage, err = r.storage(ctx, seen.file.Namespace, step.Output.StorageRef.Name); err != nil {
		return work, err
	}
	if step.Input != nil {
		return work, r.workOnStep(ctx, seen, steps, &work)
	}
	if seen.source == nil {
		problem := sourceNotFound(seen.file)
		return work, &jobs.Problem{Reason: problem.Reason, Message: problem.Message}
	}
	if ref := seen.source.Spec.StorageRef; ref != nil {
		work.SourceStorage, err = r.storage(ctx, seen.file.Namespace, ref.Name)
	}
	return work, err
}

// workOnStep makes the first output of another step the input.
func (r *FileReconciler) workOnStep(ctx context.Context, seen *gathered, steps *plan.Plan, work *jobs.Work) error {
	input := work.Step.Input.Step
	done := steps.Steps[slices.IndexFunc(steps.Steps, func(s v1alpha1.StepStatus) bool { return s.Name == input })]
	if len(done.Outputs) == 0 {
		return &jobs.Problem{Reason: v1alpha1.ReasonInputMissing,
			Message: fmt.Sprintf("step %q, which is the input, has reported no output", input)}
	}
	work.InputFrom = &done.Outputs[0]
	origin := seen.pipeline.spec.Steps[slices.IndexFunc(seen.pipeline.spec.Steps, func(s v1alpha1.Step) bool { return s.Name == input })]
	var err error
	work.SourceStorage, err = r.storage(ctx, seen.file.Namespace, origin.Output.StorageRef.Name)
	return err
}

func (r *FileReconciler) storage(ctx context.Context, namespace, name string) (*v1alpha1.StorageLocation, error) {
	location := &v1alpha1.StorageLocation{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, location)
	if apierrors.IsNotFound(err) {
		return nil, &jobs.Problem{Reason: v1alpha1.ReasonStorageLocationNotFound,
			Message: fmt.Sprintf("there is no StorageLocation %q in this namespace", name)}
	}
	if err != nil {
		return nil, fmt.Errorf("get storage location: %w", err)
	}
	return location, nil
}

// deleteJob stops a Job and its pods; the Job stays visible until the pods are gone, so that no second one runs beside.
func (r *FileReconciler) deleteJob(ctx context.Context, namespace, name string) error {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := r.Client.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationForeground)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete job %s: %w", name, err)
	}
	return nil
}

func (r *FileReconciler) suspendJob(ctx context.Context, namespace, name string, suspend bool) error {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"suspend":%t}}`, suspend))
	if err := r.Client.Patch(ctx, job, patch); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("suspend job %s (%t): %w", name, suspend, err)
	}
	return nil
}
