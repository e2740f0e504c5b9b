// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Expressions evaluates the expressions of steps. It is pure.
type Expressions interface {
	// Reads names the steps that an expression reads.
	Reads(when string) []string
	// Holds says whether the step runs. steps are all that have ended, those that the expression reads among them. outcome is
	// that of all steps for one of finally, and empty for others.
	Holds(when string, steps map[string]v1alpha1.StepStatus, outcome string) (bool, error)
	// Value gives the value of an expression as JSON has it.
	Value(expression string, steps map[string]v1alpha1.StepStatus, outcome string) (any, error)
}

// Steps are all steps of a pipeline in the order of a status: those of finally come last.
func Steps(spec *v1alpha1.RecordingPipelineSpec) []*v1alpha1.Step {
	steps := make([]*v1alpha1.Step, 0, len(spec.Steps)+len(spec.Finally))
	for i := range spec.Steps {
		steps = append(steps, &spec.Steps[i])
	}
	for i := range spec.Finally {
		steps = append(steps, &spec.Finally[i])
	}
	return steps
}

// Field is the path of the step at index i of Steps, for example spec.finally[0].
func Field(spec *v1alpha1.RecordingPipelineSpec, i int) string {
	if i < len(spec.Steps) {
		return fmt.Sprintf("spec.steps[%d]", i)
	}
	return fmt.Sprintf("spec.finally[%d]", i-len(spec.Steps))
}

// node is a step and what it waits for.
type node struct {
	*v1alpha1.Step
	finally bool
	// dependencies must have ended before the step starts: dependsOn, its inputs, and what its expressions read; for a step
	// of finally they are all of steps.
	dependencies []string
	// needs are the dependencies that must have succeeded: all but those that when decides on.
	needs []string
}

func newNode(step *v1alpha1.Step, readsOf func(when string) []string) node {
	n := node{Step: step, dependencies: slices.Clone(step.DependsOn)}
	var reads []string
	if step.When != "" {
		reads = readsOf(step.When)
	}
	for _, name := range step.DependsOn {
		if !slices.Contains(reads, name) {
			n.needs = append(n.needs, name)
		}
	}
	reads = append(reads, step.InputSteps()...)
	n.needs = append(n.needs, step.InputSteps()...)
	for _, value := range step.ValueExpressions() {
		reads = append(reads, readsOf(value)...)
		n.needs = append(n.needs, readsOf(value)...)
	}
	for _, name := range reads {
		if !slices.Contains(n.dependencies, name) {
			n.dependencies = append(n.dependencies, name)
		}
	}
	return n
}

// nodes are the steps in the pipeline's order.
func nodes(spec *v1alpha1.RecordingPipelineSpec, readsOf func(when string) []string) []node {
	var all []node
	var names []string
	for i := range spec.Steps {
		all = append(all, newNode(&spec.Steps[i], readsOf))
		names = append(names, spec.Steps[i].Name)
	}
	for i := range spec.Finally {
		last := newNode(&spec.Finally[i], readsOf)
		last.finally, last.dependencies = true, names
		all = append(all, last)
	}
	return all
}

// Dependencies name the steps that must have ended before a step starts.
func (o *Observation) Dependencies(step string) []string {
	for _, one := range nodes(o.Pipeline.Spec, o.Expressions.Reads) {
		if one.Name == step {
			return one.dependencies
		}
	}
	return nil
}

// CheckGraph says what is wrong with the order of a pipeline's steps: when reads a step that is not there or runs in the
// same phase, or steps wait for each other. Whether each when compiles is checked before.
func CheckGraph(spec *v1alpha1.RecordingPipelineSpec, readsOf func(when string) []string) error {
	all := nodes(spec, readsOf)
	for _, n := range all {
		for _, expression := range append(n.ValueExpressions(), n.When) {
			if expression == "" {
				continue
			}
			for _, name := range readsOf(expression) {
				if name == n.Name || !slices.ContainsFunc(spec.Steps, func(s v1alpha1.Step) bool { return s.Name == name }) {
					return fmt.Errorf("%s[%s]: %q: spec.steps has no other step %q", n.list(), n.Name, expression, name)
				}
			}
		}
	}
	if _, cyclic := order(all); len(cyclic) > 0 {
		return fmt.Errorf("spec.steps: %v wait for each other", cyclic)
	}
	return nil
}

// list is the field that the step lies in.
func (n *node) list() string {
	if n.finally {
		return "spec.finally"
	}
	return "spec.steps"
}

// order lists the steps so that each comes after those that it waits for, and names those for which that cannot be.
func order(all []node) (ordered []node, cyclic []string) {
	placed := map[string]bool{}
	for range all {
		for _, n := range all {
			ready := !slices.ContainsFunc(n.dependencies, func(name string) bool { return !placed[name] })
			if ready && !placed[n.Name] {
				placed[n.Name] = true
				ordered = append(ordered, n)
			}
		}
	}
	for _, n := range all {
		if !placed[n.Name] {
			cyclic = append(cyclic, n.Name)
		}
	}
	return ordered, cyclic
}
