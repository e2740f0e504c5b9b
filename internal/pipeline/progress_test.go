// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// TestProgress_NeverGoesBackWithinAnAttempt: the status keeps what it has of the same attempt, whatever the manager knows,
// and forgets it with the attempt and with the step's end.
func TestProgress_NeverGoesBackWithinAnAttempt(t *testing.T) {
	heard := func(percent int32, age time.Duration) *v1alpha1.StepProgress {
		return &v1alpha1.StepProgress{Percent: percent, Stage: v1alpha1.StageProcess, UpdateTime: metav1.NewTime(now.Add(-age))}
	}
	recorded := heard(40, 10*time.Second)
	running := func(progress *v1alpha1.StepProgress, change ...func(*Child)) Child {
		return child("mp4", append([]func(*Child){func(c *Child) {
			c.AttemptTime, c.Progress = metav1.NewTime(now.Add(-time.Minute)), progress
		}}, change...)...)
	}
	for name, test := range map[string]struct {
		child Child
		want  *v1alpha1.StepProgress
	}{
		"more":                       {running(heard(50, 0)), heard(50, 0)},
		"less":                       {running(heard(30, 0)), recorded},
		"nothing, of a new manager":  {running(nil), recorded},
		"the pod has just ended":     {running(nil, func(c *Child) { c.AttemptTime = metav1.Time{} }), recorded},
		"another attempt":            {running(heard(20, 0), func(c *Child) { c.FailedPods = 1 }), heard(20, 0)},
		"another pod after a drain":  {running(heard(20, 0), func(c *Child) { c.AttemptTime = metav1.NewTime(now.Add(-time.Second)) }), heard(20, 0)},
		"another pod, not asked yet": {running(nil, func(c *Child) { c.AttemptTime = metav1.NewTime(now.Add(-time.Second)) }), nil},
		"another Job":                {running(heard(20, 0), func(c *Child) { c.Name = "another" }), heard(20, 0)},
		"suspended":                  {running(heard(50, 0), func(c *Child) { c.Suspended = true }), nil},
		"its pod waits": {running(heard(50, 0), func(c *Child) {
			c.Waiting = &Waiting{Reason: "Unschedulable", Since: now.Add(-time.Hour)}
		}), nil},
		"the result is on its way": {running(nil, succeeds, silent), recorded},
		"succeeded":                {running(heard(100, 0), succeeds), nil},
		"failed":                   {running(heard(50, 0), fails), nil},
	} {
		t.Run(name, func(t *testing.T) {
			before := v1alpha1.StepStatus{Name: "mp4", State: v1alpha1.StepRunning, JobName: "job-mp4", Attempts: 1, Progress: recorded}
			seen := observation(steps(step("mp4")), test.child).with(before)
			status := Decide(seen).Status(Outcome{})
			got := status.Steps[0].Progress
			if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
			seen.Recorded = status.ProcessingStatus
			if again := Decide(seen).Status(Outcome{}).Steps[0].Progress; (again == nil) != (got == nil) || got != nil && *again != *got {
				t.Errorf("the second look says %+v", again)
			}
		})
	}
}
