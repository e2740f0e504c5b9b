// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"encoding/json"
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	// maxSteps bounds the steps of a status, as JSON: together with conditions and a summary a status has 16 KiB. What each
	// patch of an object costs the API server grows with its size.
	maxSteps = 7 << 10
	// shortMessage is what is left of a step's message when the steps do not fit, in bytes of JSON.
	shortMessage = 128
	// maxReason is longer than the reasons of the operator, of the worker and of Kubernetes.
	maxReason = 64
)

// bound cuts what the steps of a status say to what fits. What is left out, manifest.json at the destination has, or a log.
// What a step that has not ended works on goes last: without it, that step says that its input or a result is missing.
func (d *Decision) bound(steps []v1alpha1.StepStatus) {
	for i := range steps {
		steps[i].Message = bounded.Message(steps[i].Message)
		steps[i].Reason = bounded.JSON(bounded.Printable(steps[i].Reason), maxReason)
	}
	boundFindings(steps)
	outputsNeeded, resultsNeeded := d.needed(steps)
	unless := func(needed map[string]bool, leaveOut func(step *v1alpha1.StepStatus)) func(*v1alpha1.StepStatus) {
		return func(step *v1alpha1.StepStatus) {
			if !needed[step.Name] {
				leaveOut(step)
			}
		}
	}
	for _, leaveOut := range []func(step *v1alpha1.StepStatus){
		func(step *v1alpha1.StepStatus) { step.Integrity = workerapi.WithFindings(step.Integrity, 4) },
		func(step *v1alpha1.StepStatus) { step.Outputs = step.Outputs[:min(len(step.Outputs), 1)] },
		func(step *v1alpha1.StepStatus) { step.Integrity = workerapi.WithFindings(step.Integrity, 0) },
		func(step *v1alpha1.StepStatus) { step.Message = bounded.JSON(step.Message, shortMessage) },
		unless(outputsNeeded, leaveOutOutputs),
		unless(outputsNeeded, leaveOutManifest),
		unless(resultsNeeded, leaveOutResults),
		func(step *v1alpha1.StepStatus) { step.Object = nil },
		leaveOutURIs, leaveOutManifest, leaveOutMessage, leaveOutResults, leaveOutOutputs, leaveOutPackets, leaveOutJob,
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

func leaveOutOutputs(step *v1alpha1.StepStatus)  { step.Outputs = nil }
func leaveOutManifest(step *v1alpha1.StepStatus) { step.Manifest = nil }
func leaveOutResults(step *v1alpha1.StepStatus)  { step.Results = nil }
func leaveOutMessage(step *v1alpha1.StepStatus)  { step.Message = "" }

// leaveOutURIs leaves out what of the outputs is for people: a step that works on them reads buckets and keys.
func leaveOutURIs(step *v1alpha1.StepStatus) {
	step.Outputs = slices.Clone(step.Outputs)
	for i := range step.Outputs {
		step.Outputs[i].URI, step.Outputs[i].SHA256, step.Outputs[i].Media = "", "", nil
	}
}

func leaveOutPackets(step *v1alpha1.StepStatus) {
	if step.Integrity != nil {
		step.Integrity = step.Integrity.DeepCopy()
		step.Integrity.Packets = v1alpha1.PacketCounts{}
	}
}

// leaveOutJob leaves out which Job a step had that has ended: it is of use for a log, and is deleted sooner or later.
func leaveOutJob(step *v1alpha1.StepStatus) {
	if Ended(step.State) {
		step.JobName, step.StartTime = "", nil
	}
}

// needed are the steps whose outputs, and those whose results, a step works on that has not ended: it may need another Job.
func (d *Decision) needed(steps []v1alpha1.StepStatus) (outputs, results map[string]bool) {
	outputs, results = map[string]bool{}, map[string]bool{}
	if d.seen.Pipeline == nil {
		return outputs, results
	}
	for _, step := range Steps(d.seen.Pipeline.Spec) {
		if state := find(steps, step.Name); state == nil || Ended(state.State) {
			continue
		}
		for _, name := range step.InputSteps() {
			outputs[name] = true
		}
		for _, expression := range append(step.ValueExpressions(), step.When) {
			if expression == "" {
				continue
			}
			for _, name := range d.reads(expression) {
				results[name] = true
			}
		}
	}
	return outputs, results
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
