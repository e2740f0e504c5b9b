// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// diagnosis is what the conditions say.
type diagnosis struct {
	ready, processed metav1.ConditionStatus
	reason, message  string
	// stalled is the reason that a person is needed; empty: none is.
	stalled string
	// short is the reason that people see in a table, when it says more than stalled.
	short string
	// going says that steps in the background have not ended.
	going bool
}

// processedReason is the reason of the condition Processed.
func (d *diagnosis) processedReason() string {
	if d.stalled == "" && d.going {
		return v1alpha1.ReasonProcessing
	}
	return cmp.Or(d.stalled, d.reason)
}

func waiting(reason, message string) diagnosis {
	return diagnosis{ready: metav1.ConditionFalse, processed: metav1.ConditionFalse, reason: reason, message: message}
}

func stalled(reason, message string) diagnosis {
	found := waiting(v1alpha1.ReasonFailed, message)
	found.stalled = reason
	return found
}

func (d *Decision) evaluate(steps []v1alpha1.StepStatus, problems map[string]Problem) diagnosis {
	seen := d.seen
	switch {
	case seen.Blocked != nil && seen.Blocked.Passing:
		return waiting(seen.Blocked.Reason, seen.Blocked.Message)
	case seen.Blocked != nil:
		return stalled(seen.Blocked.Reason, seen.Blocked.Message)
	case seen.Pipeline == nil && seen.Suspend:
		return waiting(v1alpha1.ReasonSuspended, suspendedHint)
	case seen.Pipeline == nil:
		return diagnosis{ready: metav1.ConditionTrue, processed: metav1.ConditionFalse, reason: v1alpha1.ReasonSkipped,
			message: "no route of the source matches; set spec.pipelineRef to process the file"}
	}
	return d.evaluateSteps(steps, problems)
}

func (d *Decision) evaluateSteps(steps []v1alpha1.StepStatus, problems map[string]Problem) diagnosis {
	needed, background := d.tally(steps, problems)
	found := d.evaluateNeeded(steps, needed)
	if found.ready == metav1.ConditionTrue {
		found.addBackground(background)
	}
	return found
}

// evaluateNeeded says what the steps mean that the file waits for.
func (d *Decision) evaluateNeeded(steps []v1alpha1.StepStatus, found tallied) diagnosis {
	switch {
	case len(found.running) > 0:
		return waiting(v1alpha1.ReasonProcessing, "running: "+strings.Join(found.running, ", "))
	case len(found.failed) > 0:
		failed := stalled(v1alpha1.ReasonStepFailed, strings.Join(found.failed, "; ")+"; see status.steps")
		failed.short = found.failure
		return failed
	case len(found.skipped) > 0:
		// Behind a failed step a skipped one adds nothing to say; here the one that failed was optional.
		return stalled(v1alpha1.ReasonStepFailed, strings.Join(found.skipped, "; "))
	case found.problem != nil:
		return stalled(found.problem.Reason, found.problem.Message)
	case len(found.unfinished) > 0 && d.seen.Suspend:
		return waiting(v1alpha1.ReasonSuspended, suspendedHint+"; waiting: "+strings.Join(found.unfinished, ", "))
	case len(found.questions) > 0:
		return waiting(v1alpha1.ReasonWaitingForApproval, strings.Join(found.questions, "; "))
	case len(found.unfinished) > 0:
		queued := waiting(v1alpha1.ReasonQueued, "waiting: "+strings.Join(found.unfinished, ", "))
		if found.help != "" {
			queued.message += "; what would help: " + found.help
		}
		queued.short = found.hindrance
		return queued
	}
	succeeded, skipped := count(steps, v1alpha1.StepSucceeded), count(steps, v1alpha1.StepSkipped)
	if succeeded == 0 && len(found.lost) > 0 {
		failed := stalled(v1alpha1.ReasonStepFailed, "no step succeeded: "+strings.Join(found.lost, "; ")+"; see status.steps")
		failed.short = found.failure
		return failed
	}
	done := diagnosis{ready: metav1.ConditionTrue, processed: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		message: fmt.Sprintf("%d of %d steps succeeded", succeeded, len(steps)-skipped)}
	if skipped > 0 {
		done.message += fmt.Sprintf(", %d skipped", skipped)
	}
	if len(found.lost) > 0 {
		done.reason, done.short = v1alpha1.ReasonPartlySucceeded, found.failure
		done.message += "; optional " + strings.Join(found.lost, "; optional ")
	}
	return done
}

// addBackground adds what the steps mean that the file does not wait for: it stays ready, but is not processed.
func (d *diagnosis) addBackground(found tallied) {
	partly := func(what string, parts []string) {
		d.reason = v1alpha1.ReasonPartlySucceeded
		d.message += "; " + what + strings.Join(parts, "; ")
	}
	if len(found.lost) > 0 {
		partly("in the background optional ", found.lost)
		d.short = cmp.Or(d.short, found.failure)
	}
	switch {
	case len(found.failed) > 0 || len(found.skipped) > 0:
		partly("in the background ", slices.Concat(found.failed, found.skipped))
		d.short = cmp.Or(found.failure, d.short)
		d.processed, d.stalled = metav1.ConditionFalse, v1alpha1.ReasonStepFailed
	case found.problem != nil:
		partly("in the background ", []string{found.problem.Message})
		d.processed, d.stalled = metav1.ConditionFalse, found.problem.Reason
	}
	if going := slices.Concat(found.running, found.unfinished); len(going) > 0 {
		d.processed, d.going = metav1.ConditionFalse, true
		d.message += "; in the background: " + strings.Join(going, ", ")
	}
}

// tallied sorts steps by what they mean for the subject.
type tallied struct {
	// failed and skipped are steps that must succeed; skipped are those that another's failure kept from running. lost are
	// the optional ones of either.
	failed, skipped, lost []string
	running, unfinished   []string
	// questions are those of the unfinished steps that wait for a person.
	questions []string
	// hindrance is the reason of the first step that waits for something of its own.
	hindrance string
	// help is what would help the first step of those that something would help.
	help string
	// failure is the reason of the first step that failed.
	failure string
	// problem is the first that a person has to correct.
	problem *Problem
}

// tally sorts the steps that the subject waits for, and those in the background.
func (d *Decision) tally(steps []v1alpha1.StepStatus, problems map[string]Problem) (needed, background tallied) {
	specs := map[string]*v1alpha1.Step{}
	for _, spec := range Steps(d.seen.Pipeline.Spec) {
		specs[spec.Name] = spec
	}
	goesOn := slices.ContainsFunc(steps, func(s v1alpha1.StepStatus) bool { return !Ended(s.State) })
	for i := range steps {
		into := &needed
		spec := specs[steps[i].Name]
		if spec != nil && spec.Background {
			into = &background
		}
		if goesOn && d.unwritten[steps[i].Name] {
			into.unfinished = append(into.unfinished, steps[i].Name) // what it means follows with the next look
			continue
		}
		into.add(&steps[i], spec != nil && spec.Optional, problems)
	}
	return needed, background
}

func (t *tallied) add(step *v1alpha1.StepStatus, optional bool, problems map[string]Problem) {
	switch step.State {
	case v1alpha1.StepSucceeded:
	case v1alpha1.StepSkipped:
		switch said := fmt.Sprintf("step %q was skipped: %s", step.Name, step.Message); {
		case !hasFailed(*step):
		case optional:
			t.lost = append(t.lost, said)
		default:
			t.skipped = append(t.skipped, said)
		}
	case v1alpha1.StepFailed:
		t.failure = cmp.Or(t.failure, step.Reason)
		if optional {
			t.lost = append(t.lost, Failed(step))
		} else {
			t.failed = append(t.failed, Failed(step))
		}
	case v1alpha1.StepRunning:
		t.running = append(t.running, step.Name)
	case v1alpha1.StepPending, v1alpha1.StepQueued, v1alpha1.StepSuspended:
		t.unfinished = append(t.unfinished, waitsFor(step))
		t.help = cmp.Or(t.help, hintFor(step))
		if step.Reason == v1alpha1.ReasonWaitingForApproval {
			t.questions = append(t.questions, fmt.Sprintf("step %q: %s", step.Name, step.Message))
		}
		if step.State != v1alpha1.StepSuspended && step.Reason != v1alpha1.ReasonQueued {
			t.hindrance = cmp.Or(t.hindrance, step.Reason)
		}
		if problem, ok := problems[step.Name]; ok && !problem.Passing && t.problem == nil {
			t.problem = &Problem{Reason: problem.Reason, Message: fmt.Sprintf("step %q: %s", step.Name, problem.Message)}
		}
	}
}

// waitsFor names a step that waits, why it does, and when it is tried again.
func waitsFor(step *v1alpha1.StepStatus) string {
	switch {
	case isRetried(step.Retry):
		return fmt.Sprintf("%s (%s, tried again at %s)", step.Name, step.Reason, step.Retry.NextTime.UTC().Format(time.RFC3339))
	case step.State == v1alpha1.StepQueued:
		return fmt.Sprintf("%s (%s)", step.Name, step.Message)
	case step.State == v1alpha1.StepPending && step.Reason != "":
		return fmt.Sprintf("%s (%s)", step.Name, step.Reason)
	}
	return step.Name
}

// Failed names a step that failed, and the reason. What happened is said in the step's own message, and nowhere else.
func Failed(step *v1alpha1.StepStatus) string {
	if step.Reason == "" {
		return fmt.Sprintf("step %q failed", step.Name)
	}
	return fmt.Sprintf("step %q failed with %s", step.Name, step.Reason)
}
