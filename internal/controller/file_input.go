// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// inputOf is the digest of the facts that a file is processed under. A run that began before anything was known of the
// recording, because a person asked for it, goes on when the recording is reported, and stands if it succeeds. One that
// has failed did not have what the report says, and is followed by another.
func inputOf(facts recording.Facts, processing *v1alpha1.ProcessingStatus, conditions []metav1.Condition) string {
	if processing.Pipeline == nil {
		return facts.Digest()
	}
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready != nil && ready.Reason == v1alpha1.ReasonFailed && pipeline.Finished(processing, processing.Input) {
		return facts.Digest()
	}
	return facts.Input(processing.Input, secondsRead(processing.Steps))
}

// secondsRead is how long the recording was that the steps have read; 0: none says so.
func secondsRead(steps []v1alpha1.StepStatus) int64 {
	var longest int64
	for i := range steps {
		for j := range steps[i].Outputs {
			if media := steps[i].Outputs[j].Media; media != nil {
				longest = max(longest, media.DurationMilliseconds/1000)
			}
		}
	}
	return longest
}

// supersede looks at a run that has ended, and at what was reported meanwhile. Either the run stands for it, or the file is
// not done: then another one follows.
func supersede(facts recording.Facts, status *v1alpha1.RecordingFileStatus) (superseded bool) {
	if !status.Done || status.Pipeline == nil {
		return false
	}
	if inputOf(facts, &status.ProcessingStatus, status.Conditions) != status.Input {
		status.Done = false
		return true
	}
	status.Input = facts.Digest()
	return false
}
