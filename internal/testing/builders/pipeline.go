// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package builders

import "sparkrtc.dev/recording-operator/api/v1alpha1"

// RecordingPipeline builds one.
type RecordingPipeline struct{ pipeline v1alpha1.RecordingPipeline }

// MakeRecordingPipeline begins with a pipeline without steps, which the API server refuses.
func MakeRecordingPipeline(name string) *RecordingPipeline {
	b := &RecordingPipeline{}
	b.pipeline.Name, b.pipeline.Namespace = name, Namespace
	return b
}

// In sets the namespace.
func (b *RecordingPipeline) In(namespace string) *RecordingPipeline {
	b.pipeline.Namespace = namespace
	return b
}

// Archive adds a step that archives to a StorageLocation.
func (b *RecordingPipeline) Archive(step, storage string) *RecordingPipeline {
	return b.Step(v1alpha1.Step{
		Name: step, Archive: &v1alpha1.Archive{}, Output: &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: storage}},
	})
}

// Step adds a step.
func (b *RecordingPipeline) Step(step v1alpha1.Step) *RecordingPipeline {
	b.pipeline.Spec.Steps = append(b.pipeline.Spec.Steps, step)
	return b
}

// Obj is the pipeline that was built.
func (b *RecordingPipeline) Obj() *v1alpha1.RecordingPipeline { return b.pipeline.DeepCopy() }
