// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// integrity has so many findings: a pause, then segments that are missing or hole after hole.
func integrity(state v1alpha1.IntegrityState, findings int) *v1alpha1.Integrity {
	found := &v1alpha1.Integrity{State: state, Checked: v1alpha1.CheckedStructure}
	for i := range findings {
		finding := v1alpha1.Finding{Type: v1alpha1.FindingPause, AtMilliseconds: int64(i) * 63_000}
		switch {
		case i > 0 && state == v1alpha1.IntegrityDamaged:
			finding.Type, finding.Segment, finding.Message = v1alpha1.FindingSegmentMissing, new(int32(i)), "segment 1 (seg.ts) at 1m3s: is empty"
		case i > 0 && state == v1alpha1.IntegrityUnknown:
			finding.Type = v1alpha1.FindingUnknownHole
		}
		found.Findings = append(found.Findings, finding)
	}
	return found
}

func TestStatus_Intact(t *testing.T) {
	const damaged, unknown, whole = v1alpha1.IntegrityDamaged, v1alpha1.IntegrityUnknown, v1alpha1.IntegrityIntact
	for name, test := range map[string]struct {
		states []v1alpha1.StepState
		found  []*v1alpha1.Integrity
		// want is "status/reason: message"; empty: there is no such condition.
		want string
		// ready is the message of Ready.
		ready string
	}{
		"no step has ended":   {states: []v1alpha1.StepState{running}, found: []*v1alpha1.Integrity{nil}},
		"no step reports any": {states: []v1alpha1.StepState{failed}, found: []*v1alpha1.Integrity{nil}},
		"whole": {states: []v1alpha1.StepState{succeeded, running}, found: []*v1alpha1.Integrity{integrity(whole, 1), nil},
			want: "True/Intact: every packet of the recording is there"},
		"whole, and nobody knows": {states: []v1alpha1.StepState{succeeded, succeeded}, found: []*v1alpha1.Integrity{integrity(whole, 0), integrity(unknown, 2)},
			want: `Unknown/Undecided: step "b": UnknownHole at 1m3s (1 more finding)`},
		"unknown without a finding": {states: []v1alpha1.StepState{succeeded}, found: []*v1alpha1.Integrity{{State: unknown}},
			want: `Unknown/Undecided: step "a": it cannot be decided whether the recording is whole`},
		"damaged and published": {states: []v1alpha1.StepState{succeeded, succeeded}, found: []*v1alpha1.Integrity{integrity(unknown, 2), integrity(damaged, 3)},
			want:  `False/Damaged: step "b": SegmentMissing: segment 1 (seg.ts) at 1m3s: is empty (2 more findings)`,
			ready: "2 of 2 steps succeeded; the recording is damaged, see the condition Intact"},
		"damaged and failed": {states: []v1alpha1.StepState{failed, succeeded}, found: []*v1alpha1.Integrity{integrity(damaged, 2), integrity(whole, 0)},
			want:  `False/Damaged: step "a": SegmentMissing: segment 1 (seg.ts) at 1m3s: is empty (1 more finding)`,
			ready: `step "a" failed with NotFound; see status.steps`},
		"two are damaged": {states: []v1alpha1.StepState{failed, failed}, found: []*v1alpha1.Integrity{{State: damaged, More: 7}, integrity(damaged, 2)},
			want: `False/Damaged: step "a": the recording is damaged (7 more findings)`},
		"a finding without a message": {states: []v1alpha1.StepState{failed}, found: []*v1alpha1.Integrity{{State: damaged,
			Findings: []v1alpha1.Finding{{Type: v1alpha1.FindingCorrupt, AtMilliseconds: 63_500, Segment: new(int32(0))}}}},
			want: `False/Damaged: step "a": Corrupt at 1m3.5s, segment 0`},
		"a time that cannot be": {states: []v1alpha1.StepState{failed}, found: []*v1alpha1.Integrity{{State: damaged, More: math.MaxInt32,
			Findings: []v1alpha1.Finding{{Type: v1alpha1.FindingCorrupt, AtMilliseconds: math.MaxInt64}, {Type: "NewKind"}}}},
			want: `False/Damaged: step "a": Corrupt at 596523h14m7s (2147483648 more findings)`},
	} {
		t.Run(name, func(t *testing.T) {
			seen := ended(test.states...)
			meta.SetStatusCondition(&seen.Conditions, metav1.Condition{Type: v1alpha1.ConditionIntact, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonIntact})
			for i := range seen.Recorded.Steps {
				seen.Recorded.Steps[i].Integrity = test.found[i]
			}
			got := Decide(seen).Status(Outcome{})
			text := ""
			if c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionIntact); c != nil {
				text = string(c.Status) + "/" + c.Reason + ": " + c.Message
			}
			if text != test.want {
				t.Errorf("Intact is\n%q, want\n%q", text, test.want)
			}
			if ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady).Message; test.ready != "" && ready != test.ready {
				t.Errorf("Ready says %q, want %q", ready, test.ready)
			}
		})
	}
}

// TestStatus_FindingsAreBoundedWhateverEndsFirst holds that the findings of many steps keep the object small, and that
// the status they end in does not depend on the order in which the steps ended.
func TestStatus_FindingsAreBoundedWhateverEndsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 16).Draw(t, "steps")
		found := make([]*v1alpha1.Integrity, count)
		for i := range found {
			if rapid.Bool().Draw(t, "has read") {
				found[i] = integrity(v1alpha1.IntegrityDamaged, rapid.IntRange(0, v1alpha1.MaxFindings).Draw(t, "findings"))
			}
		}
		end := func(order []int) Status {
			var all []v1alpha1.Step
			for i := range count {
				all = append(all, step(fmt.Sprintf("s%02d", i)))
			}
			seen, got := observation(all), Status{}
			for _, ended := range order {
				seen.Children = append(seen.Children, child(all[ended].Name, succeeds, func(c *Child) {
					c.Result.Integrity, c.Result.Outputs = found[ended], nil
				}))
				got = Decide(seen).Status(Outcome{})
				seen.Recorded = got.ProcessingStatus
			}
			return got
		}
		forward := make([]int, count)
		for i := range forward {
			forward[i] = i
		}
		one, other := end(forward), end(rapid.Permutation(forward).Draw(t, "order"))
		if diff := cmp.Diff(one.Steps, other.Steps); diff != "" {
			t.Fatalf("the order of the ends shows (-forward +other):\n%s", diff)
		}
		listed := 0
		for i, step := range one.Steps {
			if step.Integrity == nil {
				continue
			}
			listed += len(step.Integrity.Findings)
			if all := len(step.Integrity.Findings) + int(step.Integrity.More); all != len(found[i].Findings) {
				t.Fatalf("step %d: %d findings are accounted for, of %d", i, all, len(found[i].Findings))
			}
		}
		if listed > v1alpha1.MaxFindings+count {
			t.Fatalf("%d findings are listed", listed)
		}
	})
}
