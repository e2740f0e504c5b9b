// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
)

// apply carries a decision out. It goes on past what fails, so that one step's trouble does not hold up another; what
// stands in the way of a step is part of the outcome, and what may pass is an error too.
func (r *FileReconciler) apply(ctx context.Context, seen *gathered, decision *pipeline.Decision) (pipeline.Outcome, error) {
	outcome := pipeline.Outcome{Created: map[string]*batchv1.Job{}, Problems: map[string]pipeline.Problem{}}
	var failures []error
	for _, child := range decision.Delete {
		failures = append(failures, r.deleteJob(ctx, seen.file.Namespace, &child))
	}
	for _, child := range decision.Suspend {
		_, err := r.suspendJob(ctx, seen.file.Namespace, &child, true)
		failures = append(failures, err)
	}
	for _, child := range decision.Resume {
		done, err := r.suspendJob(ctx, seen.file.Namespace, &child, false)
		r.Slots.resumed(seen.file.Namespace, &child, done, err)
		failures = append(failures, err)
	}
	revisionErr := r.createRevision(ctx, seen)
	seen.notKept = revisionErr != nil
	failures = append(failures, revisionErr)
	for _, creation := range decision.Create {
		job, err := r.createJob(ctx, seen, creation.Job, revisionErr)
		r.Slots.created(seen.file.Namespace, creation.Job.Name, job, err)
		switch {
		case err == nil:
			outcome.Created[creation.Step.Name] = job
		case apierrors.IsInvalid(err):
			outcome.Problems[creation.Step.Name] = pipeline.Problem{Reason: v1alpha1.ReasonJobInvalid,
				Message: "the API server refuses the step's Job: " + err.Error()}
		case errors.Is(err, errTaken):
			outcome.Problems[creation.Step.Name] = pipeline.Problem{Reason: v1alpha1.ReasonJobInvalid, Message: err.Error()}
		case errors.Is(err, errForged):
			outcome.Problems[creation.Step.Name] = *forged(err)
		case apierrors.IsForbidden(err):
			outcome.Problems[creation.Step.Name] = passing(err)
			outcome.RecheckAfter = refusedDelay
		default:
			outcome.Problems[creation.Step.Name] = passing(err)
			failures = append(failures, err)
		}
	}
	return outcome, errors.Join(failures...)
}

// refusedDelay is how long after the API server refused a Job there is another try. A quota that has room again wakes nobody, and
// errors are tried again less and less often.
const refusedDelay = time.Minute

// passing says why a Job is not created yet. A refusal, for example by a quota, says what a person may want to know;
// anything else is over with the next attempt.
func passing(err error) pipeline.Problem {
	problem := pipeline.Problem{Reason: v1alpha1.ReasonQueued, Message: "the Job could not be created yet", Passing: true}
	if apierrors.IsForbidden(err) {
		problem.Message += ": " + err.Error()
	}
	return problem
}

// createRevision keeps the pipeline as it is, before the first Job that is made from it. One of its name that the cache
// did not show must hold the same.
func (r *FileReconciler) createRevision(ctx context.Context, seen *gathered) error {
	if seen.missing == nil {
		return nil
	}
	err := r.Client.Create(ctx, seen.missing)
	if err == nil {
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("keep pipeline revision: %w", err)
	}
	existing := &appsv1.ControllerRevision{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(seen.missing), existing); err != nil {
		return fmt.Errorf("get pipeline revision: %w", err)
	}
	_, err = readRevision(existing)
	return err
}

// errTaken says that a Job of somebody else has the name.
var errTaken = errors.New("a Job of this name exists and does not belong to this file; delete it")

// createJob creates a Job, or finds it there already. Without the revision it was made from, it is not created.
func (r *FileReconciler) createJob(ctx context.Context, seen *gathered, job *batchv1.Job, revisionErr error) (*batchv1.Job, error) {
	if revisionErr != nil {
		return nil, revisionErr
	}
	created := job.DeepCopy() // the answer is read into it
	err := r.Client.Create(ctx, created)
	if err == nil {
		return created, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("create job %s: %w", job.Name, err)
	}
	// The cache had not shown it, so it is read live. A Job of somebody else is left alone.
	existing := &batchv1.Job{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(job), existing); err != nil {
		return nil, fmt.Errorf("get job %s: %w", job.Name, err)
	}
	if !metav1.IsControlledBy(existing, seen.file) {
		return nil, fmt.Errorf("job %s: %w", job.Name, errTaken)
	}
	return existing, nil
}

// deleteJob stops a Job and its pods; the Job stays visible until the pods are gone, so that no second one runs beside.
// One that is another, or has changed, since it was observed is left alone.
func (r *FileReconciler) deleteJob(ctx context.Context, namespace string, child *pipeline.Child) error {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: child.Name}}
	err := r.Client.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationForeground),
		client.Preconditions{UID: &child.UID, ResourceVersion: &child.ResourceVersion})
	if ignoreChanged(err) != nil {
		return fmt.Errorf("delete job %s: %w", child.Name, err)
	}
	return nil
}

// ignoreChanged passes over a Job that is gone or has changed since it was observed: the watch brings the change, and with
// it another look.
func ignoreChanged(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// suspendJob suspends a Job and notes that it was the operator, or takes both back. The UID and the resourceVersion in
// the patch are preconditions: done says that they held.
func (r *FileReconciler) suspendJob(ctx context.Context, namespace string, child *pipeline.Child, suspend bool) (done bool, err error) {
	var note any // null removes it
	if suspend {
		note = "spec.suspend"
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{
			"uid": child.UID, "resourceVersion": child.ResourceVersion,
			"annotations": map[string]any{v1alpha1.AnnotationSuspended: note},
		},
		"spec": map[string]any{"suspend": suspend},
	})
	if err != nil {
		return false, fmt.Errorf("encode the patch of job %s: %w", child.Name, err)
	}
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: child.Name}}
	err = r.Client.Patch(ctx, job, client.RawPatch(types.MergePatchType, patch))
	if ignoreChanged(err) != nil {
		return false, fmt.Errorf("suspend job %s (%t): %w", child.Name, suspend, err)
	}
	return err == nil, nil
}
