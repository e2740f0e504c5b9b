// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func newConditions(t *testing.T) *Conditions {
	t.Helper()
	made, err := NewConditions()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestConditions_NameTheStepsThatAreRead(t *testing.T) {
	conditions := newConditions(t)
	for when, want := range map[string][]string{
		"recording.room == 'a'":                                      nil,
		"steps.mp4.state == 'Failed' || steps.mp4.reason == ''":      {"mp4"},
		"steps['full-mp4'].state == 'Failed' && has(steps.b.reason)": {"full-mp4", "b"},
		"steps.a.outputs.exists(o, o.mediaType == 'video/mp4')":      {"a"},
	} {
		if err := conditions.Check(when, false); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		if got := conditions.Reads(when); !slices.Equal(got, want) {
			t.Errorf("%s reads %q, want %q", when, got, want)
		}
	}
}

func TestConditions_RefuseWhatCannotBeKnownBefore(t *testing.T) {
	conditions := newConditions(t)
	for when, want := range map[string]string{
		"steps.size() == 1":                       "write steps.<name>",
		"steps.exists(s, s == 'a')":               "write steps.<name>",
		"steps[recording.room].state == 'Failed'": "write steps.<name>",
		"steps.full-mp4.state == 'Failed'":        "steps['<name>'] for a name with a hyphen",
		"outcome == 'Failed'":                     "outcome",
		"steps.a.status == 'x'":                   "status",
		"steps.a.state":                           "must be a bool",
		"[1].all(a, [1].all(b, a == b))":          "inside or after",
		"steps.":                                  "Syntax error",
	} {
		if err := conditions.Check(when, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", when, err, want)
		}
	}
	if err := conditions.Check("outcome == 'Failed'", true); err != nil {
		t.Errorf("finally: %v", err)
	}
	if names := conditions.Reads("steps."); names != nil {
		t.Errorf("a wrong expression reads %v", names)
	}
}

func TestConditions_Hold(t *testing.T) {
	of := newConditions(t).For(Recording{Room: "r1", Duration: time.Minute})
	unknown := newConditions(t).For(Recording{Room: "r1"})
	steps := map[string]v1alpha1.StepStatus{
		"mp4": {State: v1alpha1.StepFailed, Reason: "RecordingChanged", Integrity: &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged}},
		"raw": {State: v1alpha1.StepSucceeded, Outputs: []v1alpha1.Artifact{{Name: "a.mp4", MediaType: "video/mp4", SizeBytes: 7}}},
	}
	for when, want := range map[string]bool{
		"steps.mp4.state == 'Failed' && steps.mp4.reason == 'RecordingChanged'":       true,
		"steps.mp4.integrity == 'Damaged' && steps.raw.integrity == ''":               true,
		"steps.raw.outputs.exists(o, o.mediaType == 'video/mp4' && o.size > 8)":       false,
		"steps.raw.outputs.size() == 1 && steps.raw.outputs[0].name.endsWith('.mp4')": true,
		"recording.duration > duration('30s')":                                        true,
		"recording.duration > duration('90s')":                                        false,
	} {
		if got, err := of.Holds(when, steps, ""); got != want || err != nil {
			t.Errorf("%s: got %t, %v", when, got, err)
		}
	}
	if got, err := unknown.Holds("recording.duration > duration('90s')", steps, ""); !got || err != nil {
		t.Errorf("an unknown duration: got %t, %v", got, err)
	}
	for outcome, want := range map[string]bool{"Failed": true, "Succeeded": false} {
		if got, err := of.Holds("outcome == 'Failed'", steps, outcome); got != want || err != nil {
			t.Errorf("outcome %s: got %t, %v", outcome, got, err)
		}
	}
	if _, err := of.Holds("steps.raw.outputs[9].name == ''", steps, ""); err == nil {
		t.Error("an output that is not there is no error")
	}
}
