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

// intact is what the condition Intact says.
type intact struct {
	status          metav1.ConditionStatus
	reason, message string
}

// intactCondition sums up what the steps found: the worst of it counts, and of several equal ones the first in the
// pipeline's order. False: no step has read the recording yet.
func intactCondition(steps []v1alpha1.StepStatus) (intact, bool) {
	if step := firstStep(steps, v1alpha1.IntegrityDamaged); step != nil {
		return intact{metav1.ConditionFalse, v1alpha1.ReasonDamaged,
			describe(step, "the recording is damaged", v1alpha1.FindingType.IsDamage)}, true
	}
	if step := firstStep(steps, v1alpha1.IntegrityUnknown); step != nil {
		return intact{metav1.ConditionUnknown, v1alpha1.ReasonUndecided,
			describe(step, "it cannot be decided whether the recording is whole", v1alpha1.FindingType.IsUndecided)}, true
	}
	if step := firstStep(steps, v1alpha1.IntegrityIntact); step != nil {
		return intact{metav1.ConditionTrue, v1alpha1.ReasonIntact, "every packet of the recording is there"}, true
	}
	return intact{}, false
}

func firstStep(steps []v1alpha1.StepStatus, state v1alpha1.IntegrityState) *v1alpha1.StepStatus {
	i := slices.IndexFunc(steps, func(step v1alpha1.StepStatus) bool {
		return step.Integrity != nil && step.Integrity.State == state
	})
	if i < 0 {
		return nil
	}
	return &steps[i]
}

// describe says the first finding that matters (without one, the summary), which step has it, and how many others, of
// any type, it has.
func describe(step *v1alpha1.StepStatus, summary string, matters func(v1alpha1.FindingType) bool) string {
	found := step.Integrity
	others := int64(found.More) + int64(len(found.Findings))
	if i := slices.IndexFunc(found.Findings, func(finding v1alpha1.Finding) bool { return matters(finding.Type) }); i >= 0 {
		summary = findingText(found.Findings[i])
		others--
	}
	message := fmt.Sprintf("step %q: %s", step.Name, summary)
	switch {
	case others == 1:
		message += " (1 more finding)"
	case others > 1:
		message += fmt.Sprintf(" (%d more findings)", others)
	}
	return message
}

// findingText is the finding's own message, which says where it is. Without one it is, for example, "SegmentMissing at
// 1m3s, segment 17"; the first segment is 0.
func findingText(finding v1alpha1.Finding) string {
	if finding.Message != "" {
		return fmt.Sprintf("%s: %s", finding.Type, finding.Message)
	}
	text := fmt.Sprintf("%s at %s", finding.Type, time.Duration(clampMilliseconds(finding.AtMilliseconds))*time.Millisecond)
	if finding.Segment != nil {
		text += fmt.Sprintf(", segment %d", *finding.Segment)
	}
	return text
}

// clampMilliseconds keeps a time within what a time.Duration holds: the value is untrusted.
func clampMilliseconds(milliseconds int64) int64 {
	const most = v1alpha1.MaxDurationSeconds * 1000
	return min(max(milliseconds, 0), most)
}
