// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps"
	"sparkrtc.dev/recording-operator/internal/steps/job"
)

// prepare builds the Job of a step from what was gathered. It reads nothing.
func (r *FileReconciler) prepare(seen *gathered) func(pipeline.Start) (*batchv1.Job, *pipeline.Problem) {
	return func(start pipeline.Start) (*batchv1.Job, *pipeline.Problem) {
		work := &job.Work{
			Start: start, File: seen.file, Facts: seen.facts, Source: seen.source,
			Pipeline: seen.Pipeline.Name, Revision: seen.Pipeline.Revision,
			QueueName: seen.Pipeline.Spec.QueueName, PriorityClass: seen.Pipeline.Spec.WorkloadPriorityClassName,
			WorkerImage: r.WorkerImage, RequireLandlock: r.RequireLandlock, DeniedNetworks: r.DeniedNetworks,
		}
		if ttl := seen.Pipeline.Spec.TTLAfterFinished; ttl != nil {
			work.TTL = ttl.Duration
		}
		work.StorageVersion = seen.storageOf(start.Step).Version
		work.Defaults = seen.Pipeline.Spec.Defaults
		work.TriggerImage, work.TriggerAccount = r.TriggerImage, seen.triggerAccount
		var problem *pipeline.Problem
		if output := start.Step.Output; output != nil {
			if work.OutputStorage, problem = seen.storage(output.StorageRef.Name); problem != nil {
				return nil, problem
			}
		}
		if problem = seen.findInputs(work); problem != nil {
			return nil, problem
		}
		return steps.Build(work)
	}
}

// findInputs finds where the step reads: where its inputs were published to, and the recording where the source says; otherwise
// that is downloaded.
func (g *gathered) findInputs(work *job.Work) (problem *pipeline.Problem) {
	work.InputStorages = map[string]*v1alpha1.StorageLocation{}
	for i := range work.Inputs {
		if work.Inputs[i].Step == v1alpha1.InputRecording {
			continue
		}
		name := work.Inputs[i].StorageRef.Name
		if work.InputStorages[name], problem = g.storage(name); problem != nil {
			return problem
		}
	}
	switch {
	case !work.Step.ReadsRecording():
	case g.source == nil:
		return sourceNotFound(g.file)
	case g.source.Spec.StorageRef != nil:
		work.InputStorage, problem = g.storage(g.source.Spec.StorageRef.Name)
	}
	return problem
}

// storageOf is what is known of the StorageLocations that a step uses.
func (g *gathered) storageOf(step *v1alpha1.Step) pipeline.Storage {
	var known pipeline.Storage
	for i, name := range g.storageNames(step) {
		location := g.storages[name]
		if location == nil {
			return pipeline.Storage{}
		}
		known.Version += fmt.Sprintf("%s/%d ", name, location.Generation)
		ready := meta.FindStatusCondition(location.Status.Conditions, v1alpha1.ConditionReady)
		switch {
		case ready != nil && ready.Status == metav1.ConditionFalse && known.Problem == "":
			known.Problem = fmt.Sprintf("StorageLocation %q is not ready: %s: %s", name, ready.Reason, ready.Message)
		case ready != nil && ready.Status == metav1.ConditionTrue && (i == 0 || ready.LastTransitionTime.After(known.ReadySince)):
			known.ReadySince = ready.LastTransitionTime.Time
		}
	}
	if known.Problem != "" {
		known.ReadySince = time.Time{}
	}
	known.Version = strings.TrimSpace(known.Version)
	return known
}

// storageNames are the StorageLocations that a step uses: that of its output, those of its inputs, and that of the source where
// it reads the recording.
func (g *gathered) storageNames(step *v1alpha1.Step) []string {
	var names []string
	if step.Output != nil {
		names = append(names, step.Output.StorageRef.Name)
	}
	inputs := step.InputSteps()
	for _, other := range pipeline.Steps(g.Pipeline.Spec) {
		if slices.Contains(inputs, other.Name) && other.Output != nil {
			names = append(names, other.Output.StorageRef.Name)
		}
	}
	if step.ReadsRecording() && g.source != nil && g.source.Spec.StorageRef != nil && step.Output != nil {
		names = append(names, g.source.Spec.StorageRef.Name)
	}
	return names
}

func (g *gathered) storage(name string) (*v1alpha1.StorageLocation, *pipeline.Problem) {
	if location := g.storages[name]; location != nil {
		return location, nil
	}
	return nil, &pipeline.Problem{Reason: v1alpha1.ReasonStorageLocationNotFound,
		Message: fmt.Sprintf("StorageLocation %q not found; create it, or refer to another one", name)}
}
