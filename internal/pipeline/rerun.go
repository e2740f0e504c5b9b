// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// RerunAsked says that a run is asked for that has not begun, as far as the status says.
func (o *Observation) RerunAsked() bool {
	return o.Rerun != nil && (o.Recorded.Rerun == nil || o.Recorded.Rerun.Token != o.Rerun.Token)
}

// kept are the steps that a run keeps which is asked for: those that succeeded, are the same, and follow no step that runs
// again.
func (o *Observation) kept() []v1alpha1.StepStatus {
	again, after := map[string]bool{}, map[string]bool{}
	var kept []v1alpha1.StepStatus
	ordered, _ := order(nodes(o.Pipeline.Spec, o.Expressions.Reads))
	for _, n := range ordered {
		within := func(set map[string]bool) func(string) bool { return func(name string) bool { return set[name] } }
		after[n.Name] = n.Name == o.Rerun.From || slices.ContainsFunc(n.dependencies, within(after))
		needs := n.needs
		if n.finally {
			needs = n.dependencies // its outcome is theirs
		}
		recorded := find(o.Recorded.Steps, n.Name)
		again[n.Name] = o.Rerun.IncludeSucceeded || after[n.Name] || slices.ContainsFunc(needs, within(again)) || !isReusable(n.Step, recorded)
		if !again[n.Name] {
			step := *recorded
			step.Reason, step.JobName, step.Retry = v1alpha1.ReasonReused, "", nil
			if recorded.Reason != v1alpha1.ReasonReused {
				step.Message = fmt.Sprintf("kept from run %d", o.Recorded.Run)
			}
			kept = append(kept, step)
		}
	}
	return kept
}

// isReusable says that a step succeeded, is the same, and can hand on what it made: a status may leave outputs out.
func isReusable(step *v1alpha1.Step, recorded *v1alpha1.StepStatus) bool {
	return recorded != nil && recorded.State == v1alpha1.StepSucceeded && recorded.SpecDigest == specDigest(step) &&
		(step.Output == nil || len(recorded.Outputs) > 0)
}

// specDigest is a digest of what a step makes: of what, and where. How it runs does not matter.
func specDigest(step *v1alpha1.Step) string {
	made := *step
	made.StepSettings, made.DependsOn, made.When, made.Optional, made.Background = v1alpha1.StepSettings{}, nil, "", false, false
	encoded, err := json.Marshal(made)
	if err != nil {
		return "" // and then it is never kept
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:6])
}

// setRun says which run it is, who asked for it, and what became of those before.
func (s *Status) setRun(d *Decision) {
	seen := d.seen
	s.Run, s.Rerun, s.History = d.run, seen.Recorded.Rerun, seen.Recorded.History
	if seen.Pipeline != nil && seen.RerunAsked() {
		s.Rerun = &v1alpha1.RerunStatus{Token: seen.Rerun.Token, Run: d.run}
	}
	if d.run == seen.Recorded.Run || seen.Recorded.Run == 0 {
		return
	}
	past := v1alpha1.PastRun{Run: seen.Recorded.Run}
	if ready := meta.FindStatusCondition(seen.Conditions, v1alpha1.ConditionReady); ready != nil {
		past.Reason = ready.Reason
	}
	for i := range seen.Recorded.Steps {
		if at := seen.Recorded.Steps[i].CompletionTime; at != nil && (past.CompletionTime == nil || past.CompletionTime.Before(at)) {
			past.CompletionTime = at
		}
	}
	s.History = append([]v1alpha1.PastRun{past}, s.History...)
	s.History = s.History[:min(len(s.History), v1alpha1.MaxHistory)]
}

// cause says why there is another run.
func (s *Status) cause() string {
	if s.Rerun != nil && s.Rerun.Run == s.Run {
		return "asked for by spec.rerun"
	}
	return "the recording changed after it was processed"
}
