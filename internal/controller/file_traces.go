// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/tracing"
)

// recordTraces records what ended, now that it is written: steps, and the run with the last of them. What was read for the
// decision has all of it.
func (r *FileReconciler) recordTraces(seen *gathered, before *v1alpha1.RecordingFileStatus) {
	if r.Traces == nil || seen.Pipeline == nil {
		return
	}
	file, now := seen.file, r.Clock.Now()
	recording := tracing.Recording{Namespace: file.Namespace, Name: file.Name, Run: file.Status.Run}
	for i := range file.Status.Steps {
		step := &file.Status.Steps[i]
		if was := recordedStep(before, file, step.Name); pipeline.Ended(step.State) && (was == nil || !pipeline.Ended(was.State)) {
			r.Traces.StepEnded(recording, seen.traced(step), now)
		}
	}
	if !allEnded(&file.Status) || before.Run == file.Status.Run && allEnded(before) {
		return
	}
	reason := ""
	if ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		reason = ready.Reason
	}
	r.Traces.RecordingEnded(recording, &file.Status.ProcessingStatus, file.Spec.SourceRef.Name, reason, seen.runBegan(), now)
}

// recordedStep is a step of the same run as the status before had it; nil: it had none.
func recordedStep(before *v1alpha1.RecordingFileStatus, file *v1alpha1.RecordingFile, name string) *v1alpha1.StepStatus {
	if before.Run != file.Status.Run {
		return nil
	}
	if i := slices.IndexFunc(before.Steps, func(s v1alpha1.StepStatus) bool { return s.Name == name }); i >= 0 {
		return &before.Steps[i]
	}
	return nil
}

func allEnded(status *v1alpha1.RecordingFileStatus) bool {
	return len(status.Steps) > 0 && !slices.ContainsFunc(status.Steps, func(s v1alpha1.StepStatus) bool { return !pipeline.Ended(s.State) })
}

// traced is what is known of a step that ended.
func (g *gathered) traced(step *v1alpha1.StepStatus) tracing.Step {
	traced := tracing.Step{Status: step, Kind: g.kindOf(step.Name), Ready: g.runBegan()}
	for _, dependency := range g.Dependencies(step.Name) {
		for i := range g.file.Status.Steps {
			if other := &g.file.Status.Steps[i]; other.Name == dependency && other.CompletionTime != nil && other.CompletionTime.After(traced.Ready) {
				traced.Ready = other.CompletionTime.Time
			}
		}
	}
	// A step without a Job that began to wait did so for a person, unless it is kept from an earlier run.
	if step.JobName == "" && step.StartTime != nil && step.Reason != v1alpha1.ReasonReused {
		traced.Asked = step.StartTime.Time
	}
	for i := range g.Children {
		if child := &g.Children[i]; child.Name == step.JobName {
			traced.JobCreated = child.CreationTime.Time
		}
	}
	traced.Pods = slices.SortedFunc(slices.Values(g.pods[step.JobName]), func(a, b corev1.Pod) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return traced
}

// runBegan is when the first run could begin, since the file was there, and when a later one did.
func (g *gathered) runBegan() time.Time {
	run := max(g.file.Status.Run, 1)
	began := g.file.CreationTimestamp.Time
	if run == 1 {
		return began
	}
	began = g.Now
	for i := range g.Children {
		if child := &g.Children[i]; child.Run == run && child.CreationTime.Time.Before(began) {
			began = child.CreationTime.Time
		}
	}
	return began
}
