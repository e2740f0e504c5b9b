// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package steps knows the kinds of steps on the operator's side. A kind is a folder here, a folder of the same name in
// internal/worker if its steps have Jobs, and a struct in the API. Nothing else names kinds.
package steps

import (
	"errors"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps/approve"
	"sparkrtc.dev/recording-operator/internal/steps/archive"
	"sparkrtc.dev/recording-operator/internal/steps/container"
	"sparkrtc.dev/recording-operator/internal/steps/job"
	"sparkrtc.dev/recording-operator/internal/steps/thumbnails"
	"sparkrtc.dev/recording-operator/internal/steps/transcode"
	"sparkrtc.dev/recording-operator/internal/steps/trigger"
)

// Kind is one kind of step. Each is a JobKind or an AskingKind, too.
type Kind interface {
	// Name is that of the kind's field in v1alpha1.Step, and of its folders.
	Name() string
	// Is says whether a step is of this kind.
	Is(step *v1alpha1.Step) bool
	// MakesMedia says whether a step that reads media can work on the first output of a step of this kind.
	MakesMedia(step *v1alpha1.Step) bool
	// ReadsFiles says whether a step of this kind works on whatever another step publishes, and not on media alone.
	ReadsFiles() bool
	// Validate says what a person has to correct in a step of this kind, beyond what the API server checks. The error
	// names the field below the step.
	Validate(step *v1alpha1.Step) error
}

// JobKind is a kind whose steps are Jobs.
type JobKind interface {
	Kind
	// Build builds the Job of a step of this kind, with all defaults, or says what a person has to correct first.
	Build(work *job.Work) (*batchv1.Job, *pipeline.Problem)
	// Observe reads what became of a Job of this kind, and of its pods.
	Observe(child *batchv1.Job, pods []corev1.Pod) pipeline.Child
}

// AskingKind is a kind whose steps wait for a person.
type AskingKind interface {
	Kind
	// Ask gives what a person decides about a file in a step of this kind.
	Ask(file *v1alpha1.RecordingFile, step *v1alpha1.Step) *pipeline.Question
}

// kinds is the registry.
var kinds = []Kind{
	approve.Kind{},
	archive.Kind{},
	container.Kind{},
	thumbnails.Kind{},
	transcode.Kind{},
	trigger.Kind{},
}

// Kinds are all kinds.
func Kinds() []Kind { return slices.Clone(kinds) }

// Of is the kind of a step; nil: this version of the operator has no such kind.
func Of(step *v1alpha1.Step) Kind {
	for _, kind := range kinds {
		if kind.Is(step) {
			return kind
		}
	}
	return nil
}

// NameOf is the name of a step's kind, for metrics.
func NameOf(step *v1alpha1.Step) string {
	if kind := Of(step); kind != nil {
		return kind.Name()
	}
	return "unknown"
}

// Build builds the Job of a step.
func Build(work *job.Work) (*batchv1.Job, *pipeline.Problem) {
	if kind, ok := Of(work.Step).(JobKind); ok {
		return kind.Build(work)
	}
	return nil, &pipeline.Problem{Reason: v1alpha1.ReasonPipelineInvalid, Message: "this version of the operator does not know the step's kind; upgrade the operator"}
}

// Ask gives what a person decides about a file in a step; nil: the step has a Job.
func Ask(file *v1alpha1.RecordingFile, step *v1alpha1.Step) *pipeline.Question {
	if kind, ok := Of(step).(AskingKind); ok {
		return kind.Ask(file, step)
	}
	return nil
}

// Observe reads what became of a Job. A Job of a removed kind is read like any other.
func Observe(child *batchv1.Job, pods []corev1.Pod) pipeline.Child {
	for _, kind := range kinds {
		if made, ok := kind.(JobKind); ok && kind.Name() == child.Labels[v1alpha1.LabelStepKind] {
			return made.Observe(child, pods)
		}
	}
	return job.Observe(child, pods)
}

// Validate says what a person has to correct in a pipeline, beyond what the API server checks.
func Validate(spec *v1alpha1.RecordingPipelineSpec, conditions *expression.Conditions) error {
	for i := range spec.Steps {
		if err := validateStep(&spec.Steps[i], false, spec.Steps, conditions); err != nil {
			return fmt.Errorf("spec.steps[%s]%w", spec.Steps[i].Name, err)
		}
	}
	for i := range spec.Finally {
		if err := validateStep(&spec.Finally[i], true, spec.Steps, conditions); err != nil {
			return fmt.Errorf("spec.finally[%s]%w", spec.Finally[i].Name, err)
		}
	}
	return pipeline.CheckGraph(spec, conditions.Reads)
}

// validateStep says what is wrong with one step; all are those that its inputs may name. The error goes on from the name of
// the step.
func validateStep(step *v1alpha1.Step, finally bool, all []v1alpha1.Step, conditions *expression.Conditions) error {
	kind := Of(step)
	if kind == nil {
		return errors.New(": this version of the operator does not know the step's kind; upgrade the operator")
	}
	for _, name := range step.InputSteps() {
		if !reads(kind, name, all) {
			return fmt.Errorf(".%s: step %q publishes nothing that this kind of step reads", inputField(step), name)
		}
	}
	if step.When != "" {
		if err := conditions.Check(step.When, finally); err != nil {
			return fmt.Errorf(".when: %w", err)
		}
	}
	for _, expression := range step.ValueExpressions() {
		if err := conditions.CheckValue(expression, finally); err != nil {
			return fmt.Errorf(": %q: %w", expression, err)
		}
	}
	if err := kind.Validate(step); err != nil {
		return fmt.Errorf(".%w", err)
	}
	return nil
}

// inputField is the field that names what a step works on.
func inputField(step *v1alpha1.Step) string {
	if step.Input != nil {
		return "input.step"
	}
	return "inputs"
}

// reads says whether a step of a kind can work on what another step publishes.
func reads(kind Kind, name string, all []v1alpha1.Step) bool {
	i := slices.IndexFunc(all, func(step v1alpha1.Step) bool { return step.Name == name })
	if i < 0 {
		return false
	}
	made := Of(&all[i])
	return made != nil && (made.MakesMedia(&all[i]) || kind.ReadsFiles() && all[i].Output != nil)
}
