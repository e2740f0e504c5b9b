// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps"
)

// recordEvents says what changed, now that it is written: in events for people, in metrics for machines.
func (r *FileReconciler) recordEvents(seen *gathered, before *v1alpha1.RecordingFileStatus) {
	file := seen.file
	if file.Status.Run > 1 && file.Status.Run != before.Run {
		if rerun := file.Status.Rerun; rerun != nil && rerun.Run == file.Status.Run {
			r.Recorder.Eventf(file, nil, corev1.EventTypeNormal, "RerunStarted", "Process", "spec.rerun asks for it; processing it again")
		} else {
			r.Recorder.Eventf(file, nil, corev1.EventTypeNormal, "FileUpdated", "Process", "the recording changed after it was processed; processing it again")
		}
	}
	for i := range file.Status.Steps {
		r.recordStep(seen, &file.Status.Steps[i], before)
	}
	r.recordDamage(file, before)
	ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady)
	was := meta.FindStatusCondition(before.Conditions, v1alpha1.ConditionReady)
	if ready == nil || was != nil && was.Reason == ready.Reason && was.Message == ready.Message {
		return
	}
	if was != nil && was.Reason == ready.Reason && ready.Reason == v1alpha1.ReasonProcessing {
		return // the events of the steps say it
	}
	if isUsual(ready.Reason) {
		return
	}
	kind := corev1.EventTypeNormal
	if ready.Reason == v1alpha1.ReasonFailed {
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(file, nil, kind, ready.Reason, "Reconcile", "%s", ready.Message)
}

// recordDamage says once that the recording is damaged, whether or not the steps succeed all the same.
func (r *FileReconciler) recordDamage(file *v1alpha1.RecordingFile, before *v1alpha1.RecordingFileStatus) {
	if intact := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionIntact); intact != nil &&
		intact.Status == metav1.ConditionFalse && !meta.IsStatusConditionFalse(before.Conditions, v1alpha1.ConditionIntact) {
		r.Recorder.Eventf(file, nil, corev1.EventTypeWarning, v1alpha1.ReasonDamaged, "Process", "%s", intact.Message)
	}
}

// isUsual says that it is one of the reasons that nearly every file has at first: the STATUS column shows them, and an event costs the API
// server as much as the callback that it would follow. That a step waits for a person, the event of the step says.
func isUsual(reason string) bool {
	return reason == v1alpha1.ReasonQueued || reason == v1alpha1.ReasonSkipped || reason == v1alpha1.ReasonWaitingForApproval
}

func (r *FileReconciler) recordStep(seen *gathered, step *v1alpha1.StepStatus, before *v1alpha1.RecordingFileStatus) {
	file := seen.file
	var was v1alpha1.StepStatus
	if i := slices.IndexFunc(before.Steps, func(s v1alpha1.StepStatus) bool { return s.Name == step.Name }); i >= 0 && before.Run == file.Status.Run {
		was = before.Steps[i]
	}
	if pipeline.Ended(step.State) && !pipeline.Ended(was.State) {
		r.Metrics.StepEnded(seen.kindOf(step.Name), strings.ToLower(string(step.State)), took(step))
	}
	switch {
	case step.State == v1alpha1.StepRunning && was.JobName != step.JobName:
		r.Recorder.Eventf(file, nil, corev1.EventTypeNormal, "StepStarted", actionOf(step), "step %q: created Job %s", step.Name, step.JobName)
	case step.State == v1alpha1.StepRunning && step.Attempts > was.Attempts && step.Reason != "":
		r.Recorder.Eventf(file, nil, corev1.EventTypeWarning, "StepRetrying", actionOf(step), "step %q: attempt %d after %s; see status.steps", step.Name, step.Attempts, step.Reason)
	case step.State == v1alpha1.StepPending:
		r.recordStepWaits(file, step, &was)
	case was.State != step.State:
		r.recordStepEnd(file, step)
	}
}

// recordStepWaits says that a step is tried again later, that its pod cannot start, or that it waits for a person.
func (r *FileReconciler) recordStepWaits(file *v1alpha1.RecordingFile, step, was *v1alpha1.StepStatus) {
	switch {
	case step.Retry != nil && step.Retry.NextTime != nil:
		if was.Retry == nil || was.Retry.Count != step.Retry.Count {
			r.Recorder.Eventf(file, nil, corev1.EventTypeWarning, "StepRetrying", actionOf(step), "step %q: %s, tried again at %s; see status.steps",
				step.Name, step.Reason, step.Retry.NextTime.UTC().Format(time.RFC3339))
		}
	case step.Reason == v1alpha1.ReasonWaitingForApproval && !step.StartTime.Equal(was.StartTime):
		r.Recorder.Eventf(file, nil, corev1.EventTypeNormal, step.Reason, actionOf(step), "step %q: %s", step.Name, step.Message)
	case step.JobName != "" && step.Reason != "" && was.Reason != step.Reason:
		r.Recorder.Eventf(file, nil, corev1.EventTypeWarning, "StepWaiting", actionOf(step), "step %q: %s; see status.steps", step.Name, step.Reason)
	}
}

// actionOf names what an event is about. Events of one object, reason and action are folded into one, which shows the note of
// the first: so each step has an action of its own. Only steps that are skipped at once share an event.
func actionOf(step *v1alpha1.StepStatus) string { return "Process/" + step.Name }

// recordStepEnd says how a step ended, if it did.
func (r *FileReconciler) recordStepEnd(file *v1alpha1.RecordingFile, step *v1alpha1.StepStatus) {
	switch step.State {
	case v1alpha1.StepSucceeded:
		r.Recorder.Eventf(file, nil, corev1.EventTypeNormal, "StepSucceeded", actionOf(step), "step %q: %s", step.Name, published(step))
	case v1alpha1.StepSkipped:
		r.Recorder.Eventf(file, nil, corev1.EventTypeNormal, "StepSkipped", "Process", "step %q: %s; see status.steps", step.Name, step.Reason)
	case v1alpha1.StepFailed:
		r.Recorder.Eventf(file, nil, corev1.EventTypeWarning, "StepFailed", actionOf(step), "%s; see status.steps", pipeline.Failed(step))
	case v1alpha1.StepPending, v1alpha1.StepQueued, v1alpha1.StepRunning, v1alpha1.StepSuspended:
	}
}

func published(step *v1alpha1.StepStatus) string {
	if step.Reason == v1alpha1.ReasonApproved {
		return step.Message
	}
	if len(step.Outputs) == 0 {
		return "done"
	}
	return "published " + step.Outputs[0].URI
}

func took(step *v1alpha1.StepStatus) time.Duration {
	if step.StartTime == nil || step.CompletionTime == nil {
		return 0
	}
	return step.CompletionTime.Sub(step.StartTime.Time)
}

// kindOf is the kind of a step, for metrics.
func (g *gathered) kindOf(name string) string {
	if g.Pipeline != nil {
		for _, step := range pipeline.Steps(g.Pipeline.Spec) {
			if step.Name == name {
				return steps.NameOf(step)
			}
		}
	}
	return "unknown"
}
