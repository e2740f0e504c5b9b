// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"encoding/json"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// The longest messages, in bytes. The API server refuses a status with a longer message of a step as a whole; those of
// conditions are short because an object is read and written as a whole too.
const (
	maxStepMessage      = 512
	maxConditionMessage = 512
	// maxSteps bounds the steps of a status, as JSON: together with a spec and conditions an object has 16 KiB. What each
	// patch of an object costs the API server grows with its size.
	maxSteps = 8 << 10
	// shortMessage is what is left of a step's message when the steps do not fit.
	shortMessage = 128
)

// bound cuts what the steps of a status say to what fits. What is left out, manifest.json at the destination has.
func (d *Decision) bound(steps []v1alpha1.StepStatus) {
	for i := range steps {
		steps[i].Message = bound(steps[i].Message)
	}
	boundFindings(steps)
	needed := d.neededOutputs(steps)
	for _, leaveOut := range []func(step *v1alpha1.StepStatus){
		func(step *v1alpha1.StepStatus) { step.Integrity = workerapi.WithFindings(step.Integrity, 4) },
		func(step *v1alpha1.StepStatus) { step.Outputs = step.Outputs[:min(len(step.Outputs), 1)] },
		func(step *v1alpha1.StepStatus) { step.Integrity = workerapi.WithFindings(step.Integrity, 0) },
		func(step *v1alpha1.StepStatus) { step.Message = bounded.Bytes(step.Message, shortMessage) },
		func(step *v1alpha1.StepStatus) {
			if !needed[step.Name] {
				step.Outputs = nil
			}
		},
		func(step *v1alpha1.StepStatus) {
			if !needed[step.Name] {
				step.Manifest = nil
			}
		},
	} {
		// Later steps first: they are more often those that nothing follows.
		for i := len(steps) - 1; i >= 0; i-- {
			if fits(steps) {
				return
			}
			leaveOut(&steps[i])
		}
	}
}

// bound cuts the message of a step.
func bound(message string) string { return bounded.Bytes(message, maxStepMessage) }

// neededOutputs are the steps whose outputs a step works on that has not ended: it may need another Job.
func (d *Decision) neededOutputs(steps []v1alpha1.StepStatus) map[string]bool {
	needed := map[string]bool{}
	if d.seen.Pipeline == nil {
		return needed
	}
	for _, step := range Steps(d.seen.Pipeline.Spec) {
		if state := find(steps, step.Name); step.Input != nil && state != nil && !Ended(state.State) {
			needed[step.Input.Step] = true
		}
	}
	return needed
}

func fits(steps []v1alpha1.StepStatus) bool {
	data, err := json.Marshal(steps)
	return err != nil || len(data) <= maxSteps
}

// boundFindings leaves the steps of a subject at most MaxFindings findings together, and one for each further step, so that
// the object stays small: steps of one recording find the same. Earlier steps come first, whenever they ended.
func boundFindings(steps []v1alpha1.StepStatus) {
	left := v1alpha1.MaxFindings
	for i := range steps {
		if steps[i].Integrity == nil {
			continue
		}
		steps[i].Integrity = workerapi.WithFindings(steps[i].Integrity, max(left, 1))
		left -= len(steps[i].Integrity.Findings)
	}
}
