// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
)

// Outcome says what came of carrying a decision out.
type Outcome struct {
	// Created are the Jobs as the API server has them, by step; a Job that was there already is among them.
	Created map[string]*batchv1.Job
	// Problems are those of steps whose Job could not be created, by name.
	Problems map[string]Problem
	// RecheckAfter asks for another look when nothing else happens; 0: none.
	RecheckAfter time.Duration
}

// Status is what the subject's status says of its processing.
type Status struct {
	v1alpha1.ProcessingStatus
	// Conditions are all of the subject's, with those of processing as they are now.
	Conditions []metav1.Condition
	// Reason is the shortest one that a person needs in a table; empty: none.
	Reason string
	// Progress is the number of steps that succeeded, of all that were not skipped, for example 1/2; empty: there are no
	// steps.
	Progress string
}

// Status is the status that a decision and its outcome amount to. A condition keeps its transition time while its status
// stays.
func (d *Decision) Status(outcome Outcome) Status {
	seen := d.seen
	problems := maps.Clone(d.problems)
	maps.Copy(problems, outcome.Problems)
	computed := Status{
		ProcessingStatus: v1alpha1.ProcessingStatus{Steps: d.stepsAfter(outcome.Created, problems)},
		Conditions:       slices.Clone(seen.Conditions),
	}
	computed.setRun(d)
	switch {
	case seen.Pipeline != nil:
		computed.Pipeline, computed.Input = &seen.Pipeline.PipelineSnapshot, seen.Input
	case seen.Recorded.Input == seen.Input && seen.Blocked != nil:
		computed.Pipeline, computed.Input = seen.Recorded.Pipeline, seen.Recorded.Input
	}
	d.bound(computed.Steps)
	computed.Queue = d.queue(computed.Steps)
	diagnosis := d.evaluate(computed.Steps, problems)
	if computed.Run > 1 && diagnosis.reason != v1alpha1.ReasonFailed {
		diagnosis.message += fmt.Sprintf(" (run %d: %s)", computed.Run, computed.cause())
	}
	computed.setConditions(seen, diagnosis)
	hindered := seen.Pipeline == nil && seen.RerunAsked() // a run is asked for and cannot begin
	computed.Done = Finished(&computed.ProcessingStatus, seen.Input) && !hindered || diagnosis.reason == v1alpha1.ReasonSkipped
	computed.Reason = cmp.Or(diagnosis.short, diagnosis.stalled)
	if len(computed.Steps) > 0 {
		toDo := len(computed.Steps) - count(computed.Steps, v1alpha1.StepSkipped)
		computed.Progress = fmt.Sprintf("%d/%d", count(computed.Steps, v1alpha1.StepSucceeded), toDo)
	}
	return computed
}

func (s *Status) setConditions(seen *Observation, diagnosis diagnosis) {
	intact, read := intactCondition(s.Steps)
	if diagnosis.ready == metav1.ConditionTrue && intact.reason == v1alpha1.ReasonDamaged {
		diagnosis.message += "; the recording is damaged, see the condition Intact"
	}
	set := func(kind string, status metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: bounded.Message(message),
			ObservedGeneration: seen.Generation, LastTransitionTime: metav1.NewTime(seen.Now),
		})
	}
	set(v1alpha1.ConditionReady, diagnosis.ready, diagnosis.reason, diagnosis.message)
	set(v1alpha1.ConditionProcessed, diagnosis.processed, diagnosis.processedReason(), diagnosis.message)
	if read {
		set(v1alpha1.ConditionIntact, intact.status, intact.reason, intact.message)
	} else {
		meta.RemoveStatusCondition(&s.Conditions, v1alpha1.ConditionIntact)
	}
	if diagnosis.stalled != "" {
		set(v1alpha1.ConditionStalled, metav1.ConditionTrue, diagnosis.stalled, diagnosis.message)
	} else {
		meta.RemoveStatusCondition(&s.Conditions, v1alpha1.ConditionStalled)
	}
}

// stepsAfter are the steps once their Jobs are created, or could not be.
func (d *Decision) stepsAfter(created map[string]*batchv1.Job, problems map[string]Problem) []v1alpha1.StepStatus {
	steps := slices.Clone(d.steps)
	for i := range steps {
		step := &steps[i]
		if job := created[step.Name]; job != nil {
			step.JobName, step.StartTime = job.Name, &job.CreationTimestamp
		}
		if problem, ok := problems[step.Name]; ok {
			*step = v1alpha1.StepStatus{Name: step.Name, State: v1alpha1.StepPending, Reason: problem.Reason, Message: problem.Message, Retry: underway(step.Retry)}
		}
	}
	return steps
}

// Observed is a list of conditions for another generation, with nothing else changed.
func Observed(conditions []metav1.Condition, generation int64) []metav1.Condition {
	conditions = slices.Clone(conditions)
	for i := range conditions {
		conditions[i].ObservedGeneration = generation
	}
	return conditions
}

func count(steps []v1alpha1.StepStatus, state v1alpha1.StepState) int {
	n := 0
	for i := range steps {
		if steps[i].State == state {
			n++
		}
	}
	return n
}
