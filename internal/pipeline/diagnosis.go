// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"fmt"
	"strings"

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
		return waiting(v1alpha1.ReasonSuspended, "spec.suspend is true")
	case seen.Pipeline == nil:
		return diagnosis{ready: metav1.ConditionTrue, processed: metav1.ConditionFalse, reason: v1alpha1.ReasonSkipped,
			message: "no route of the source matches; the file is recorded and nothing follows"}
	}
	return d.evaluateSteps(steps, problems)
}

func (d *Decision) evaluateSteps(steps []v1alpha1.StepStatus, problems map[string]Problem) diagnosis {
	found := d.tally(steps, problems)
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
		return waiting(v1alpha1.ReasonSuspended, "spec.suspend is true; waiting: "+strings.Join(found.unfinished, ", "))
	case len(found.unfinished) > 0:
		return waiting(v1alpha1.ReasonQueued, "waiting: "+strings.Join(found.unfinished, ", "))
	}
	return diagnosis{ready: metav1.ConditionTrue, processed: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		message: fmt.Sprintf("%d of %d steps succeeded", count(steps, v1alpha1.StepSucceeded), len(steps))}
}

// tallied sorts the steps by what they mean for the subject; failed and skipped leave out the optional ones.
type tallied struct {
	failed, skipped, running, unfinished []string
	// failure is the reason of the first step that failed.
	failure string
	// problem is the first that a person has to correct.
	problem *Problem
}

func (d *Decision) tally(steps []v1alpha1.StepStatus, problems map[string]Problem) tallied {
	optional := map[string]bool{}
	for i := range d.seen.Pipeline.Spec.Steps {
		optional[d.seen.Pipeline.Spec.Steps[i].Name] = d.seen.Pipeline.Spec.Steps[i].Optional
	}
	var found tallied
	for i := range steps {
		step := &steps[i]
		switch step.State {
		case v1alpha1.StepSucceeded:
		case v1alpha1.StepSkipped:
			if !optional[step.Name] {
				found.skipped = append(found.skipped, fmt.Sprintf("step %q: skipped: %s", step.Name, step.Message))
			}
		case v1alpha1.StepFailed:
			if !optional[step.Name] {
				found.failed = append(found.failed, Failed(step))
				found.failure = cmp.Or(found.failure, step.Reason)
			}
		case v1alpha1.StepRunning:
			found.running = append(found.running, step.Name)
		case v1alpha1.StepPending, v1alpha1.StepSuspended:
			found.unfinished = append(found.unfinished, step.Name)
			if problem, ok := problems[step.Name]; ok && !problem.Passing && found.problem == nil {
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
