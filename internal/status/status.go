// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package status computes the status of a RecordingFile from what was observed. It is pure: conditions and reasons are
// decided here and nowhere else.
package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// Problem says why something cannot go on until a person corrects it.
type Problem struct {
	Reason, Message string
	// Passing says that no person is needed: it is tried again.
	Passing bool
}

// Observation is everything that a status is computed from.
type Observation struct {
	// File as it was read, with its status so far.
	File *v1alpha1.RecordingFile
	// Facts are what is known of the recording.
	Facts recording.Facts
	// TaskIDs are the recording tasks that are known to have a RecordingTask, or had one.
	TaskIDs []string
	// Pipeline that processes the file; nil: none was chosen.
	Pipeline *v1alpha1.PipelineSnapshot
	// Input is the digest of the facts that are processed; empty without a pipeline.
	Input string
	// Steps of the pipeline, as the plan sees them once it is carried out.
	Steps []v1alpha1.StepStatus
	// Optional names the steps that may fail.
	Optional []string
	// Blocked says why processing cannot begin, or not yet; nil: it can.
	Blocked *Problem
	// StepProblems says which steps cannot go on, by name.
	StepProblems map[string]Problem
	Now          time.Time
}

// Compute is the status that the observation amounts to. A condition keeps its transition time while its status stays.
func Compute(seen Observation) v1alpha1.RecordingFileStatus {
	old := &seen.File.Status
	computed := v1alpha1.RecordingFileStatus{
		Conditions:         slices.Clone(old.Conditions),
		ObservedGeneration: seen.File.Generation,
		ProcessingStatus: v1alpha1.ProcessingStatus{
			Pipeline: seen.Pipeline, Input: seen.Input, Run: runs(seen), Steps: steps(seen),
		},
		IgnoredFields:      seen.Facts.IgnoredFields,
		TaskIDs:            seen.TaskIDs,
	}
	verdict := judge(seen, computed.Steps)
	intact, read := intactCondition(computed.Steps)
	if verdict.reason == v1alpha1.ReasonSucceeded && intact.reason == v1alpha1.ReasonDamaged {
		verdict.message += "; the recording is damaged, see the condition Intact"
	}
	if computed.Run > 1 && verdict.reason != v1alpha1.ReasonFailed {
		verdict.message += fmt.Sprintf(" (run %d: the file grew after it was processed)", computed.Run)
	}
	set := func(kind string, status metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&computed.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: cut(message, maxConditionMessage),
			ObservedGeneration: seen.File.Generation, LastTransitionTime: metav1.NewTime(seen.Now),
		})
	}
	computed.Summary = summary(seen.Facts, computed.Steps, verdict)
	set(v1alpha1.ConditionReady, verdict.ready, verdict.reason, verdict.message)
	set(v1alpha1.ConditionProcessed, verdict.processed, verdict.processedReason(), verdict.message)
	if read {
		set(v1alpha1.ConditionIntact, intact.status, intact.reason, intact.message)
	} else {
		meta.RemoveStatusCondition(&computed.Conditions, v1alpha1.ConditionIntact)
	}
	if verdict.stalled != "" {
		set(v1alpha1.ConditionStalled, metav1.ConditionTrue, verdict.stalled, verdict.message)
	} else {
		meta.RemoveStatusCondition(&computed.Conditions, v1alpha1.ConditionStalled)
	}
	return computed
}

// Keep is the status of a file that has nothing left to do: as it was, for the generation and the facts that were read.
func Keep(file *v1alpha1.RecordingFile, facts recording.Facts) v1alpha1.RecordingFileStatus {
	kept := *file.Status.DeepCopy()
	kept.ObservedGeneration = file.Generation
	for i := range kept.Conditions {
		kept.Conditions[i].ObservedGeneration = file.Generation
	}
	kept.IgnoredFields = facts.IgnoredFields
	if before := kept.Summary; before != nil {
		kept.Summary = summaryOf(facts)
		kept.Summary.Progress, kept.Summary.Reason = before.Progress, before.Reason
	}
	return kept
}

// verdict is what the conditions say.
type verdict struct {
	ready, processed metav1.ConditionStatus
	reason, message  string
	// stalled is the reason that a person is needed; empty: none is.
	stalled string
	// short is the reason that people see in a table, when it says more than stalled.
	short string
}

func (v verdict) processedReason() string {
	if v.stalled != "" {
		return v.stalled
	}
	return v.reason
}

func judge(seen Observation, steps []v1alpha1.StepStatus) verdict {
	spec := &seen.File.Spec
	waiting := func(reason, message string) verdict {
		return verdict{ready: metav1.ConditionFalse, processed: metav1.ConditionFalse, reason: reason, message: message}
	}
	stalled := func(reason, stalledReason, message string) verdict {
		v := waiting(reason, message)
		v.stalled = stalledReason
		return v
	}
	switch {
	case seen.Blocked != nil && seen.Blocked.Passing:
		return waiting(seen.Blocked.Reason, seen.Blocked.Message)
	case seen.Blocked != nil:
		return stalled(v1alpha1.ReasonFailed, seen.Blocked.Reason, seen.Blocked.Message)
	case seen.Pipeline == nil && spec.Suspend:
		return waiting(v1alpha1.ReasonSuspended, "spec.suspend is true")
	case seen.Pipeline == nil:
		return verdict{ready: metav1.ConditionTrue, processed: metav1.ConditionFalse, reason: v1alpha1.ReasonSkipped,
			message: "no route of the source matches; the file is recorded and nothing follows"}
	}
	return judgeSteps(seen, steps)
}

func judgeSteps(seen Observation, steps []v1alpha1.StepStatus) verdict {
	found := tally(seen, steps)
	done := verdict{ready: metav1.ConditionFalse, processed: metav1.ConditionFalse}
	switch {
	case len(found.running) > 0:
		done.reason, done.message = v1alpha1.ReasonProcessing, "running: "+strings.Join(found.running, ", ")
	case len(found.failed) > 0:
		done.reason, done.stalled, done.message = v1alpha1.ReasonFailed, v1alpha1.ReasonStepFailed, strings.Join(found.failed, "; ")+"; see status.steps"
		done.short = found.failure
	case len(found.skipped) > 0:
		// Behind a failed step a skipped one adds nothing to say; here the one that failed was optional.
		done.reason, done.stalled, done.message = v1alpha1.ReasonFailed, v1alpha1.ReasonStepFailed, strings.Join(found.skipped, "; ")
	case found.problem != nil:
		done.reason, done.stalled, done.message = v1alpha1.ReasonFailed, found.problem.Reason, found.problem.Message
	case len(found.unfinished) > 0 && seen.File.Spec.Suspend:
		done.reason, done.message = v1alpha1.ReasonSuspended, "spec.suspend is true; waiting: "+strings.Join(found.unfinished, ", ")
	case len(found.unfinished) > 0:
		done.reason, done.message = v1alpha1.ReasonQueued, "waiting: "+strings.Join(found.unfinished, ", ")
	default:
		return verdict{ready: metav1.ConditionTrue, processed: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
			message: fmt.Sprintf("%d of %d steps succeeded", count(steps, v1alpha1.StepSucceeded), len(steps))}
	}
	return done
}

// tallied sorts the steps by what they mean for the file; failed and skipped leave out the optional ones.
type tallied struct {
	failed, skipped, running, unfinished []string
	// failure is the reason of the first step that failed.
	failure string
	// problem is the first that a person has to correct.
	problem *Problem
}

func tally(seen Observation, steps []v1alpha1.StepStatus) tallied {
	var found tallied
	for _, step := range steps {
		optional := slices.Contains(seen.Optional, step.Name)
		switch step.State {
		case v1alpha1.StepSucceeded:
		case v1alpha1.StepSkipped:
			if !optional {
				found.skipped = append(found.skipped, fmt.Sprintf("step %q: skipped: %s", step.Name, step.Message))
			}
		case v1alpha1.StepFailed:
			if !optional {
				found.failed = append(found.failed, Failed(&step))
				found.failure = cmp.Or(found.failure, step.Reason)
			}
		case v1alpha1.StepRunning:
			found.running = append(found.running, step.Name)
		case v1alpha1.StepPending, v1alpha1.StepSuspended:
			found.unfinished = append(found.unfinished, step.Name)
			if problem, ok := seen.StepProblems[step.Name]; ok && !problem.Passing && found.problem == nil {
				found.problem = &Problem{Reason: problem.Reason, Message: fmt.Sprintf("step %q: %s", step.Name, problem.Message)}
			}
		}
	}
	return found
}

// Failed names a step that failed, and the reason. What happened is said in the step's own message, and nowhere else.
func Failed(step *v1alpha1.StepStatus) string {
	if step.Reason == "" {
		return fmt.Sprintf("step %q failed", step.Name)
	}
	return fmt.Sprintf("step %q failed with %s", step.Name, step.Reason)
}

// steps are the plan's, with what stands in the way of a step as its message.
func steps(seen Observation) []v1alpha1.StepStatus {
	result := slices.Clone(seen.Steps)
	for i := range result {
		if problem, ok := seen.StepProblems[result[i].Name]; ok {
			result[i].State = v1alpha1.StepPending
			result[i].Attempts = 0
			result[i].Reason, result[i].Message = problem.Reason, problem.Message
		}
		result[i].Message = cut(result[i].Message, maxStepMessage)
	}
	boundFindings(result)
	return result
}

// The longest messages, in bytes. The API server refuses a status with a longer message of a step as a whole; those of
// conditions are short because an object is read and written as a whole too.
const (
	maxStepMessage      = 512
	maxConditionMessage = 512
)

// cut shortens a message to at most so many bytes.
func cut(message string, most int) string {
	const mark = "..."
	if len(message) <= most {
		return message
	}
	end := most - len(mark)
	for end > 0 && !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end] + mark
}

func runs(seen Observation) int32 {
	old := &seen.File.Status
	if seen.Input != "" && seen.Input != old.Input {
		return old.Run + 1
	}
	return old.Run
}

// summary says the facts and the verdict as a person reads them.
func summary(facts recording.Facts, steps []v1alpha1.StepStatus, verdict verdict) *v1alpha1.FileSummary {
	result := summaryOf(facts)
	result.Reason = cmp.Or(verdict.short, verdict.stalled)
	if len(steps) > 0 {
		result.Progress = fmt.Sprintf("%d/%d", count(steps, v1alpha1.StepSucceeded), len(steps))
	}
	return result
}

func summaryOf(facts recording.Facts) *v1alpha1.FileSummary {
	result := &v1alpha1.FileSummary{Room: facts.Room, Stream: facts.Stream, Format: facts.Format}
	if facts.DurationSeconds > 0 {
		result.Duration = facts.Duration().String()
	}
	if facts.SizeBytes > 0 {
		result.Size = recording.HumanSize(facts.SizeBytes)
	}
	if facts.Width > 0 && facts.Height > 0 {
		result.Resolution = fmt.Sprintf("%dx%d", facts.Width, facts.Height)
	}
	return result
}

func count(steps []v1alpha1.StepStatus, state v1alpha1.StepState) int {
	n := 0
	for _, step := range steps {
		if step.State == state {
			n++
		}
	}
	return n
}
