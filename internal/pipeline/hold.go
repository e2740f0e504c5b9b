// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
)

// Hold takes out of a decision that a step's Job is created or resumed: a limit is reached. waitingFor names the limit.
func (d *Decision) Hold(step, reason, waitingFor string) {
	i := slices.IndexFunc(d.steps, func(s v1alpha1.StepStatus) bool { return s.Name == step })
	if i < 0 {
		return
	}
	state := &d.steps[i]
	if creates := len(d.Create); creates > 0 {
		d.Create = slices.DeleteFunc(d.Create, func(c Creation) bool { return c.Step.Name == step })
		if len(d.Create) < creates {
			*state = v1alpha1.StepStatus{Name: step, Retry: underway(state.Retry)}
		}
	}
	d.Resume = slices.DeleteFunc(d.Resume, func(c Child) bool { return c.Step == step })
	d.queued(state, reason, waitingFor)
}

// queued has a step wait for a limit or for Kueue.
func (d *Decision) queued(state *v1alpha1.StepStatus, reason, waitingFor string) {
	state.State, state.Reason, state.Message = v1alpha1.StepQueued, reason, "Queued in "+waitingFor
	if reason != v1alpha1.ReasonLocalQueue {
		state.Message = waitingFor
	}
	if d.waitingFor == nil {
		d.waitingFor = map[string]string{}
	}
	d.waitingFor[state.Name] = waitingFor
}

// queue says what the first step waits for that is queued; nil: none is.
func (d *Decision) queue(steps []v1alpha1.StepStatus) *v1alpha1.QueueStatus {
	for i := range steps {
		if steps[i].State != v1alpha1.StepQueued {
			continue
		}
		queue := &v1alpha1.QueueStatus{WaitingFor: bounded.Message(d.waitingFor[steps[i].Name]), Since: metav1.NewTime(d.seen.Now)}
		if before := d.seen.Recorded.Queue; before != nil {
			queue.Since = before.Since
		}
		return queue
	}
	return nil
}
