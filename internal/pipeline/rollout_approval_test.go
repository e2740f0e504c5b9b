// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func drawQuestion(t *rapid.T) *v1alpha1.Approve {
	question := &v1alpha1.Approve{Message: "fit?", OnTimeout: rapid.SampledFrom([]v1alpha1.OnTimeout{v1alpha1.OnTimeoutFail, v1alpha1.OnTimeoutSkip}).Draw(t, "on timeout")}
	if rapid.Bool().Draw(t, "has a timeout") {
		question.Timeout = &metav1.Duration{Duration: time.Duration(rapid.IntRange(1, 120).Draw(t, "minutes")) * time.Minute}
	}
	return question
}

// publishes says whether another step can work on what a step makes.
func publishes(steps []v1alpha1.Step, name string) bool {
	return slices.ContainsFunc(steps, func(s v1alpha1.Step) bool { return s.Name == name && s.Approve == nil })
}

// decideSome has people decide about some of the steps that the last status says to wait, about others, and about another
// run. In the end somebody decides about all of them.
func (r *rollout) decideSome(t *rapid.T, status Status, round int) {
	for _, s := range r.steps {
		state := find(status.Steps, s.Name)
		if s.Approve == nil || r.answered(s.Name) {
			continue
		}
		late := round >= 50 && state.Reason == v1alpha1.ReasonWaitingForApproval
		switch draw := rapid.IntRange(0, 9).Draw(t, "decision"); {
		case late || draw == 0:
			decision := rapid.SampledFrom([]v1alpha1.ApprovalDecision{v1alpha1.DecisionApprove, v1alpha1.DecisionReject, ""}).Draw(t, "approves")
			r.approvals = append(r.approvals, v1alpha1.Approval{Step: s.Name, Run: 1, By: "alice", Decision: decision})
		case draw == 1:
			r.approvals = append(r.approvals, v1alpha1.Approval{Step: s.Name, Run: 2, By: "mallory"})
		}
	}
}

func (r *rollout) answered(step string) bool {
	return slices.ContainsFunc(r.approvals, func(a v1alpha1.Approval) bool { return a.Step == step && a.Run == 1 })
}

// checkQuestions: a step that waits for a person says so, for as long as nobody has decided, and is looked at again when its
// time has passed.
func (r *rollout) checkQuestions(t *rapid.T, made *Decision, status Status) {
	for _, s := range r.steps {
		state := find(status.Steps, s.Name)
		if s.Approve == nil || state.Reason != v1alpha1.ReasonWaitingForApproval {
			continue
		}
		if state.State != pending || state.StartTime == nil || state.JobName != "" || r.answered(s.Name) || r.suspend {
			t.Fatalf("step %s waits for a person: %+v; decided: %t, suspended: %t", s.Name, state, r.answered(s.Name), r.suspend)
		}
		if timeout := s.Approve.Timeout; timeout != nil {
			left := state.StartTime.Add(timeout.Duration).Sub(r.now)
			if left <= 0 || made.RecheckAfter <= 0 || made.RecheckAfter > left {
				t.Fatalf("step %s has %s left, and there is another look after %s", s.Name, left, made.RecheckAfter)
			}
		}
	}
}

// checkAnswer compares how a step of kind approve ended with what people decided, and says whether it waited for them.
func (r *rollout) checkAnswer(t *rapid.T, s *v1alpha1.Step, state *v1alpha1.StepStatus) bool {
	if r.created[s.Name] > 0 || state.JobName != "" {
		t.Fatalf("step %s has a Job: %+v", s.Name, state)
	}
	var decision v1alpha1.ApprovalDecision
	for _, approval := range r.approvals {
		if approval.Step == s.Name && approval.Run == 1 {
			decision = approval.Decision
		}
	}
	var fits bool
	switch state.Reason {
	case v1alpha1.ReasonApproved:
		fits = state.State == succeeded && r.answered(s.Name) && decision != v1alpha1.DecisionReject && state.Message == "approved by alice"
	case v1alpha1.ReasonRejected:
		fits = state.State == failed && decision == v1alpha1.DecisionReject && state.Message == "rejected by alice"
	case v1alpha1.ReasonApprovalTimeout:
		ending := map[v1alpha1.OnTimeout]v1alpha1.StepState{v1alpha1.OnTimeoutFail: failed, v1alpha1.OnTimeoutSkip: skipped}
		fits = state.State == ending[s.Approve.OnTimeout] && s.Approve.Timeout != nil &&
			state.CompletionTime.Sub(state.StartTime.Time) >= s.Approve.Timeout.Duration
	default:
		return false
	}
	if !fits {
		t.Fatalf("step %s, decided %q, ended as %+v", s.Name, decision, state)
	}
	return true
}
