// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// asked is a file whose step "release" waits for a person since an hour, with a step behind it.
func asked(question v1alpha1.Approve) *Observation {
	question.Message = "Fit for the students?"
	release := v1alpha1.Step{Name: "release", Approve: &question}
	since := metav1.NewTime(now.Add(-time.Hour))
	return observation(steps(release, step("publish", "release"))).with(v1alpha1.StepStatus{Name: "release", State: pending,
		Reason: v1alpha1.ReasonWaitingForApproval, StartTime: &since}, v1alpha1.StepStatus{Name: "publish", State: pending})
}

func TestAsk_SaysWhatToDecideAndHow(t *testing.T) {
	const waits = `waiting for approval since 2026-03-01T11:00:00Z: "Fit for the students?"; decide with: kubectl recordings approve release`
	in := func(timeout time.Duration) *metav1.Duration { return &metav1.Duration{Duration: timeout} }
	approval := func(run int32, decision v1alpha1.ApprovalDecision) []v1alpha1.Approval {
		return []v1alpha1.Approval{{Step: "other", Run: 1, By: "mallory"}, {Step: "release", Run: run, By: "alice", Decision: decision}}
	}
	for name, test := range map[string]struct {
		question  v1alpha1.Approve
		approvals []v1alpha1.Approval
		want      v1alpha1.StepStatus
		recheck   time.Duration
	}{
		"without an end":      {want: v1alpha1.StepStatus{State: pending, Reason: v1alpha1.ReasonWaitingForApproval, Message: waits}},
		"for another run":     {approvals: approval(2, ""), want: v1alpha1.StepStatus{State: pending, Reason: v1alpha1.ReasonWaitingForApproval, Message: waits}},
		"for an earlier run":  {approvals: approval(0, ""), want: v1alpha1.StepStatus{State: pending, Reason: v1alpha1.ReasonWaitingForApproval, Message: waits}},
		"approved":            {approvals: approval(1, v1alpha1.DecisionApprove), recheck: WrittenDelay, want: v1alpha1.StepStatus{State: succeeded, Reason: v1alpha1.ReasonApproved, Message: "approved by alice"}},
		"approved by default": {approvals: approval(1, ""), recheck: WrittenDelay, want: v1alpha1.StepStatus{State: succeeded, Reason: v1alpha1.ReasonApproved, Message: "approved by alice"}},
		"rejected":            {approvals: approval(1, v1alpha1.DecisionReject), recheck: WrittenDelay, want: v1alpha1.StepStatus{State: failed, Reason: v1alpha1.ReasonRejected, Message: "rejected by alice"}},
		"with time left": {question: v1alpha1.Approve{Timeout: in(90 * time.Minute)}, recheck: 30 * time.Minute, want: v1alpha1.StepStatus{State: pending, Reason: v1alpha1.ReasonWaitingForApproval,
			Message: waits + "; without a decision the step fails at 2026-03-01T12:30:00Z"}},
		"with time left to skip": {question: v1alpha1.Approve{Timeout: in(90 * time.Minute), OnTimeout: v1alpha1.OnTimeoutSkip}, recheck: 30 * time.Minute,
			want: v1alpha1.StepStatus{State: pending, Reason: v1alpha1.ReasonWaitingForApproval, Message: waits + "; without a decision the step is skipped at 2026-03-01T12:30:00Z"}},
		"too late": {question: v1alpha1.Approve{Timeout: in(time.Hour)}, recheck: WrittenDelay,
			want: v1alpha1.StepStatus{State: failed, Reason: v1alpha1.ReasonApprovalTimeout, Message: `nobody decided within 1h0m0s: "Fit for the students?"`}},
		"too late to matter": {question: v1alpha1.Approve{Timeout: in(time.Hour), OnTimeout: v1alpha1.OnTimeoutSkip}, recheck: WrittenDelay,
			want: v1alpha1.StepStatus{State: skipped, Reason: v1alpha1.ReasonApprovalTimeout, Message: `nobody decided within 1h0m0s: "Fit for the students?"`}},
		"approved, found late": {question: v1alpha1.Approve{Timeout: in(time.Minute)}, approvals: approval(1, ""), recheck: WrittenDelay,
			want: v1alpha1.StepStatus{State: succeeded, Reason: v1alpha1.ReasonApproved, Message: "approved by alice"}},
	} {
		t.Run(name, func(t *testing.T) {
			seen := asked(test.question)
			seen.Approvals = test.approvals
			made := Decide(seen)
			test.want.Name, test.want.StartTime = "release", new(metav1.NewTime(now.Add(-time.Hour)))
			if Ended(test.want.State) {
				test.want.CompletionTime = new(metav1.NewTime(now))
			}
			status := made.Status(Outcome{})
			if diff := cmp.Diff(test.want, status.Steps[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// Nothing follows before the status has the decision.
			if made.RecheckAfter != test.recheck || len(made.Create) > 0 {
				t.Errorf("another look after %s, creates %v", made.RecheckAfter, of(made).Create)
			}
			seen.Recorded = status.ProcessingStatus
			if again := Decide(seen); (len(again.Create) == 1) != (test.want.State == succeeded) {
				t.Errorf("after it is written, creates %v", of(again).Create)
			}
		})
	}
}

func TestAsk_BeginsWhenNothingElseIsInTheWay(t *testing.T) {
	seen := asked(v1alpha1.Approve{Timeout: &metav1.Duration{Duration: time.Hour}})
	suspended := Decide(seen.suspended()).Status(Outcome{})
	if got := suspended.Steps[0]; got.State != v1alpha1.StepSuspended || got.Reason != "" {
		t.Errorf("suspended: %+v", got)
	}
	seen.Suspend, seen.Recorded = false, suspended.ProcessingStatus
	if got := Decide(seen).Status(Outcome{}).Steps[0]; got.Reason != v1alpha1.ReasonWaitingForApproval || !got.StartTime.Time.Equal(now) {
		t.Errorf("resumed: %+v", got)
	}
	release := v1alpha1.Step{Name: "release", DependsOn: []string{"mp4"}, Approve: &v1alpha1.Approve{Message: "?"}}
	seen = observation(steps(step("mp4"), release), child("mp4"))
	seen.Approvals = []v1alpha1.Approval{{Step: "release", Run: 1, By: "alice"}}
	if got := Decide(seen).Status(Outcome{}).Steps[1]; got.State != pending || got.Reason != "" || got.Message != `waiting for step "mp4"` {
		t.Errorf("behind a step: %+v", got)
	}
}

// TestEvaluate_SaysWhoIsWaitedFor: one sentence of Ready says what to decide, unless steps run.
func TestEvaluate_SaysWhoIsWaitedFor(t *testing.T) {
	seen := asked(v1alpha1.Approve{})
	status := Decide(seen).Status(Outcome{})
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if ready.Reason != v1alpha1.ReasonWaitingForApproval || !strings.HasPrefix(ready.Message, `step "release": waiting for approval since`) {
		t.Errorf("Ready is %s: %s", ready.Reason, ready.Message)
	}
	if status.Done || status.Queue != nil || meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled) != nil {
		t.Errorf("done: %t, queue %v, conditions %v", status.Done, status.Queue, status.Conditions)
	}
	seen.Pipeline.Spec.Steps = append(seen.Pipeline.Spec.Steps, step("other"))
	ready = meta.FindStatusCondition(Decide(seen).Status(Outcome{}).Conditions, v1alpha1.ConditionReady)
	if ready.Reason != v1alpha1.ReasonProcessing {
		t.Errorf("Ready is %s while a step runs", ready.Reason)
	}
}

// TestEvaluate_RejectionIsToldOnce: Ready does not say that the file failed before it is known what follows the rejection.
func TestEvaluate_RejectionIsToldOnce(t *testing.T) {
	seen := asked(v1alpha1.Approve{})
	seen.Pipeline.Spec.Steps[1].When = "steps.release.state == 'Failed'"
	seen.Approvals = []v1alpha1.Approval{{Step: "release", Run: 1, By: "alice", Decision: v1alpha1.DecisionReject}}
	for _, want := range []string{v1alpha1.ReasonQueued, v1alpha1.ReasonProcessing} {
		status := Decide(seen).Status(Outcome{})
		if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready.Reason != want {
			t.Errorf("Ready is %s: %s, want %s", ready.Reason, ready.Message, want)
		}
		seen.Recorded, seen.Conditions = status.ProcessingStatus, status.Conditions
	}
	// When nothing follows, there is no other look to wait for.
	seen = asked(v1alpha1.Approve{})
	seen.Pipeline.Spec.Steps, seen.Recorded.Steps = seen.Pipeline.Spec.Steps[:1], seen.Recorded.Steps[:1]
	seen.Approvals = []v1alpha1.Approval{{Step: "release", Run: 1, By: "alice", Decision: v1alpha1.DecisionReject}}
	if status := Decide(seen).Status(Outcome{}); !status.Done || status.Reason != v1alpha1.ReasonRejected {
		t.Errorf("done: %t, reason %s", status.Done, status.Reason)
	}
}

// The longest names and texts leave room for the command in the status, and in Ready.
func TestAsk_CommandIsNotCut(t *testing.T) {
	seen := asked(v1alpha1.Approve{Timeout: &metav1.Duration{Duration: 2 * time.Hour}, OnTimeout: v1alpha1.OnTimeoutSkip})
	command := "kubectl recordings approve -n " + strings.Repeat("n", 63) + " " + strings.Repeat("f", 63) + " " + strings.Repeat("s", 24)
	seen.Ask = func(*v1alpha1.Step) *Question {
		return &Question{Text: strings.Repeat("t", 160), Command: command, Timeout: 2 * time.Hour, SkipOnTimeout: true}
	}
	seen.Pipeline.Spec.Steps[0].Name = strings.Repeat("s", 24)
	seen.Pipeline.Spec.Steps = seen.Pipeline.Spec.Steps[:1]
	status := Decide(seen).Status(Outcome{})
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if !strings.Contains(ready.Message, command) || !strings.HasSuffix(status.Steps[0].Message, "Z") {
		t.Errorf("%q\n%q", ready.Message, status.Steps[0].Message)
	}
}
