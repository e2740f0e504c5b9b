// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// WrittenDelay is how long after a status was written there is another look that needs it: it gives the cache time to show it.
const WrittenDelay = 100 * time.Millisecond

// Question is what a person decides about a step that has no Job.
type Question struct {
	// Text says what is to be decided.
	Text string
	// Command decides it.
	Command string
	// Timeout is how long a decision is waited for; 0: without an end.
	Timeout time.Duration
	// SkipOnTimeout says that a step which nobody decided in time is skipped, instead of failed.
	SkipOnTimeout bool
}

// ask says what a step is that a person decides: it waits, or has ended. It waits since the status says so. A decision counts
// whenever it is found, also after the time that was given for it.
func (d *Decision) ask(question *Question, state *v1alpha1.StepStatus) {
	state.StartTime = new(metav1.NewTime(d.seen.Now))
	if recorded := find(d.seen.recordedSteps(), state.Name); recorded != nil && recorded.Reason == v1alpha1.ReasonWaitingForApproval &&
		recorded.StartTime != nil {
		state.StartTime = recorded.StartTime
	}
	if approval := d.approvalOf(state.Name); approval != nil {
		d.decided(state, approval)
		return
	}
	state.Reason = v1alpha1.ReasonWaitingForApproval
	state.Message = fmt.Sprintf("waiting for approval since %s: \"%s\"; decide with: %s", timeText(state.StartTime.Time), question.Text, question.Command)
	if question.Timeout == 0 {
		return
	}
	deadline, ending := state.StartTime.Add(question.Timeout), "fails"
	if question.SkipOnTimeout {
		ending = "is skipped"
	}
	if left := deadline.Sub(d.seen.Now); left > 0 {
		state.Message += fmt.Sprintf("; without a decision the step %s at %s", ending, timeText(deadline))
		d.recheck(left)
		return
	}
	ended := v1alpha1.StepFailed
	if question.SkipOnTimeout {
		ended = v1alpha1.StepSkipped
	}
	d.end(state, ended, v1alpha1.ReasonApprovalTimeout, fmt.Sprintf("nobody decided within %s: \"%s\"", question.Timeout, question.Text))
}

// approvalOf is what was decided about a step in the current run; nil: nothing.
func (d *Decision) approvalOf(step string) *v1alpha1.Approval {
	i := slices.IndexFunc(d.seen.Approvals, func(a v1alpha1.Approval) bool { return a.Step == step && a.Run == d.run })
	if i < 0 {
		return nil
	}
	return &d.seen.Approvals[i]
}

// decided ends a step as a person decided.
func (d *Decision) decided(state *v1alpha1.StepStatus, approval *v1alpha1.Approval) {
	if approval.Decision == v1alpha1.DecisionReject {
		d.end(state, v1alpha1.StepFailed, v1alpha1.ReasonRejected, "rejected by "+approval.By)
		return
	}
	d.end(state, v1alpha1.StepSucceeded, v1alpha1.ReasonApproved, "approved by "+approval.By)
}

// end ends a step that has no Job. A Job stays as it ended, and a decision may be taken back: so nothing follows before the
// status keeps it. The step gets no SpecDigest, so that another run asks again.
func (d *Decision) end(state *v1alpha1.StepStatus, ended v1alpha1.StepState, reason, message string) {
	state.State, state.Reason, state.Message = ended, reason, message
	state.CompletionTime = new(metav1.NewTime(d.seen.Now))
	d.unwritten[state.Name] = true
	d.recheck(WrittenDelay)
}

// timeText is a time as statuses have it.
func timeText(at time.Time) string { return at.UTC().Format(time.RFC3339) }
