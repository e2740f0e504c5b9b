// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// fileStatus is the status of a file: its processing, and its facts as people read them. It has all the file's tasks.
func fileStatus(seen *gathered, processing pipeline.Status) v1alpha1.RecordingFileStatus {
	status := v1alpha1.RecordingFileStatus{
		Conditions:         processing.Conditions,
		ObservedGeneration: seen.file.Generation,
		ProcessingStatus:   processing.ProcessingStatus,
		Summary:            summaryOf(seen.facts),
		IgnoredFields:      seen.facts.IgnoredFields,
		TaskIDs:            seen.file.Spec.TaskIDs,
		TaskID:             seen.facts.Task(),
	}
	status.Summary.Reason, status.Summary.Progress = processing.Reason, processing.Progress
	if seen.notKept {
		before := seen.Recorded
		status.Pipeline, status.Input, status.Run = before.Pipeline, before.Input, before.Run
		status.Rerun, status.History = before.Rerun, before.History
	}
	tellPipelineChange(seen, &status)
	return status
}

// keptStatus is the status of a file that has nothing left to do: as it was, for the generation and the facts that were
// read. It has all the file's tasks.
func keptStatus(seen *gathered) v1alpha1.RecordingFileStatus {
	kept := *seen.file.Status.DeepCopy()
	kept.ObservedGeneration = seen.file.Generation
	kept.Conditions = pipeline.Observed(kept.Conditions, seen.file.Generation)
	kept.IgnoredFields = seen.facts.IgnoredFields
	kept.TaskIDs, kept.TaskID, kept.Done = seen.file.Spec.TaskIDs, seen.facts.Task(), true
	kept.Input = seen.facts.Digest()
	if before := kept.Summary; before != nil {
		kept.Summary = summaryOf(seen.facts)
		kept.Summary.Progress, kept.Summary.Reason = before.Progress, before.Reason
	}
	tellPipelineChange(seen, &kept)
	return kept
}

// tellPipelineChange says on a file that its pipelineRef was changed after processing had begun, when it no longer decides
// anything.
func tellPipelineChange(seen *gathered, status *v1alpha1.RecordingFileStatus) {
	wanted, begun := seen.file.Spec.PipelineRef, status.Pipeline
	if wanted == nil || begun == nil || wanted.Name == begun.Name {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionPipelineChanged)
		return
	}
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionPipelineChanged, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonPipelineRefChanged,
		Message: bounded.Message(fmt.Sprintf("spec.pipelineRef names RecordingPipeline %q, and processing began with %q; kubectl recordings retry %s runs the new one",
			wanted.Name, begun.Name, seen.file.Name)),
		ObservedGeneration: seen.file.Generation, LastTransitionTime: metav1.NewTime(seen.Now),
	})
}

func summaryOf(facts recording.Facts) *v1alpha1.FileSummary {
	result := &v1alpha1.FileSummary{Room: recording.Short(facts.Room), Stream: recording.Short(facts.Stream), Format: facts.Format}
	if facts.DurationSeconds > 0 {
		result.Duration = facts.Duration().String()
	}
	if facts.SizeBytes > 0 {
		result.Size = recording.HumanSize(facts.SizeBytes)
	}
	if facts.Width > 0 && facts.Height > 0 {
		result.Resolution = fmt.Sprintf("%dx%d", facts.Width, facts.Height)
	}
	return result
}
